"""PNG chunks (ISO/IEC 15948 section 5): only what carries pixels is handed to the decoder.

Text and colour-profile chunks are compressed and may expand a thousandfold; nobody here reads them.
"""

import struct

from pneumoscope.core.decode_guard import check_size
from pneumoscope.core.errors import CorruptFile, MultiFrame, TruncatedFile

PNG_START = b"\x89PNG\r\n\x1a\n"
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"}
_NOT_DATA = 12  # length, type and checksum of a chunk


def reduce_png(data: bytes) -> bytes:
    """The file without its ancillary chunks.

    Raises TruncatedFile without IEND, CorruptFile, ImageTooLarge, MultiFrame when animated.
    """
    kept = [PNG_START]
    position = len(PNG_START)
    while len(data) >= position + _NOT_DATA:
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + _NOT_DATA + length
        if end > len(data):
            raise TruncatedFile("The PNG ends inside a chunk.")
        if len(kept) == 1:
            _check_header(kind, data[position + 8 : end - 4])
        if kind == b"acTL":
            raise MultiFrame("The PNG is animated.")
        if kind in _KEPT:
            kept.append(data[position:end])
        if kind == b"IEND":
            return b"".join(kept)
        position = end
    raise TruncatedFile("The PNG ends before its last chunk.")


def _check_header(kind: bytes, content: bytes) -> None:
    if kind != b"IHDR" or len(content) != 13:
        raise CorruptFile("The PNG does not begin with its header.")
    columns, rows = struct.unpack_from(">II", content)
    check_size(rows, columns)
