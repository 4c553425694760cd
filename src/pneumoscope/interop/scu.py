"""DIMSE service class user: C-ECHO, C-STORE, C-FIND, C-GET and C-MOVE (PS3.7), bounded in time.

Every failure is a `delivery.DeliveryError`, so that its reader knows whether to try again.
"""

from collections.abc import Callable, Iterator, Sequence

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from pneumoscope.interop.association import PENDING, DicomPeer, associated, finding, succeeded
from pneumoscope.interop.delivery import DeliveryRejected, PeerBusy, quoted
from pneumoscope.interop.query import (
    FoundSeries,
    FoundStudy,
    StudyQuery,
    found_series,
    found_study,
    instance_identifier,
    series_identifier,
    study_identifier,
    text,
)
from pneumoscope.interop.scp import STORAGE_CLASSES, STORAGE_SYNTAXES, instance_of
from pneumoscope.interop.storing import Instance, Peer, StoreRefused
from pneumoscope.interop.transport import bound_message

Keep = Callable[[Instance], None]
_FIND = StudyRootQueryRetrieveInformationModelFind


def echo(peer: DicomPeer) -> None:
    """C-ECHO. Raises DeliveryError subclasses."""
    with associated(peer, [(Verification, [])]) as association:
        succeeded(peer, association.send_c_echo())


def store(peer: DicomPeer, datasets: Sequence[Dataset]) -> None:
    """C-STORE each, in the transfer syntax of its file meta; warnings (0xBxxx) count as stored.

    Raises DeliveryError subclasses at the first that is not stored.
    """
    contexts: dict[UID, list[UID]] = {}
    for dataset in datasets:
        syntaxes = contexts.setdefault(dataset.SOPClassUID, [])
        if dataset.file_meta.TransferSyntaxUID not in syntaxes:
            syntaxes.append(dataset.file_meta.TransferSyntaxUID)
    with associated(peer, list(contexts.items())) as association:
        for dataset in datasets:
            try:
                status = association.send_c_store(dataset)
            except ValueError as error:
                raise DeliveryRejected(f"{peer}: {quoted(str(error))}") from error
            succeeded(peer, status)


def find_studies(peer: DicomPeer, query: StudyQuery) -> list[FoundStudy]:
    """C-FIND, Study Root. Raises DeliveryError subclasses."""
    with finding(peer, _FIND) as find:
        return [found_study(answer) for answer in find(study_identifier(query))]


def find_series(peer: DicomPeer, study_instance_uid: str) -> list[FoundSeries]:
    with finding(peer, _FIND) as find:
        answers = find(series_identifier(study_instance_uid))
        return [found_series(answer, study_instance_uid) for answer in answers]


def find_instances(peer: DicomPeer, series: FoundSeries) -> list[str]:
    """The SOP Instance UIDs of a series."""
    with finding(peer, _FIND) as find:
        return [text(answer, "SOPInstanceUID") for answer in find(instance_identifier(series))]


def move_series(peer: DicomPeer, series: FoundSeries) -> None:
    """C-MOVE to our own AE title: the instances come to our listener, by the peer's table."""
    model = StudyRootQueryRetrieveInformationModelMove
    with associated(peer, [(model, [])]) as association:
        answers = association.send_c_move(_series(series), peer.our_ae_title, model)
        _all_retrieved(peer, answers)


def get_series(peer: DicomPeer, series: FoundSeries, keep: Keep) -> None:
    """C-GET: each instance is given to `keep`, whose StoreRefused is answered to the peer.

    Raises DeliveryError subclasses, also where not every instance could be kept.
    """
    model = StudyRootQueryRetrieveInformationModelGet
    contexts = [(model, []), *((each, list(STORAGE_SYNTAXES)) for each in STORAGE_CLASSES)]
    roles = [build_role(each, scp_role=True) for each in STORAGE_CLASSES]
    sender = Peer(peer.ae_title, peer.our_ae_title, peer.host)

    def receive(event: evt.Event) -> int:
        try:
            keep(instance_of(event, sender, max_bytes=peer.max_instance_bytes))
        except StoreRefused as error:
            return error.status
        return 0x0000

    handlers: list[evt.EventHandlerType] = [
        (evt.EVT_PDU_RECV, bound_message, [peer.max_instance_bytes]),
        (evt.EVT_C_STORE, receive),
    ]
    with associated(peer, contexts, roles, handlers) as association:
        _all_retrieved(peer, association.send_c_get(_series(series), model))


def _all_retrieved(peer: DicomPeer, answers: Iterator[tuple[Dataset, Dataset | None]]) -> None:
    for status, _ in answers:
        if status.get("Status") in PENDING:
            continue
        succeeded(peer, status)
        failed = status.get("NumberOfFailedSuboperations") or 0
        if failed:
            raise PeerBusy(f"{peer} could not hand over {failed} instances")


def _series(series: FoundSeries) -> Dataset:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "SERIES"
    wanted.StudyInstanceUID = series.study_instance_uid
    wanted.SeriesInstanceUID = series.series_instance_uid
    return wanted
