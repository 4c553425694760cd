"""Bytes of a file → one Radiograph, or a named DecodeError; the format is read from the content."""

from pneumoscope.core.decode_dicom import decode_dicom
from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.decode_raster import decode_raster, raster_format
from pneumoscope.core.dicom_file import looks_like_dicom
from pneumoscope.core.errors import EmptyFile, FileTooLarge, UnsupportedFormat
from pneumoscope.core.types import Radiograph

MAX_BYTES = 100 * 1024**2

# Only to name in the refusal what was sent.
_KNOWN = (
    (b"%PDF", "a PDF document"),
    (b"<", "HTML, SVG or other markup"),
    (b"\xef\xbb\xbf<", "HTML, SVG or other markup"),
    (b"PK\3\4", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"GIF8", "a GIF"),
    (b"RIFF", "WebP or other RIFF"),
    (b"BM", "a BMP"),
    (b"ftyp", "HEIC, AVIF or other MPEG-4"),
)


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> Radiograph:
    """Decode one JPEG, PNG, TIFF or DICOM image.

    pixels: float32 [H, W], C-contiguous, finite, 0..1, air dark, as displayed, square pixels.
    Raises a DecodeError subclass where that is impossible, and no other exception; no warning
    leaves it, what had to be assumed is in `Radiograph.notes`. Threads may decode at once.
    """
    if not data:
        raise EmptyFile("The file is empty.")
    if len(data) > max_bytes:
        raise FileTooLarge(f"The file has {len(data):,} bytes; the limit is {max_bytes:,}.")
    with parser_warnings.ignored(), parser_faults("The file"):
        if looks_like_dicom(data):
            return decode_dicom(data, max_bytes=max_bytes)
        if file_format := raster_format(data):
            return decode_raster(data, file_format)
    raise UnsupportedFormat(f"The file is {_name(data)}, not DICOM, PNG, JPEG or TIFF.")


def _name(data: bytes) -> str:
    start = data[:64].lstrip()
    if data[4:8] == b"ftyp":  # a length comes first
        start = data[4:64]
    return next((name for magic, name in _KNOWN if start.startswith(magic)), "of unknown format")
