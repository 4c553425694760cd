"""Storage Commitment Push Model as provider (PS3.4 Annex J).

A peer asks by N-ACTION whether we keep certain instances; the answer is an N-EVENT-REPORT, on an
association of our own where we know the peer's port, else on the one the request came by.
"""

import logging
import threading
from collections.abc import Callable
from typing import TypeAlias

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import N_ACTION_RSP
from pynetdicom.presentation import build_role
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from pneumoscope.interop.transport import bound_when_open
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

logger = logging.getLogger(__name__)

Holds: TypeAlias = Callable[[str, str], bool]

_REQUEST = 1
_SUCCESS_EVENT, _FAILURES_EVENT = 1, 2
_NO_SUCH_INSTANCE = 0x0112
_NO_SUCH_ACTION = 0x0123
_INVALID_ARGUMENT = 0x0115
_PATIENCE_SECONDS = 5.0


def commitment_answer(event: evt.Event, holds: Holds, address: tuple[str, int] | None) -> int:
    """The status of the N-ACTION response; the report follows from a thread of its own."""
    if event.action_type != _REQUEST:
        return _NO_SUCH_ACTION
    wanted = event.action_information
    if not wanted.get("TransactionUID") or not wanted.get("ReferencedSOPSequence"):
        return _INVALID_ARGUMENT
    report = commitment_report(wanted, holds)
    threading.Thread(
        target=_deliver, args=[event.assoc, address, report, _answer_of(event.assoc)], daemon=True
    ).start()
    return 0x0000


def _answer_of(association: Association) -> threading.Event:
    """Set once the request's response is on its way: a peer that waits for it takes no report."""
    answered = threading.Event()

    def note(event: evt.Event) -> None:
        if isinstance(event.message, N_ACTION_RSP):
            answered.set()
            association.unbind(evt.EVT_DIMSE_SENT, note)

    association.bind(evt.EVT_DIMSE_SENT, note)
    return answered


def commitment_report(wanted: Dataset, holds: Holds) -> Dataset:
    """Event information (PS3.4 table J.3-2): what is kept, and what is not with its reason."""
    report = Dataset()
    report.TransactionUID = wanted.TransactionUID
    kept, failed = [], []
    for reference in wanted.ReferencedSOPSequence:
        item = Dataset()
        item.ReferencedSOPClassUID = reference.get("ReferencedSOPClassUID", "")
        item.ReferencedSOPInstanceUID = reference.get("ReferencedSOPInstanceUID", "")
        if holds(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)):
            kept.append(item)
        else:
            item.FailureReason = _NO_SUCH_INSTANCE
            failed.append(item)
    if kept:
        report.ReferencedSOPSequence = kept
    if failed:
        report.FailedSOPSequence = failed
    return report


def _deliver(
    requested_on: Association,
    address: tuple[str, int] | None,
    report: Dataset,
    answered: threading.Event,
) -> None:
    peer = requested_on.requestor.ae_title
    answered.wait(_PATIENCE_SECONDS)
    association = _associate(requested_on, address) if address else None
    same = association is None
    association = association or requested_on
    try:
        status, _ = association.send_n_event_report(
            report,
            _FAILURES_EVENT if "FailedSOPSequence" in report else _SUCCESS_EVENT,
            StorageCommitmentPushModel,
            StorageCommitmentPushModelInstance,
        )
        if status.get("Status") != 0x0000:
            logger.warning("storage commitment: %s did not take the report", peer)
    except (RuntimeError, ValueError) as error:
        # The peer has left, or does not take reports on this association; it will ask again.
        logger.warning("storage commitment: no report to %s: %s", peer, error)
    finally:
        if not same:
            association.release()


def _associate(requested_on: Association, address: tuple[str, int]) -> Association | None:
    """An association on which we are the provider, by role selection (PS3.7 D.3.3.4)."""
    entity = AE(requested_on.acceptor.ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = _PATIENCE_SECONDS
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.add_requested_context(StorageCommitmentPushModel)
    association = entity.associate(
        *address,
        ae_title=requested_on.requestor.ae_title,
        ext_neg=[build_role(UID(StorageCommitmentPushModel), scp_role=True)],
        evt_handlers=[(evt.EVT_CONN_OPEN, bound_when_open, [_PATIENCE_SECONDS])],
    )
    return association if association.is_established else None
