"""The first look at a data set that is being received: whose image it claims to be.

Reads no further than the identifiers, so that it costs the same for an image of any size.
"""

import zlib
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.errors import CorruptFile

_SOP_INSTANCE_UID = BaseTag(0x00080018)
_SERIES_INSTANCE_UID = BaseTag(0x0020000E)
_ENOUGH_INFLATED = 1 << 20


def identifiers(data_set: BytesIO, transfer_syntax_uid: str) -> Dataset:
    """The elements up to Series Instance UID of an encoded data set, without file meta.

    Raises CorruptFile where they cannot be read or the UIDs of study and instance are missing.
    """
    stream = data_set
    with parser_warnings.ignored(), parser_faults("The data set"):
        if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            stream = BytesIO(_inflate_start(data_set.getvalue()))
        stream.seek(0)
        elements = data_element_generator(
            stream,
            transfer_syntax_uid == ImplicitVRLittleEndian,
            transfer_syntax_uid != ExplicitVRBigEndian,
            stop_when=lambda tag, _vr, _length: tag > _SERIES_INSTANCE_UID,
        )
        found = Dataset({element.tag: element for element in elements})
        missing = [
            keyword for keyword in ("SOPInstanceUID", "StudyInstanceUID") if not found.get(keyword)
        ]
    if missing:
        raise CorruptFile(f"The data set has no {' and no '.join(missing)}.")
    return found


def _inflate_start(deflated: bytes) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(deflated, _ENOUGH_INFLATED)
    except zlib.error as error:
        raise CorruptFile("The deflated data set cannot be inflated.") from error
