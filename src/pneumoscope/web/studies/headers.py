"""A look at a DICOM header at receipt, so that the images of one study meet at once.

What cannot be read stays empty here: the worker's decode says what is wrong with the file.
"""

import re
from dataclasses import replace

from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import DicomFile, looks_like_dicom
from pneumoscope.core.dicom_header import read_header
from pneumoscope.core.errors import DecodeError
from pneumoscope.core.types import DicomHeader

# They print nothing, and names in Indic and Arabic scripts are other words without them.
_JOINERS = "\u200c\u200d"
_UID = re.compile(r"[0-9.]{1,64}")


def header_read(data: bytes, *, max_bytes: int) -> DicomHeader:
    """The header of a DICOM file, or an empty one; its texts fit the database's columns."""
    if not looks_like_dicom(data):
        return DicomHeader()
    try:
        with parser_warnings.ignored(), parser_faults("The DICOM header"):
            file = DicomFile(data, max_bytes=max_bytes)
            return _fitted(read_header(file.dataset, file.transfer_syntax))
    except DecodeError:
        return DicomHeader()


def _fitted(header: DicomHeader) -> DicomHeader:
    """A sender's text in the database's columns: no control characters, no more than fits."""
    return replace(
        header,
        study_instance_uid=_uid(header.study_instance_uid),
        series_instance_uid=_uid(header.series_instance_uid),
        sop_instance_uid=_uid(header.sop_instance_uid),
        sop_class_uid=_uid(header.sop_class_uid),
        patient_id=text_fitted(header.patient_id, 64),
        patient_name=text_fitted(header.patient_name, 324),
        patient_sex=text_fitted(header.patient_sex, 16),
        accession_number=text_fitted(header.accession_number, 16),
        view_position=text_fitted(header.view_position, 16),
        modality=text_fitted(header.modality, 16),
    )


def _uid(text: str) -> str:
    """Cutting a UID would make two studies one: a malformed one is none."""
    return text if _UID.fullmatch(text) else ""


def text_fitted(text: str, length: int) -> str:
    """Printable, stripped and cut: PostgreSQL refuses NUL, and columns have widths."""
    kept = (letter for letter in text if letter.isprintable() or letter in _JOINERS)
    return "".join(kept).strip()[:length]
