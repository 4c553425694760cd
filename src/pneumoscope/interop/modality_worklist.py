"""What a RIS has scheduled: Modality Worklist by C-FIND as a user (PS3.4 Annex K).

A worklist's answers are a stranger's, as an archive's are: every value may be missing.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from pydicom.dataset import Dataset
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

from pneumoscope.core.decode_guard import parser_warnings
from pneumoscope.interop.association import DicomPeer, finding
from pneumoscope.interop.query import date_range, text

logger = logging.getLogger(__name__)

_ASKED = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "IssuerOfPatientID"),
    *("AccessionNumber", "StudyInstanceUID", "RequestedProcedureID"),
    *("RequestedProcedureDescription", "RequestedProcedurePriority"),
    *("ReasonForTheRequestedProcedure", "PlacerOrderNumberImagingServiceRequest"),
    "FillerOrderNumberImagingServiceRequest",
)
_ASKED_SEQUENCES = ("RequestedProcedureCodeSequence", "ReasonForRequestedProcedureCodeSequence")
_ASKED_OF_STEP = (
    *("ScheduledStationAETitle", "Modality", "ScheduledProcedureStepStartDate"),
    *("ScheduledProcedureStepStartTime", "ScheduledProcedureStepID"),
    "ScheduledProcedureStepDescription",
)
KEYS = (*_ASKED, *_ASKED_SEQUENCES, *_ASKED_OF_STEP)


@dataclass(frozen=True, slots=True)
class WorklistQuery:
    """Conditions on scheduled steps; empty ones match all. Dates are inclusive."""

    since: date | None = None
    until: date | None = None
    modality: str = ""
    station_ae_title: str = ""
    patient_id: str = ""
    accession_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledStep:
    """One Scheduled Procedure Step. Empty strings and None where the worklist does not say.

    patient_name: DICOM person name, groups divided by "=". patient_sex: M, F, O or "".
    indication: the reason for the requested procedure, in words. start: on the RIS's clock.
    """

    patient_id: str
    patient_id_issuer: str
    patient_name: str
    patient_birth_date: date | None
    patient_sex: str
    accession_number: str
    study_instance_uid: str
    placer_order_number: str
    filler_order_number: str
    procedure_id: str
    procedure_code: str
    procedure_text: str
    priority: str
    indication: str
    station_ae_title: str
    modality: str
    step_id: str
    step_text: str
    start: datetime | None


def find_worklist(peer: DicomPeer, query: WorklistQuery) -> list[ScheduledStep]:
    """The scheduled steps that match, in the order of the answers.

    An answer that cannot be read is logged and left out. Raises DeliveryError subclasses.
    """
    with parser_warnings.ignored(), finding(peer, ModalityWorklistInformationFind) as find:
        return [step for answer in find(_identifier(query)) for step in _steps(peer, answer)]


def _identifier(query: WorklistQuery) -> Dataset:
    """The keys of PS3.4 table K.6-1: matched where they hold a value, returned in any case."""
    wanted, step = Dataset(), Dataset()
    wanted.SpecificCharacterSet = "ISO_IR 192"  # of our own words; answers name theirs
    for keyword in _ASKED:
        setattr(wanted, keyword, "")
    for keyword in _ASKED_SEQUENCES:
        setattr(wanted, keyword, [])
    wanted.PatientID, wanted.AccessionNumber = query.patient_id, query.accession_number
    for keyword in _ASKED_OF_STEP:
        setattr(step, keyword, "")
    step.ScheduledStationAETitle, step.Modality = query.station_ae_title, query.modality
    step.ScheduledProcedureStepStartDate = date_range(query.since, query.until)
    wanted.ScheduledProcedureStepSequence = [step]
    return wanted


def _steps(peer: DicomPeer, answer: Dataset) -> Iterator[ScheduledStep]:
    try:
        yield from [_step(answer, each) for each in answer.ScheduledProcedureStepSequence]
    except Exception as error:  # noqa: BLE001 - pydicom raises anything on a stranger's values
        logger.warning("worklist of %s: an answer cannot be read: %s", peer, type(error).__name__)


def _step(answer: Dataset, step: Dataset) -> ScheduledStep:
    sex = text(answer, "PatientSex").upper()
    day, time = (text(step, f"ScheduledProcedureStepStart{part}") for part in ("Date", "Time"))
    born = _moment(text(answer, "PatientBirthDate"))
    code, meaning = _code(answer, "RequestedProcedureCodeSequence")
    return ScheduledStep(
        patient_id=text(answer, "PatientID"),
        patient_id_issuer=text(answer, "IssuerOfPatientID"),
        patient_name=text(answer, "PatientName"),
        patient_birth_date=born.date() if born else None,
        patient_sex=sex if sex in {"M", "F", "O"} else "",
        accession_number=text(answer, "AccessionNumber"),
        study_instance_uid=text(answer, "StudyInstanceUID"),
        placer_order_number=text(answer, "PlacerOrderNumberImagingServiceRequest"),
        filler_order_number=text(answer, "FillerOrderNumberImagingServiceRequest"),
        procedure_id=text(answer, "RequestedProcedureID"),
        procedure_code=code,
        procedure_text=text(answer, "RequestedProcedureDescription") or meaning,
        priority=text(answer, "RequestedProcedurePriority"),
        indication=text(answer, "ReasonForTheRequestedProcedure")
        or _code(answer, "ReasonForRequestedProcedureCodeSequence")[1],
        station_ae_title=text(step, "ScheduledStationAETitle"),
        modality=text(step, "Modality"),
        step_id=text(step, "ScheduledProcedureStepID"),
        step_text=text(step, "ScheduledProcedureStepDescription"),
        start=_moment(day, time),
    )


def _code(answer: Dataset, keyword: str) -> tuple[str, str]:
    """Value and meaning of the first item of a code sequence."""
    items = answer.get(keyword) or [Dataset()]
    return text(items[0], "CodeValue"), text(items[0], "CodeMeaning")


def _moment(day: str, time: str = "") -> datetime | None:
    """DA and TM (PS3.5 table 6.2-1), also in their old forms with full stops and colons."""
    digits = day.replace(".", "") + time.partition(".")[0].replace(":", "")
    try:
        return datetime.strptime(digits.ljust(14, "0")[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
