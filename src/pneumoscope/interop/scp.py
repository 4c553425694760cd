"""DIMSE service class provider: Verification, Storage and Storage Commitment (PS3.4 A, B, J).

Instances are handed on as the bytes that came, never decoded or encoded again here. What a peer
sends beyond a limit is not kept in memory, and one peer's silence never holds up another.
"""

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import cast

from pydicom import uid
from pynetdicom import AE, _config, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    Verification,
)

from pneumoscope.core.dicom_pixels import TRANSFER_SYNTAXES
from pneumoscope.core.errors import CorruptFile
from pneumoscope.interop.part10 import file_head
from pneumoscope.interop.storage_commitment import Holds, commitment_answer
from pneumoscope.interop.store_check import identifiers
from pneumoscope.interop.storing import (
    CannotUnderstand,
    Instance,
    OutOfResources,
    Peer,
    StoreRefused,
)
from pneumoscope.interop.transport import (
    AssociationListener,
    Connection,
    bound_message,
    bound_when_requested,
)
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

logger = logging.getLogger(__name__)

STORAGE_CLASSES = (
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
)
# Of what a sender offers we take the first of these: nothing to decompress is cheapest to read.
_PLAIN_FIRST = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
STORAGE_SYNTAXES = (*_PLAIN_FIRST, *sorted(TRANSFER_SYNTAXES - set(_PLAIN_FIRST)))

MAX_PDU_BYTES = 131072
MAX_INSTANCE_BYTES = 100 * 1024 * 1024
_POLL_SECONDS = 0.1
_LONGEST_UID = 64

# A-ASSOCIATE-RJ (PS3.8 table 9-21): permanent, by the service user, calling AE title not known;
# transient, by the service provider, temporary congestion.
_CALLING_AE_UNKNOWN = (0x01, 0x01, 0x03)
_COME_AGAIN = (0x02, 0x03, 0x01)


@dataclass(frozen=True, slots=True)
class Services:
    """What the provider asks of its owner. All are called from many threads at once.

    admits: whether the peer may associate; where it raises, the peer is told to come again.
    keep: store the instance durably, then return; raises StoreRefused.
    holds: whether an instance, by SOP Class and Instance UID, is durably kept for the peer.
    report_to: host and port for storage commitment reports to the peer; None: the same association.
    """

    admits: Callable[[Peer], bool]
    keep: Callable[[Instance], None]
    holds: Callable[[Peer], Holds]
    report_to: Callable[[Peer], tuple[str, int] | None]


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen. Seconds; bytes. Port 0: one that the system chooses.

    request_seconds: until a connection must have asked for an association (the ARTIM timer, PS3.8
    9.1.4), for each holds one of the places. idle_seconds: of silence after that.
    """

    ae_title: str
    host: str = "127.0.0.1"
    port: int = 11112
    any_called_ae_title: bool = False
    tls: ssl.SSLContext | None = None
    max_associations: int = 32
    max_instance_bytes: int = MAX_INSTANCE_BYTES
    request_seconds: float = 10.0
    idle_seconds: float = 60.0


@contextmanager
def provider(listening: Listening, services: Services) -> Iterator[int]:
    """Serve in threads of this process while the context lasts; gives the port.

    Raises OSError where the address cannot be listened on.
    """
    # Its log handlers write out whole data sets, and cost more than the receiving.
    _config.LOG_HANDLER_LEVEL = "none"
    # As lax as its own, but a fifth of the cost of an association that offers 128 classes.
    _config.VALIDATORS["UI"] = lambda text: (0 < len(text) <= _LONGEST_UID, "no UID")
    server = cast(
        AssociationListener,
        _entity(listening).make_server(
            (listening.host, listening.port),
            server_class=AssociationListener,
            request_handler=Connection,
            evt_handlers=[
                (evt.EVT_REQUESTED, _admit, [services]),
                (evt.EVT_REQUESTED, bound_when_requested, [listening.idle_seconds]),
                (evt.EVT_PDU_RECV, bound_message, [listening.max_instance_bytes]),
                (evt.EVT_C_STORE, _store, [listening, services]),
                (evt.EVT_N_ACTION, _commit, [services]),
            ],
            tls=listening.tls,
            request_seconds=_request_seconds(listening),
        ),
    )
    thread = threading.Thread(target=server.serve_forever, args=[_POLL_SECONDS], daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.end()
        thread.join()


def _entity(listening: Listening) -> AE:
    entity = AE(listening.ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.maximum_pdu_size = MAX_PDU_BYTES
    entity.maximum_associations = listening.max_associations
    entity.require_called_aet = not listening.any_called_ae_title
    entity.acse_timeout = _request_seconds(listening)
    entity.dimse_timeout = entity.network_timeout = listening.idle_seconds
    entity.add_supported_context(Verification)
    entity.add_supported_context(StorageCommitmentPushModel)
    for storage_class in STORAGE_CLASSES:
        entity.add_supported_context(storage_class, list(STORAGE_SYNTAXES))
    return entity


def _request_seconds(listening: Listening) -> float:
    return min(listening.request_seconds, listening.idle_seconds)


def _admit(event: evt.Event, services: Services) -> None:
    """Refuse a peer that is not allowed before anything is negotiated.

    Nothing may be raised: pynetdicom would note it, and take the peer in.
    """
    try:
        peer = _peer(event)
        if services.admits(peer):
            return
        refusal = _CALLING_AE_UNKNOWN
        logger.warning("refused: %s from %s is not known", peer.calling_ae_title, peer.address)
    except Exception:
        refusal = _COME_AGAIN
        logger.exception("refused for now: nobody could say who is allowed")
    event.assoc.acse.send_reject(*refusal)
    event.assoc.kill()


def _store(event: evt.Event, listening: Listening, services: Services) -> int:
    """The status of the C-STORE response: 0x0000 only once the instance is durably kept."""
    peer = _peer(event)
    try:
        services.keep(instance_of(event, peer, max_bytes=listening.max_instance_bytes))
    except StoreRefused as error:
        logger.warning(
            "C-STORE from %s answered 0x%04X: %s %s",
            peer.calling_ae_title,
            error.status,
            error,
            error.remedy,
        )
        return error.status
    return 0x0000


def instance_of(event: evt.Event, peer: Peer, *, max_bytes: int) -> Instance:
    """What a C-STORE request brings. Raises CannotUnderstand or OutOfResources."""
    request, syntax = cast(C_STORE, event.request), str(event.context.transfer_syntax)
    data_set = request.DataSet
    if not isinstance(data_set, BytesIO):
        raise CannotUnderstand("The C-STORE request has no data set.")
    if data_set.getbuffer().nbytes > max_bytes:
        raise OutOfResources(f"The instance is over {max_bytes:,} bytes.")
    _check(request, data_set, syntax)
    names = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
    return Instance(data_set.getbuffer(), *names, syntax, peer, file_head(*names, syntax))


def _check(request: C_STORE, data_set: BytesIO, transfer_syntax_uid: str) -> None:
    """Raises CannotUnderstand unless the data set is of the instance that was announced."""
    try:
        found = identifiers(data_set, transfer_syntax_uid)
    except CorruptFile as error:
        raise CannotUnderstand(str(error)) from error
    if found.SOPInstanceUID != request.AffectedSOPInstanceUID:
        raise CannotUnderstand("The data set is of another SOP instance than was announced.")


def _commit(event: evt.Event, services: Services) -> tuple[int, None]:
    peer = _peer(event)
    return commitment_answer(event, services.holds(peer), services.report_to(peer)), None


def _peer(event: evt.Event) -> Peer:
    requestor = event.assoc.requestor
    request = cast(A_ASSOCIATE, requestor.primitive)
    return Peer(
        calling_ae_title=(request.calling_ae_title or "").strip(),
        called_ae_title=(request.called_ae_title or "").strip(),
        address=requestor.address or "",
    )
