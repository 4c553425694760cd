"""Headers of JPEG, JPEG-LS and JPEG 2000 codestreams: what they will expand to, before they do.

Sources: ITU-T T.81 B.2.2 (JPEG), T.87 C.2.2 (JPEG-LS), T.800 A.5.1 (JPEG 2000 SIZ).
"""

import struct
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pneumoscope.core.errors import CorruptFile, TruncatedFile

Coding: TypeAlias = Literal["dct", "lossless", "jpeg-ls", "jpeg2000"]

MAX_SCANS = 100
"""Progressive files have about ten; each costs a pass over the whole image, however short it is."""

JPEG_START = b"\xff\xd8\xff"
JPEG2000_START = b"\xff\x4f\xff\x51"
_JP2_START = b"\0\0\0\x0cjP  "
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_END_OR_SCAN = {0xD9, 0xDA}
_CODING: dict[int, Coding] = {
    0xC0: "dct",
    0xC1: "dct",
    0xC2: "dct",
    0xC3: "lossless",
    0xF7: "jpeg-ls",
}


@dataclass(frozen=True, slots=True)
class Codestream:
    """rows, columns, samples per pixel, and precision in bits, as the codestream states them."""

    coding: Coding
    rows: int
    columns: int
    samples: int
    precision: int


def read_codestream(data: bytes) -> Codestream:
    """Read the frame header.

    Raises TruncatedFile where the data ends before it, CorruptFile where there is none.
    """
    try:
        if data.startswith(JPEG_START):
            return _read_jpeg(data)
        if data.startswith((JPEG2000_START, _JP2_START)):
            return _read_jpeg2000(data)
    except struct.error as error:
        raise TruncatedFile("The data end inside the image header.") from error
    raise CorruptFile("The image data are no JPEG, JPEG-LS or JPEG 2000 codestream.")


def _read_jpeg(data: bytes) -> Codestream:
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise CorruptFile(f"The JPEG has more than {MAX_SCANS} scans.")
    position = 2
    while True:
        fill, marker = struct.unpack_from(">BB", data, position)
        if fill != 0xFF or marker in _END_OR_SCAN:
            raise CorruptFile("The JPEG has no frame header before its data.")
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _STANDALONE:
            position += 2
        elif coding := _CODING.get(marker):
            precision, rows, columns, samples = struct.unpack_from(">BHHB", data, position + 4)
            return Codestream(coding, rows, columns, samples, precision)
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            position += 2 + length


def _read_jpeg2000(data: bytes) -> Codestream:
    start = data.find(JPEG2000_START)
    if start < 0:
        raise CorruptFile("The JP2 file holds no JPEG 2000 codestream.")
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    samples, precision, x_step, y_step = struct.unpack_from(">HBBB", data, start + 40)
    if (x_step, y_step) != (1, 1):
        raise CorruptFile("The JPEG 2000 codestream is subsampled.")
    return Codestream("jpeg2000", bottom - top, right - left, samples, (precision & 0x7F) + 1)
