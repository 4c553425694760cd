"""DICOM data set → DicomHeader: the few attributes the rest of the system asks for."""

import contextlib
import re
from datetime import date, datetime

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.types import DicomHeader

_DAYS_PER_YEAR = 365.25
_AGE = re.compile(r"(\d{1,3})([DWMY]?)")
_YEARS = {"D": 1 / _DAYS_PER_YEAR, "W": 7 / _DAYS_PER_YEAR, "M": 1 / 12, "Y": 1.0, "": 1.0}


def read_header(dataset: Dataset, transfer_syntax: str) -> DicomHeader:
    """Read the header; an attribute that cannot be read counts as absent."""
    study_date = _date(dataset, "StudyDate")
    return DicomHeader(
        sop_class_uid=_text(dataset, "SOPClassUID"),
        sop_instance_uid=_text(dataset, "SOPInstanceUID"),
        series_instance_uid=_text(dataset, "SeriesInstanceUID"),
        study_instance_uid=_text(dataset, "StudyInstanceUID"),
        transfer_syntax_uid=transfer_syntax,
        modality=_text(dataset, "Modality"),
        body_part_examined=_text(dataset, "BodyPartExamined"),
        view_position=_text(dataset, "ViewPosition"),
        photometric_interpretation=_text(dataset, "PhotometricInterpretation"),
        patient_id=_text(dataset, "PatientID"),
        patient_name=_text(dataset, "PatientName"),
        patient_sex=_text(dataset, "PatientSex"),
        patient_age=_age(dataset, study_date),
        accession_number=_text(dataset, "AccessionNumber"),
        study_date=study_date,
        burned_in_annotation=_text(dataset, "BurnedInAnnotation"),
        manufacturer=_text(dataset, "Manufacturer"),
    )


def _text(dataset: Dataset, keyword: str) -> str:
    """The first value as text, "" where absent or unreadable: no reason to lose the image."""
    with contextlib.suppress(Exception):
        value = dataset.get(keyword)
        if isinstance(value, MultiValue):
            value = value[0] if value else None
        return "" if value is None else str(value).strip(" \0")
    return ""


def _date(dataset: Dataset, keyword: str) -> date | None:
    """A DA value; the dotted form of ACR-NEMA is read too (PS3.5 section 6.2)."""
    text = _text(dataset, keyword).replace(".", "")
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  a date has no zone
    except ValueError:
        return None


def _age(dataset: Dataset, study_date: date | None) -> float | None:
    """Years, from PatientAge (AS, PS3.5 section 6.2) or from birth and study dates."""
    if match := _AGE.fullmatch(_text(dataset, "PatientAge").upper()):
        return int(match[1]) * _YEARS[match[2]]
    birth_date = _date(dataset, "PatientBirthDate")
    if birth_date is None or study_date is None or birth_date > study_date:
        return None
    return (study_date - birth_date).days / _DAYS_PER_YEAR
