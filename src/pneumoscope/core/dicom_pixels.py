"""Pixel data of a DICOM file → the words stored in it, in the right order and number.

Words are unsigned and as allocated: which of their bits are meant, and their sign, is for
`decode_dicom` to say (PS3.5 section 8.1.1).
"""

import io
import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from openjpeg.utils import decode as decode_jpeg2000
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from pydicom import uid
from pydicom.dataelem import RawDataElement
from pydicom.encaps import generate_fragmented_frames

from pneumoscope.core.codestream import read_codestream
from pneumoscope.core.decode_guard import check_size, parser_faults
from pneumoscope.core.dicom_file import UNDEFINED_LENGTH, DicomFile
from pneumoscope.core.dicom_image_pixel import ImagePixel
from pneumoscope.core.errors import (
    ColourImage,
    CorruptFile,
    InconsistentHeader,
    TruncatedFile,
    UnsupportedTransferSyntax,
)
from pneumoscope.core.gdcm_child import decode_apart

Words: TypeAlias = NDArray[np.uint8 | np.uint16]

_RLE_HEADER = struct.Struct("<16I")

_NATIVE = {
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
}
# The codestream itself says which of the JPEG family it is.
_CODESTREAM = {
    *(f"1.2.840.10008.1.2.4.{process}" for process in (*range(50, 59), *range(64, 67))),
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.HTJ2K,
}
TRANSFER_SYNTAXES: frozenset[str] = frozenset(_NATIVE | _CODESTREAM | {uid.RLELossless})


def read_words(file: DicomFile, image: ImagePixel) -> Words:
    """Words uint8 or uint16, [rows, columns], or [rows, columns, 3] in RGB.

    Raises UnsupportedTransferSyntax, InconsistentHeader, ImageTooLarge, TruncatedFile, CorruptFile.
    """
    element, syntax = file.pixel_data, file.transfer_syntax
    if syntax and syntax not in TRANSFER_SYNTAXES:
        raise UnsupportedTransferSyntax(f"The transfer syntax {uid.UID(syntax).name} is not read.")
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        raise CorruptFile("The pixel data are not in a form DICOM knows.")
    encapsulated = element.length == UNDEFINED_LENGTH
    if syntax and encapsulated == (syntax in _NATIVE):
        raise InconsistentHeader("The pixel data contradict the transfer syntax.")
    if not encapsulated:
        swapped = not file.little_endian and element.VR == "OW"
        return _rgb(_native(element.value, image, file.little_endian, swapped), image)
    with parser_faults("The encapsulated pixel data"):
        frame = b"".join(next(generate_fragmented_frames(element.value, number_of_frames=1)))
    if syntax == uid.RLELossless:
        return _rgb(_run_lengths(frame, image), image)
    return _codestream(frame, image)


def _native(value: bytes, image: ImagePixel, little: bool, swapped: bool) -> Words:
    """Uncompressed words; 8-bit ones in big-endian OW come swapped in pairs (PS3.5 A.3)."""
    count = image.rows * image.columns * image.samples
    if len(value) < count * image.word_bytes:
        stated = f"{image.rows} × {image.columns} pixels need {count * image.word_bytes:,} bytes"
        error = InconsistentHeader if image.is_absurd else TruncatedFile
        raise error(f"{stated}, the file holds {len(value):,}.")
    check_size(image.rows, image.columns)
    if image.word_bytes == 1 and swapped:
        pairs = np.frombuffer(value, "u1", len(value) // 2 * 2).reshape(-1, 2)
        return _reshape(pairs[:, ::-1].reshape(-1)[:count], image)
    words = np.frombuffer(value, f"{'<' if little else '>'}u{image.word_bytes}", count)
    return _reshape(words.astype(words.dtype.newbyteorder("="), copy=False), image)


def _run_lengths(frame: bytes, image: ImagePixel) -> Words:
    """RLE (PS3.5 Annex G): one PackBits segment per byte of a sample, most significant first.

    Pillow's PackBits decoder stops at the size asked for: a segment cannot expand beyond it.
    """
    check_size(image.rows, image.columns)
    if len(frame) < _RLE_HEADER.size:
        raise TruncatedFile("The RLE header is cut off.")
    segments, *offsets = _RLE_HEADER.unpack_from(frame)
    if segments != image.samples * image.word_bytes:
        raise InconsistentHeader(f"{segments} RLE segments do not fit the header.")
    ends = [*offsets[1:segments], len(frame)]
    size = image.rows * image.columns
    planes = []
    for start, end in zip(offsets[:segments], ends, strict=True):
        with parser_faults("The RLE segment"):
            packed = Image.frombytes("L", (size, 1), frame[start:end], "packbits", "L")
        planes.append(np.asarray(packed).reshape(-1))
    if image.word_bytes == 1:
        return _reshape(np.concatenate(planes), image, planar=True)
    words = [
        (high.astype(np.uint16) << 8) | low
        for high, low in zip(planes[::2], planes[1::2], strict=True)
    ]
    return _reshape(np.concatenate(words), image, planar=True)


def _codestream(frame: bytes, image: ImagePixel) -> Words:
    """JPEG, JPEG-LS, JPEG 2000; the codestream may not promise more than the header."""
    stream = read_codestream(frame)
    if (stream.rows, stream.columns) != (image.rows, image.columns):
        raise InconsistentHeader(
            f"The header states {image.rows} × {image.columns} pixels, "
            f"the image data {stream.rows} × {stream.columns}."
        )
    if stream.samples != image.samples or not 2 <= stream.precision <= image.bits_allocated:
        raise InconsistentHeader("Samples per Pixel or Bits Allocated contradict the image data.")
    check_size(stream.rows, stream.columns)
    with parser_faults("The image data"):
        if stream.coding == "jpeg2000":
            words = decode_jpeg2000(frame)
            return words.view(f"u{words.itemsize}")
        if stream.coding == "dct" and stream.precision == 8:
            return np.asarray(
                JpegImageFile(io.BytesIO(frame)).convert("L" if stream.samples == 1 else "RGB")
            )
        words = np.frombuffer(decode_apart(frame), "u1" if stream.precision <= 8 else "u2")
        return _reshape(words, image, planar=False)


def _reshape(words: Words, image: ImagePixel, *, planar: bool | None = None) -> Words:
    if image.samples == 1:
        return words.reshape(image.rows, image.columns)
    if image.planar if planar is None else planar:
        return words.reshape(image.samples, image.rows, image.columns).transpose(1, 2, 0)
    return words.reshape(image.rows, image.columns, image.samples)


def _rgb(words: Words, image: ImagePixel) -> Words:
    """Colour as RGB; codecs have converted theirs already (PS3.3 C.7.6.3.1.2)."""
    if image.samples == 1 or image.photometric == "RGB":
        return words
    if image.photometric != "YBR_FULL" or words.dtype != np.uint8:
        raise ColourImage(f"The DICOM image is in colour ({image.photometric}).")
    ybr = Image.fromarray(np.ascontiguousarray(words), "YCbCr")
    return np.asarray(ybr.convert("RGB"))
