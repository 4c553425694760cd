"""Takes work from a hospital's worklist: UPS-RS (PS3.18 section 11) as IHE AIW-I pulls it.

find → claim → (analyse) → complete, or cancel with a reason. Whoever claims invents the Transaction
UID and must keep it before asking: it is the key to the work item until its final state.
"""

import json
from typing import Literal

from pydicom.dataset import Dataset

from pneumoscope.interop.delivery import DeliveryRejected, quoted
from pneumoscope.interop.dicomweb import DICOM_JSON
from pneumoscope.interop.dicomweb_client import datasets
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status
from pneumoscope.interop.query import text
from pneumoscope.interop.ups_workitem import (
    Performed,
    Workitem,
    is_uid,
    performed_write,
    progress_write,
    workitem_read,
)

HEADERS = {"Content-Type": DICOM_JSON, "Accept": DICOM_JSON}
State = Literal["IN PROGRESS", "COMPLETED", "CANCELED"]
PAGE = 100


class WorkitemUnavailable(DeliveryRejected):
    """Somebody else has it, or it is not in the state this needs (409), or it is gone (410)."""

    code = "workitem_unavailable"
    remedy = "Nothing to do: take the next one. It was claimed, cancelled or removed meanwhile."


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
    found = [workitem_read(each) for each in datasets(peer, answer)]
    return [item for item in found if is_uid(item.uid)]


def claim(peer: HttpPeer, uid: str, transaction_uid: str) -> None:
    """Make the work item ours. Safe to repeat with the same Transaction UID.

    Raises WorkitemUnavailable if another was quicker.
    """
    try:
        _change_state(peer, uid, transaction_uid, "IN PROGRESS")
    except WorkitemUnavailable:
        # Perhaps the answer to our own claim was lost: only the owner may report progress.
        update(peer, uid, transaction_uid, progress_write("0"))


def complete(peer: HttpPeer, uid: str, transaction_uid: str, performed: Performed) -> None:
    """Say how it was done and what came of it, then close it. Safe to repeat."""
    _finish(peer, uid, transaction_uid, "COMPLETED", performed_write(performed))


def cancel(peer: HttpPeer, uid: str, transaction_uid: str, reason: str) -> None:
    """Give up a claimed work item and say why. Safe to repeat."""
    content = progress_write("100", given_up=reason or "Not done")
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


def _body(content: Dataset) -> bytes:
    """The DICOM JSON model: an array, of one dataset (PS3.18 F.2)."""
    return json.dumps([content.to_json_dict()], ensure_ascii=False).encode()


def _path(uid: str) -> str:
    return f"workitems/{_valid(uid)}"


def _valid(uid: str) -> str:
    """A UID that may stand in a URL. Raises DeliveryRejected for text that is none."""
    if not is_uid(uid):
        raise DeliveryRejected(f"{quoted(uid)!r} is no UID")
    return uid


def _check(answer: HttpAnswer, peer: HttpPeer) -> None:
    # PS3.18 puts the reason into a Warning header; servers differ, so both are told.
    reason = f"{answer.headers.get('warning', '')} {answer.text}".strip()
    if answer.status in {409, 410}:
        raise WorkitemUnavailable(f"{peer.base_url}: {quoted(reason) or answer.status}")
    raise_for_status(answer, peer, reason)
