"""Takes work from a hospital's worklist: UPS-RS (PS3.18 section 11) as IHE AIW-I pulls it.

find → claim → (analyse) → complete, or cancel with a reason. Whoever claims invents the Transaction
UID and must keep it before asking: it is the key to the work item until its final state.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import RE_VALID_UID

from pneumoscope.interop.delivery import DeliveryRejected, quoted
from pneumoscope.interop.dicomweb import DICOM_JSON
from pneumoscope.interop.dicomweb_client import datasets
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status
from pneumoscope.interop.query import text

HEADERS = {"Content-Type": DICOM_JSON, "Accept": DICOM_JSON}
State = Literal["IN PROGRESS", "COMPLETED", "CANCELED"]
# (code value, coding scheme designator, code meaning)
CodeTriple = tuple[str, str, str]
DISCONTINUED: CodeTriple = ("110513", "DCM", "Discontinued for unspecified reason")
LONGEST_REASON = 1024
PAGE = 100


class WorkitemUnavailable(DeliveryRejected):
    """Somebody else has it, or it is not in the state this needs (409), or it is gone (410)."""

    code = "workitem_unavailable"
    remedy = "Nothing to do: take the next one. It was claimed, cancelled or removed meanwhile."


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


def find(
    peer: HttpPeer, *, station: str = "", procedure: str = "", offset: int = 0
) -> list[Workitem]:
    """Scheduled work items, at most 100 from `offset` on.

    station: code value of the station name they are scheduled for. procedure: code value of the
    scheduled work item. Raises a DeliveryError.
    """
    query = [("ProcedureStepState", "SCHEDULED"), ("includefield", "all")]
    if station:
        query.append(("ScheduledStationNameCodeSequence.CodeValue", station))
    if procedure:
        query.append(("ScheduledWorkitemCodeSequence.CodeValue", procedure))
    query += [("limit", str(PAGE)), ("offset", str(offset))]
    answer = peer.exchange("GET", "workitems", query=query, headers={"Accept": DICOM_JSON})
    _check(answer, peer)
    # Without a UID a work item cannot be claimed; the others can.
    found = [_workitem(each) for each in datasets(peer, answer)]
    return [item for item in found if _is_uid(item.uid)]


def claim(peer: HttpPeer, uid: str, transaction_uid: str) -> None:
    """Make the work item ours. Safe to repeat with the same Transaction UID.

    Raises WorkitemUnavailable if another was quicker.
    """
    try:
        _change_state(peer, uid, transaction_uid, "IN PROGRESS")
    except WorkitemUnavailable:
        # Perhaps the answer to our own claim was lost: only the owner may report progress.
        update(peer, uid, transaction_uid, _progress("0"))


def complete(peer: HttpPeer, uid: str, transaction_uid: str, performed: Performed) -> None:
    """Say how it was done and what came of it, then close it. Safe to repeat."""
    _finish(peer, uid, transaction_uid, "COMPLETED", _performed(performed))


def cancel(peer: HttpPeer, uid: str, transaction_uid: str, reason: str) -> None:
    """Give up a claimed work item and say why. Safe to repeat."""
    content = _progress("100")
    progress = content.ProcedureStepProgressInformationSequence[0]
    progress.ReasonForCancellation = reason[:LONGEST_REASON]
    progress.ProcedureStepDiscontinuationReasonCodeSequence = [_code(DISCONTINUED)]
    _finish(peer, uid, transaction_uid, "CANCELED", content)


def update(peer: HttpPeer, uid: str, transaction_uid: str, content: Dataset) -> None:
    """Set attributes of a claimed work item.

    The Transaction UID is the query itself (PS3.18 11.6.1) and is in the dataset as well, where
    dcm4chee looks for it.
    """
    content.TransactionUID = transaction_uid
    path = f"{_path(uid)}?{_valid(transaction_uid)}"
    _check(peer.exchange("POST", path, body=_body(content), headers=HEADERS), peer)


def state(peer: HttpPeer, uid: str) -> str:
    """The work item's Procedure Step State. Raises a DeliveryError."""
    answer = peer.exchange("GET", _path(uid), headers={"Accept": DICOM_JSON})
    _check(answer, peer)
    found = datasets(peer, answer)
    return text(found[0], "ProcedureStepState") if found else ""


def _finish(peer: HttpPeer, uid: str, transaction_uid: str, final: State, content: Dataset) -> None:
    try:
        update(peer, uid, transaction_uid, content)
        _change_state(peer, uid, transaction_uid, final)
    except WorkitemUnavailable:
        if state(peer, uid) != final:
            raise


def _change_state(peer: HttpPeer, uid: str, transaction_uid: str, wanted: State) -> None:
    content = Dataset()
    content.TransactionUID = _valid(transaction_uid)
    content.ProcedureStepState = wanted
    answer = peer.exchange("PUT", f"{_path(uid)}/state", body=_body(content), headers=HEADERS)
    _check(answer, peer)


def _progress(percent: str) -> Dataset:
    progress, content = Dataset(), Dataset()
    progress.ProcedureStepProgress = percent
    content.ProcedureStepProgressInformationSequence = [progress]
    return content


def _performed(performed: Performed) -> Dataset:
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


def _body(content: Dataset) -> bytes:
    """The DICOM JSON model: an array, of one dataset (PS3.18 F.2)."""
    return json.dumps([content.to_json_dict()], ensure_ascii=False).encode()


def _path(uid: str) -> str:
    return f"workitems/{_valid(uid)}"


def _valid(uid: str) -> str:
    """A UID that may stand in a URL. Raises DeliveryRejected for text that is none."""
    if not _is_uid(uid):
        raise DeliveryRejected(f"{quoted(uid)!r} is no UID")
    return uid


def _check(answer: HttpAnswer, peer: HttpPeer) -> None:
    # PS3.18 puts the reason into a Warning header; servers differ, so both are told.
    reason = f"{answer.headers.get('warning', '')} {answer.text}".strip()
    if answer.status in {409, 410}:
        raise WorkitemUnavailable(f"{peer.base_url}: {quoted(reason) or answer.status}")
    raise_for_status(answer, peer, reason)


def _is_uid(value: str) -> bool:
    return len(value) <= 64 and re.fullmatch(RE_VALID_UID, value) is not None


def _workitem(dataset: Dataset) -> Workitem:
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
