"""DIMSE service class user: C-ECHO, C-STORE, C-FIND, C-GET and C-MOVE (PS3.7), bounded in time.

Every failure is a `delivery.DeliveryError`, so that its reader knows whether to try again.
"""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE, SCP_SCU_RoleSelectionNegotiation
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
    quoted,
)
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
from pneumoscope.interop.scp import STORAGE_CLASSES, STORAGE_SYNTAXES
from pneumoscope.interop.storing import Instance, Peer, StoreRefused
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

Keep = Callable[[Instance], None]

_PENDING = {0xFF00, 0xFF01}
# AE titles are the peer's way of knowing us (PS3.8 table 9-21, source: service user).
_TITLE_NOT_KNOWN = {0x03, 0x07}


@dataclass(frozen=True, slots=True)
class DicomPeer:
    """An application entity that listens. `seconds` bounds every wait for it."""

    host: str
    port: int
    ae_title: str
    our_ae_title: str = "PNEUMOSCOPE"
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    seconds: float = 30.0

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


def echo(peer: DicomPeer) -> None:
    """C-ECHO. Raises DeliveryError subclasses."""
    with _association(peer, [(Verification, [])]) as association:
        _succeeded(peer, association.send_c_echo())


def store(peer: DicomPeer, datasets: Sequence[Dataset]) -> None:
    """C-STORE each, in the transfer syntax of its file meta; warnings (0xBxxx) count as stored.

    Raises DeliveryError subclasses at the first that is not stored.
    """
    contexts: dict[UID, list[UID]] = {}
    for dataset in datasets:
        syntaxes = contexts.setdefault(dataset.SOPClassUID, [])
        if dataset.file_meta.TransferSyntaxUID not in syntaxes:
            syntaxes.append(dataset.file_meta.TransferSyntaxUID)
    with _association(peer, list(contexts.items())) as association:
        for dataset in datasets:
            try:
                status = association.send_c_store(dataset)
            except ValueError as error:
                reason = f"{peer} does not accept {dataset.SOPClassUID.name}"
                raise DeliveryRejected(reason) from error
            _succeeded(peer, status)


def find_studies(peer: DicomPeer, query: StudyQuery) -> list[FoundStudy]:
    """C-FIND, Study Root. Raises DeliveryError subclasses."""
    with _finding(peer) as find:
        return [found_study(answer) for answer in find(study_identifier(query))]


def find_series(peer: DicomPeer, study_instance_uid: str) -> list[FoundSeries]:
    with _finding(peer) as find:
        answers = find(series_identifier(study_instance_uid))
        return [found_series(answer, study_instance_uid) for answer in answers]


def find_instances(peer: DicomPeer, series: FoundSeries) -> list[str]:
    """The SOP Instance UIDs of a series."""
    with _finding(peer) as find:
        return [text(answer, "SOPInstanceUID") for answer in find(instance_identifier(series))]


def move_series(peer: DicomPeer, series: FoundSeries) -> None:
    """C-MOVE to our own AE title: the instances come to our listener, by the peer's table."""
    model = StudyRootQueryRetrieveInformationModelMove
    with _association(peer, [(model, [])]) as association:
        answers = association.send_c_move(_series(series), peer.our_ae_title, model)
        _all_retrieved(peer, answers)


def get_series(peer: DicomPeer, series: FoundSeries, keep: Keep) -> None:
    """C-GET: each instance is given to `keep`, whose StoreRefused is answered to the peer.

    Raises DeliveryError subclasses, also where not every instance could be kept.
    """
    model = StudyRootQueryRetrieveInformationModelGet
    contexts = [(model, []), *((each, list(STORAGE_SYNTAXES)) for each in STORAGE_CLASSES)]
    roles = [build_role(each, scp_role=True) for each in STORAGE_CLASSES]

    def receive(event: evt.Event) -> int:
        try:
            keep(_instance(event, peer))
        except StoreRefused as error:
            return error.status
        return 0x0000

    handlers: list[evt.EventHandlerType] = [(evt.EVT_C_STORE, receive)]
    with _association(peer, contexts, roles, handlers) as association:
        _all_retrieved(peer, association.send_c_get(_series(series), model))


@contextmanager
def _association(
    peer: DicomPeer,
    contexts: Sequence[tuple[str, Sequence[str]]],
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[evt.EventHandlerType] = (),
) -> Iterator[Association]:
    """An association, released at the end and aborted on an error. Raises DeliveryError."""
    entity = AE(peer.our_ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.connection_timeout = entity.acse_timeout = peer.seconds
    entity.dimse_timeout = entity.network_timeout = peer.seconds
    for abstract_syntax, syntaxes in contexts:
        entity.add_requested_context(abstract_syntax, list(syntaxes) or None)
    association = entity.associate(
        peer.host,
        peer.port,
        ae_title=peer.ae_title,
        ext_neg=list(roles) or None,
        evt_handlers=list(handlers) or None,
        tls_args=(peer.tls, peer.host) if peer.tls else None,
    )
    if not association.is_established:
        raise _not_established(peer, association)
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    association.release()


def _not_established(peer: DicomPeer, association: Association) -> Exception:
    answer = association.acceptor.primitive
    if association.is_rejected and isinstance(answer, A_ASSOCIATE):
        reason = f"{peer} rejected the association: {answer.reason_str.lower()}"
        if answer.result_source == 1 and answer.diagnostic in _TITLE_NOT_KNOWN:
            return CredentialsRefused(f"{reason} (we are {peer.our_ae_title})")
        return DeliveryRejected(reason) if answer.result == 1 else PeerBusy(reason)
    return PeerUnreachable(f"{peer} does not answer")


@contextmanager
def _finding(peer: DicomPeer) -> Iterator[Callable[[Dataset], Iterator[Dataset]]]:
    model = StudyRootQueryRetrieveInformationModelFind
    with _association(peer, [(model, [])]) as association:

        def find(wanted: Dataset) -> Iterator[Dataset]:
            for status, answer in association.send_c_find(wanted, model):
                if status.get("Status") in _PENDING and answer is not None:
                    yield answer
                else:
                    _succeeded(peer, status)

        yield find


def _all_retrieved(peer: DicomPeer, answers: Iterator[tuple[Dataset, Dataset | None]]) -> None:
    for status, _ in answers:
        if status.get("Status") in _PENDING:
            continue
        _succeeded(peer, status)
        failed = status.get("NumberOfFailedSuboperations") or 0
        if failed:
            raise PeerBusy(f"{peer} could not hand over {failed} instances")


def _succeeded(peer: DicomPeer, status: Dataset) -> None:
    """Raises UnreadableAnswer, PeerBusy or DeliveryRejected for what is neither 0 nor a warning."""
    if "Status" not in status:
        raise UnreadableAnswer(f"{peer} broke off, or did not answer within {peer.seconds:g} s")
    code = int(status.Status)
    if code == 0x0000 or code >> 12 == 0xB:
        return
    message = f"{peer} answered 0x{code:04X} {quoted(str(status.get('ErrorComment', '')))}".strip()
    # Refused: out of resources (PS3.7 C.5); everything else will be the same the next time.
    raise PeerBusy(message) if code >> 8 == 0xA7 else DeliveryRejected(message)


def _series(series: FoundSeries) -> Dataset:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "SERIES"
    wanted.StudyInstanceUID = series.study_instance_uid
    wanted.SeriesInstanceUID = series.series_instance_uid
    return wanted


def _instance(event: evt.Event, peer: DicomPeer) -> Instance:
    meta = event.file_meta
    return Instance(
        data=event.encoded_dataset(),
        sop_class_uid=str(meta.MediaStorageSOPClassUID),
        sop_instance_uid=str(meta.MediaStorageSOPInstanceUID),
        transfer_syntax_uid=str(meta.TransferSyntaxUID),
        peer=Peer(peer.ae_title, peer.our_ae_title, peer.host),
    )
