"""What is asked of an archive, by C-FIND or QIDO-RS alike, and what it answers.

An archive's answers are a stranger's: every value may be missing, padded or of another type.
"""

from dataclasses import dataclass
from datetime import date

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """Conditions on studies; empty ones match all. Dates are inclusive.

    modalities and body_parts are compared for each series, because archives differ in what they
    match at study level.
    """

    since: date | None = None
    until: date | None = None
    patient_id: str = ""
    modalities: frozenset[str] = frozenset()
    body_parts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FoundStudy:
    study_instance_uid: str
    patient_id: str
    study_date: str


@dataclass(frozen=True, slots=True)
class FoundSeries:
    study_instance_uid: str
    series_instance_uid: str
    modality: str
    body_part_examined: str


def date_range(since: date | None, until: date | None) -> str:
    """For range matching of dates, both inclusive (PS3.4 C.2.2.2.5.1); empty where any will do."""
    if since is None and until is None:
        return ""
    return "-".join(f"{day:%Y%m%d}" if day else "" for day in (since, until))


def study_identifier(query: StudyQuery) -> Dataset:
    """The C-FIND identifier at study level (PS3.4 table C.6-5)."""
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = ""
    wanted.PatientID = query.patient_id
    wanted.StudyDate = date_range(query.since, query.until)
    return wanted


def series_identifier(study_instance_uid: str) -> Dataset:
    """All series of a study."""
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "SERIES"
    wanted.StudyInstanceUID = study_instance_uid
    wanted.SeriesInstanceUID = wanted.Modality = wanted.BodyPartExamined = ""
    return wanted


def instance_identifier(series: FoundSeries) -> Dataset:
    """All instances of a series."""
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "IMAGE"
    wanted.StudyInstanceUID = series.study_instance_uid
    wanted.SeriesInstanceUID = series.series_instance_uid
    wanted.SOPInstanceUID = ""
    return wanted


def found_study(answer: Dataset) -> FoundStudy:
    return FoundStudy(
        text(answer, "StudyInstanceUID"), text(answer, "PatientID"), text(answer, "StudyDate")
    )


def found_series(answer: Dataset, study_instance_uid: str) -> FoundSeries:
    return FoundSeries(
        study_instance_uid=study_instance_uid,
        series_instance_uid=text(answer, "SeriesInstanceUID"),
        modality=text(answer, "Modality"),
        body_part_examined=text(answer, "BodyPartExamined"),
    )


def fits(series: FoundSeries, query: StudyQuery) -> bool:
    """Whether a series is wanted. A missing body part fits: many archives do not answer it."""
    if query.modalities and series.modality not in query.modalities:
        return False
    if not query.body_parts or not series.body_part_examined:
        return True
    return series.body_part_examined.upper() in {part.upper() for part in query.body_parts}


def text(answer: Dataset, keyword: str) -> str:
    """The first value as text, "" where there is none."""
    value = answer.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return "" if value is None else str(value).strip(" \0")
