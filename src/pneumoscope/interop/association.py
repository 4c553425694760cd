"""An association with an application entity that listens, bounded in time.

Every failure is a `delivery.DeliveryError`, so that its reader knows whether to try again.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import cast

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE, SCP_SCU_RoleSelectionNegotiation
from pynetdicom.transport import AssociationSocket

from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
    quoted,
)
from pneumoscope.interop.scp import MAX_INSTANCE_BYTES
from pneumoscope.interop.transport import bound_when_open
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

PENDING = {0xFF00, 0xFF01}
_MOST_ANSWERS = 100_000
# AE titles are the peer's way of knowing us (PS3.8 table 9-21, source: service user).
_TITLE_NOT_KNOWN = {0x03, 0x07}


@dataclass(frozen=True, slots=True)
class DicomPeer:
    """An application entity that listens. `seconds` bounds every wait for it.

    max_instance_bytes: of one instance that it hands over by C-GET.
    """

    host: str
    port: int
    ae_title: str
    our_ae_title: str = "PNEUMOSCOPE"
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    seconds: float = 30.0
    max_instance_bytes: int = MAX_INSTANCE_BYTES

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


@contextmanager
def associated(
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
    with ExitStack() as connections:
        association = entity.associate(
            peer.host,
            peer.port,
            ae_title=peer.ae_title,
            ext_neg=list(roles) or None,
            evt_handlers=[(evt.EVT_CONN_OPEN, _opened, [peer, connections]), *handlers],
            tls_args=(peer.tls, peer.host) if peer.tls else None,
        )
        if not association.is_established:
            raise _not_established(peer, association)
        try:
            yield association
        except BaseException as error:
            broke_off = isinstance(error, RuntimeError) and not association.is_established
            association.abort()
            if broke_off:  # pynetdicom's answer to whoever sends on an association that has ended
                raise UnreadableAnswer(f"{peer} broke off") from error
            raise
        association.release()


def _opened(event: evt.Event, peer: DicomPeer, connections: ExitStack) -> None:
    """pynetdicom does not close a connection that the peer has left."""
    bound_when_open(event, peer.seconds)
    transport = cast(AssociationSocket, event.assoc.dul.socket)
    connections.enter_context(cast(socket.socket, transport.socket))


def _not_established(peer: DicomPeer, association: Association) -> Exception:
    answer = association.acceptor.primitive
    if not isinstance(answer, A_ASSOCIATE):
        return PeerUnreachable(f"{peer} does not answer")
    if association.is_rejected:
        reason = f"{peer} rejected the association: {answer.reason_str.lower()}"
        if answer.result_source == 1 and answer.diagnostic in _TITLE_NOT_KNOWN:
            return CredentialsRefused(f"{reason} (we are {peer.our_ae_title})")
        return DeliveryRejected(reason) if answer.result == 1 else PeerBusy(reason)
    # Accepted, and gone before we looked: a peer that is ending, not one that refuses.
    if any(each.result == 0 for each in answer.presentation_context_definition_results_list):
        return PeerUnreachable(f"{peer} accepted the association and broke off")
    return DeliveryRejected(f"{peer} accepts nothing of what was offered: {_offered(association)}")


def _offered(association: Association) -> str:
    classes = {str(each.abstract_syntax) for each in association.requestor.requested_contexts}
    return ", ".join(sorted(UID(each).name for each in classes))


@contextmanager
def finding(peer: DicomPeer, model: str) -> Iterator[Callable[[Dataset], Iterator[Dataset]]]:
    """C-FIND in an information model: a function from identifier to all its answers."""
    with associated(peer, [(model, [])]) as association:

        def find(wanted: Dataset) -> Iterator[Dataset]:
            for number, (status, answer) in enumerate(association.send_c_find(wanted, model)):
                if number > _MOST_ANSWERS:
                    raise UnreadableAnswer(f"{peer} answers more than {_MOST_ANSWERS:,} times")
                if status.get("Status") not in PENDING:
                    succeeded(peer, status)
                elif answer is None:
                    raise UnreadableAnswer(f"{peer} answered with an identifier in no DICOM")
                else:
                    yield answer

        yield find


def succeeded(peer: DicomPeer, status: Dataset) -> None:
    """Raises UnreadableAnswer, PeerBusy or DeliveryRejected for what is neither 0 nor a warning."""
    if "Status" not in status:
        raise UnreadableAnswer(f"{peer} broke off, or did not answer within {peer.seconds:g} s")
    code = int(status.Status)
    if code == 0x0000 or code >> 12 == 0xB:
        return
    message = f"{peer} answered 0x{code:04X} {quoted(str(status.get('ErrorComment', '')))}".strip()
    # Refused: out of resources (PS3.7 C.5); everything else will be the same the next time.
    raise PeerBusy(message) if code >> 8 == 0xA7 else DeliveryRejected(message)
