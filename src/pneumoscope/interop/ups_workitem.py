"""A UPS work item as a data set: what is scheduled, how far it is, how it was done.

PS3.4 section CC.2.5.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.uid import RE_VALID_UID

from pneumoscope.interop.query import text

# (code value, coding scheme designator, code meaning)
CodeTriple = tuple[str, str, str]
_DISCONTINUED: CodeTriple = ("110513", "DCM", "Discontinued for unspecified reason")
_LONGEST_REASON = 1024


@dataclass(frozen=True, slots=True)
class Workitem:
    """One scheduled procedure step. Empty strings where the worklist does not say.

    inputs: (study, series, SOP instance UID) of what to read; a series or instance may be "".
    retrieve_urls: WADO-RS addresses of the inputs, where given.
    """

    uid: str
    label: str
    priority: str
    study_instance_uid: str
    patient_id: str
    accession_number: str
    inputs: tuple[tuple[str, str, str], ...]
    retrieve_urls: tuple[str, ...]
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class Output:
    """An object made for a work item, and where it can be had: an AE title or a WADO-RS URL."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    retrieve_ae_title: str = ""
    retrieve_url: str = ""


@dataclass(frozen=True, slots=True)
class Performed:
    """How a work item was done, as its final state requires (PS3.4 table CC.2.5-3)."""

    station: CodeTriple
    procedure: CodeTriple
    started: datetime
    ended: datetime
    outputs: tuple[Output, ...]


def is_uid(value: str) -> bool:
    return len(value) <= 64 and re.fullmatch(RE_VALID_UID, value) is not None


def workitem_read(dataset: Dataset) -> Workitem:
    requests = dataset.get("ReferencedRequestSequence") or [Dataset()]
    inputs = list(dataset.get("InputInformationSequence") or [])
    return Workitem(
        uid=text(dataset, "SOPInstanceUID"),
        label=text(dataset, "ProcedureStepLabel"),
        priority=text(dataset, "ScheduledProcedureStepPriority"),
        study_instance_uid=text(dataset, "StudyInstanceUID")
        or next((text(item, "StudyInstanceUID") for item in inputs), ""),
        patient_id=text(dataset, "PatientID"),
        accession_number=text(requests[0], "AccessionNumber"),
        inputs=tuple(each for item in inputs for each in _input(item)),
        retrieve_urls=tuple(
            text(where, "RetrieveURL")
            for item in inputs
            for where in item.get("WADORSRetrievalSequence") or []
        ),
        dataset=dataset,
    )


def _input(item: Dataset) -> list[tuple[str, str, str]]:
    study, series = text(item, "StudyInstanceUID"), text(item, "SeriesInstanceUID")
    instances = item.get("ReferencedSOPSequence") or [Dataset()]
    return [(study, series, text(each, "ReferencedSOPInstanceUID")) for each in instances]


def progress_write(percent: str, *, given_up: str = "") -> Dataset:
    """How far it is; given_up: why it goes no further."""
    progress, content = Dataset(), Dataset()
    progress.ProcedureStepProgress = percent
    if given_up:
        progress.ReasonForCancellation = given_up[:_LONGEST_REASON]
        progress.ProcedureStepDiscontinuationReasonCodeSequence = [_code(_DISCONTINUED)]
    content.ProcedureStepProgressInformationSequence = [progress]
    return content


def performed_write(performed: Performed) -> Dataset:
    done = Dataset()
    done.PerformedStationNameCodeSequence = [_code(performed.station)]
    done.PerformedWorkitemCodeSequence = [_code(performed.procedure)]
    done.PerformedProcedureStepStartDateTime = f"{performed.started:%Y%m%d%H%M%S%z}"
    done.PerformedProcedureStepEndDateTime = f"{performed.ended:%Y%m%d%H%M%S%z}"
    done.OutputInformationSequence = [_output(output) for output in performed.outputs]
    content = Dataset()
    content.UnifiedProcedureStepPerformedProcedureSequence = [done]
    return content


def _output(output: Output) -> Dataset:
    instance, item = Dataset(), Dataset()
    instance.ReferencedSOPClassUID = output.sop_class_uid
    instance.ReferencedSOPInstanceUID = output.sop_instance_uid
    item.TypeOfInstances = "DICOM"
    item.StudyInstanceUID = output.study_instance_uid
    item.SeriesInstanceUID = output.series_instance_uid
    item.ReferencedSOPSequence = [instance]
    where = Dataset()
    if output.retrieve_ae_title:
        where.RetrieveAETitle = output.retrieve_ae_title
        item.DICOMRetrievalSequence = [where]
    elif output.retrieve_url:
        where.RetrieveURL = output.retrieve_url
        item.WADORSRetrievalSequence = [where]
    return item


def _code(triple: CodeTriple) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = triple
    return item
