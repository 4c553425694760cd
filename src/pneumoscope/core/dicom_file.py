"""Bytes → DICOM data set (PS3.10, PS3.5 section 7), with or without preamble and file meta.

pydicom reads the elements; this module finds out how they are encoded, inflates within a bound,
and says when the file ends too early, which `pydicom.dcmread` only warns of.
"""

import io
import zlib

from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from pneumoscope.core.decode_guard import parser_faults
from pneumoscope.core.errors import CorruptFile, ImageTooLarge, TruncatedFile

PIXEL_DATA = BaseTag(0x7FE00010)
UNDEFINED_LENGTH = 0xFFFFFFFF
_TRANSFER_SYNTAX_UID = BaseTag(0x00020010)
_FIRST_GROUPS = {0x0002, 0x0008}
_SMALLEST_ELEMENT = 8


class DicomFile:
    """A parsed file.

    transfer_syntax: UID from the file meta, "" where that is missing.
    dataset: the elements up to and including Pixel Data, without the file meta.
    pixel_data: the raw element of (7FE0,0010), or None.
    """

    def __init__(self, data: bytes, *, max_bytes: int) -> None:
        """Raises TruncatedFile, CorruptFile, or ImageTooLarge for data inflating over the limit."""
        stream = io.BytesIO(data)
        stream.seek(_start(data))
        with parser_faults("The DICOM file meta"):
            meta = _read_elements(stream, implicit=False, little=True, last_tag=0x0002FFFF)
        self.transfer_syntax = _text(meta.get(_TRANSFER_SYNTAX_UID))
        if self.transfer_syntax == DeflatedExplicitVRLittleEndian:
            stream = io.BytesIO(_inflate(stream.read(), max_bytes))
        first = stream.read(6)
        stream.seek(-len(first), io.SEEK_CUR)
        self.little_endian = self.transfer_syntax != ExplicitVRBigEndian and first[:1] != b"\0"
        # The data themselves show whether VRs are explicit; some senders' file meta are wrong.
        implicit = not _is_vr(first[4:6])
        with parser_faults("The DICOM header"):
            elements = _read_elements(stream, implicit, self.little_endian, PIXEL_DATA)
            self.dataset = Dataset(elements)  # type: ignore[arg-type]
            # An empty value stands for the default repertoire (PS3.5 section 6.1).
            charset = self.dataset.get("SpecificCharacterSet") or "ISO_IR 6"
            self.dataset.set_original_encoding(
                implicit, self.little_endian, convert_encodings(charset)
            )
        self.pixel_data = elements.get(PIXEL_DATA)


def looks_like_dicom(data: bytes) -> bool:
    """The magic word, or a plausible first element of group 0002 or 0008 where it is missing."""
    if data[128:132] == b"DICM" or data[:4] == b"DICM":
        return True
    if len(data) < _SMALLEST_ELEMENT:
        return False
    if _is_vr(data[4:6]):
        little, big = (int.from_bytes(data[:2], order) for order in ("little", "big"))
        return little in _FIRST_GROUPS or big in _FIRST_GROUPS
    length = int.from_bytes(data[4:8], "little")
    return int.from_bytes(data[:2], "little") in _FIRST_GROUPS and length < len(data)


def _start(data: bytes) -> int:
    if data[128:132] == b"DICM":
        return 132
    return 4 if data[:4] == b"DICM" else 0


def _is_vr(two: bytes) -> bool:
    return len(two) == 2 and two.isalpha() and two.isupper()


def _text(element: RawDataElement | None) -> str:
    if element is None or not isinstance(element.value, bytes):
        return ""
    return element.value.decode("ascii", "replace").strip(" \0")


def _inflate(deflated: bytes, max_bytes: int) -> bytes:
    """Raw deflate (PS3.5 A.5), never expanding beyond the limit."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, max_bytes)
    except zlib.error as error:
        raise CorruptFile(f"The deflated data set cannot be inflated: {error}.") from error
    if inflater.unconsumed_tail:
        raise ImageTooLarge(f"The deflated data set expands beyond {max_bytes:,} bytes.")
    if not inflater.eof:
        raise TruncatedFile("The deflated data set ends too early.")
    return inflated


def _read_elements(
    stream: io.BytesIO, implicit: bool, little: bool, last_tag: int
) -> dict[BaseTag, RawDataElement]:
    """Read elements up to and including `last_tag`; the stream then stands after them."""
    elements: dict[BaseTag, RawDataElement] = {}
    here, size = stream.tell(), stream.seek(0, io.SEEK_END)
    stream.seek(here)
    try:
        for element in data_element_generator(
            stream, implicit, little, stop_when=lambda tag, _vr, _length: tag > last_tag
        ):
            # Elements of defined length that run beyond the end come back short, without a word.
            if (
                isinstance(element, RawDataElement)
                and element.length != UNDEFINED_LENGTH
                and element.value_tell + element.length > size
            ):
                raise TruncatedFile(f"The file ends inside element {element.tag}.")
            elements[element.tag] = element  # type: ignore[assignment]
            if element.tag == last_tag:
                break
    except EOFError as error:
        raise TruncatedFile("The file ends inside an element.") from error
    return elements
