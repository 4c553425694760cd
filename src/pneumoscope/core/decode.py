"""Bytes of a file → one Radiograph, or a named DecodeError; the format is read from the content."""

from pneumoscope.core.decode_dicom import decode_dicom, looks_like_dicom
from pneumoscope.core.decode_raster import decode_raster, raster_format
from pneumoscope.core.errors import EmptyFile, FileTooLarge, UnsupportedFormat
from pneumoscope.core.types import Radiograph

MAX_BYTES = 100 * 1024**2


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> Radiograph:
    """Decode JPEG, PNG, TIFF or DICOM.

    Returns pixels float32 [H, W], C-contiguous, finite, 0..1, air dark, upright, square pixels.
    Raises a DecodeError subclass for anything else, and nothing but these.
    """
    if not data:
        raise EmptyFile("The file is empty.")
    if len(data) > max_bytes:
        raise FileTooLarge(f"The file has {len(data):,} bytes; the limit is {max_bytes:,}.")
    if looks_like_dicom(data):
        return decode_dicom(data, max_bytes=max_bytes)
    file_format = raster_format(data)
    if file_format is None:
        raise UnsupportedFormat("The bytes are neither DICOM nor PNG, JPEG or TIFF.")
    return decode_raster(data, file_format)
