"""PNG, JPEG and TIFF → Radiograph."""

import io
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from pneumoscope.core.errors import CorruptFile
from pneumoscope.core.types import Radiograph

RasterFormat: TypeAlias = Literal["jpeg", "png", "tiff"]
_MAGIC: tuple[tuple[bytes, RasterFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)


def raster_format(data: bytes) -> RasterFormat | None:
    """The raster format the first bytes announce, if any."""
    return next((name for magic, name in _MAGIC if data.startswith(magic)), None)


def decode_raster(data: bytes, file_format: RasterFormat) -> Radiograph:
    """Decode a raster file; grey is Rec. 601 luma."""
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data), formats=[file_format]))
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise CorruptFile(f"The {file_format.upper()} cannot be decoded: {error}") from error
    if image.mode.startswith("I"):
        return Radiograph(np.asarray(image).astype(np.float32) / 65535, file_format)
    rgb = np.asarray(image.convert("RGB"))
    chroma = float(np.mean(rgb.max(axis=2) - rgb.min(axis=2))) / 255
    grey = np.asarray(image.convert("L"), dtype=np.float32) / 255
    return Radiograph(np.ascontiguousarray(grey), file_format, chroma)
