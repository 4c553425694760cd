"""PNG, JPEG and TIFF → Radiograph."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from pneumoscope.core.codestream import JPEG_START, read_codestream
from pneumoscope.core.decode_guard import check_size, parser_faults
from pneumoscope.core.decode_png import PNG_START, reduce_png
from pneumoscope.core.errors import (
    MultiFrame,
    NonFinitePixels,
    TruncatedFile,
    UnsupportedFormat,
)
from pneumoscope.core.types import FloatImage, Radiograph, Reason

RasterFormat: TypeAlias = Literal["jpeg", "png", "tiff"]

_MAGIC: tuple[tuple[bytes, RasterFormat], ...] = (
    (JPEG_START, "jpeg"),
    (PNG_START, "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)
# TIFF tags (TIFF 6.0)
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_STRIPS, _TILES = (273, 279), (324, 325)
_SIGNED = 2
# Rows at a time: a conversion of the whole needs several times its memory, and a small file may
# hold a large image.
_BAND = 256
_DARK = Reason(
    "dark_16_bit",
    "The 16-bit image uses less than a sixteenth of its range: was it saved without scaling?",
)
_RANGE = Reason(
    "range_assumed",
    "The file does not say what black and white are: its lowest and highest values are taken.",
)


def raster_format(data: bytes) -> RasterFormat | None:
    """The raster format the first bytes announce, if any."""
    return next((name for magic, name in _MAGIC if data.startswith(magic)), None)


def decode_raster(data: bytes, file_format: RasterFormat) -> Radiograph:
    """Decode a raster file.

    Grey is Rec. 601 luma; alpha is composed on black; 16-bit PNG and TIFF are scaled by 65535;
    signed and floating-point TIFF, whose range nothing states, by their lowest and highest values.
    Raises TruncatedFile, CorruptFile, ImageTooLarge, MultiFrame, NonFinitePixels,
    UnsupportedFormat.
    """
    with parser_faults(f"The {file_format.upper()}"):
        image = _OPEN[file_format](data)
        if deep := _deep_values(image):
            pixels, notes = _scale(deep)
            return Radiograph(pixels, file_format, 0.0, None, notes)
        grey, chroma = _luma(image)
    return Radiograph(grey, file_format, chroma)


def _open_jpeg(data: bytes) -> Image.Image:
    stream = read_codestream(data)
    check_size(stream.rows, stream.columns)
    if stream.coding != "dct" or stream.precision != 8:
        raise UnsupportedFormat(f"The JPEG is {stream.coding} with {stream.precision} bits.")
    return _upright(JpegImageFile(io.BytesIO(data)))


def _open_png(data: bytes) -> Image.Image:
    return _upright(PngImageFile(io.BytesIO(reduce_png(data))))


def _open_tiff(data: bytes) -> Image.Image:
    directory = int.from_bytes(data[4:8], "little" if data.startswith(b"II") else "big")
    if data[2:4] in (b"*\0", b"\0*") and directory + 2 > len(data):
        raise TruncatedFile("The TIFF ends before its directory.")
    try:
        image = TiffImageFile(io.BytesIO(data))
    except SyntaxError as error:
        raise UnsupportedFormat(f"This kind of TIFF is not read: {error}.") from error
    check_size(image.height, image.width)
    if image.is_animated:
        raise MultiFrame("The TIFF holds more than one page.")
    tags = image.tag_v2
    for offsets, lengths in (_STRIPS, _TILES):
        parts = zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False)
        if any(offset + length > len(data) for offset, length in parts):
            raise TruncatedFile("The TIFF ends before its pixels.")
    image.load()  # Pillow turns TIFF upright by itself
    return image


_OPEN = {"jpeg": _open_jpeg, "png": _open_png, "tiff": _open_tiff}


# EXIF orientation (CIPA DC-008, tag 0x0112) → what makes the image upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    orientation = None
    with contextlib.suppress(Exception):  # broken EXIF is no reason to lose a readable image
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


@dataclass(frozen=True, slots=True)
class _DeepValues:
    """Values beyond 8 bits unsigned. top: what white is, None where the file does not say."""

    values: NDArray[np.generic]
    top: float | None
    white_is_zero: bool


def _deep_values(image: Image.Image) -> _DeepValues | None:
    tags = getattr(image, "tag_v2", {})
    white_is_zero = tags.get(_PHOTOMETRIC) == 0
    if image.mode.startswith("I;16"):
        top = 2.0 ** tags.get(_BITS_PER_SAMPLE, (16,))[0] - 1
        return _DeepValues(np.asarray(image), top, white_is_zero)
    if image.mode in ("I", "F"):
        return _DeepValues(np.asarray(image), None, white_is_zero)
    if image.mode == "L" and _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
        return _DeepValues(np.asarray(image).view(np.int8), None, white_is_zero=False)
    return None


def _scale(deep: _DeepValues) -> tuple[FloatImage, tuple[Reason, ...]]:
    """Values → 0..1, air dark. Floats that already lie within 0..1 are left alone."""
    values, top = deep.values, deep.top
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise NonFinitePixels("The image holds pixels that are no number or infinite.")
    notes: tuple[Reason, ...] = ()
    if top is not None:
        notes = (_DARK,) if 0 < high < top / 16 else ()
        low, high = 0.0, top
    elif values.dtype.kind == "f" and 0 <= low <= high <= 1:
        low, high = 0.0, 1.0
    elif low == high:
        return np.zeros(values.shape, np.float32), (_RANGE,)
    else:
        notes = (_RANGE,)
    pixels = np.empty(values.shape, np.float32)
    for rows in _bands(len(values)):
        # In float64: the difference of two finite float32 may be beyond all float32.
        pixels[rows] = (values[rows].astype(np.float64) - low) / (high - low)
    if deep.white_is_zero:
        np.subtract(1, pixels, out=pixels)
    return pixels, notes


def _bands(height: int) -> Iterator[slice]:
    return (slice(top, min(top + _BAND, height)) for top in range(0, height, _BAND))


def _luma(image: Image.Image) -> tuple[FloatImage, float]:
    """Any 8-bit mode → Rec. 601 luma, and the mean spread of R, G and B."""
    pixels, chroma = np.empty((image.height, image.width), np.float32), 0.0
    for rows in _bands(image.height):
        band = image.crop((0, rows.start, image.width, rows.stop))
        pixels[rows], spread = _band_luma(band)
        chroma += spread * band.height / image.height
    return pixels, chroma


def _band_luma(image: Image.Image) -> tuple[FloatImage, float]:
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return _unit(image.convert("L")), 0.0
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
    image = image.convert("RGB")
    red, green, blue = image.split()
    highest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    lowest = ImageChops.darker(ImageChops.darker(red, green), blue)
    chroma = float(np.asarray(ImageChops.subtract(highest, lowest)).mean()) / 255
    return _unit(image.convert("L")), chroma


def _unit(grey: Image.Image) -> FloatImage:
    pixels: FloatImage = np.divide(np.asarray(grey), np.float32(255), dtype=np.float32)
    return pixels
