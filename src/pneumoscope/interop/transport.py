"""What pynetdicom's transport lacks towards peers that hang, dawdle or pour.

No connection waits for another's TLS handshake; one whose PDU does not come whole in time is ended,
whoever opened it; neither a PDU nor a message takes more memory than its limit; and a PDU that
makes no sense ends its own association alone.
"""

import logging
import socket
import ssl
import time
from contextlib import suppress
from socketserver import BaseServer
from typing import Any, cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

logger = logging.getLogger(__name__)

# Some peers ignore the maximum they were told; none needs a PDU of more than this.
LONGEST_PDU_BYTES = 1 << 20


class AssociationListener(ThreadedAssociationServer):
    """Accepts without waiting for anybody; every association has its own threads."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(
        self, *arguments: Any, tls: ssl.SSLContext | None, request_seconds: float, **named: Any
    ) -> None:
        self.tls, self.request_seconds = tls, request_seconds
        super().__init__(*arguments, **named)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The handshake is left to the first read, which happens in the association's thread."""
        connection, address = cast(socket.socket, self.socket).accept()
        connection.settimeout(self.request_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def end(self) -> None:
        """Stop accepting and abort what is open: a sender repeats what was not answered."""
        BaseServer.shutdown(self)
        for association in self.active_associations:
            association.abort()
        self.server_close()


class Connection(RequestHandler):
    """One accepted connection, whose reads are bounded: shortly until it has said who it is."""

    def _create_association(self) -> Association:
        association = super()._create_association()
        listener = cast(AssociationListener, self.server)
        bound_reading(cast(AssociationSocket, association.dul.socket), listener.request_seconds)
        contain_faults(association)
        return association


def bound_reading(transport: AssociationSocket, seconds: float) -> None:
    """Let reads of the transport's open connection end in time, also those that come in drops.

    A silence ends after `seconds`, drops after twice that: to set the socket's timeout anew before
    each read cost a third of the receiving.
    """

    def read(count: int) -> bytearray:
        """`count` bytes, fewer if the peer closes. Raises OSError for a PDU beyond any reason."""
        if count > LONGEST_PDU_BYTES:
            raise OSError("a PDU longer than any peer needs")
        connection = cast(socket.socket, transport.socket)
        received = bytearray(count)
        view, have, end = memoryview(received), 0, time.monotonic() + seconds
        while have < count:
            more = connection.recv_into(view[have:])
            if not more:
                return received[:have]
            have += more
            if have < count and time.monotonic() > end:
                raise TimeoutError("a PDU that comes in drops")
        return received

    cast(socket.socket, transport.socket).settimeout(seconds)
    transport.recv = read  # type: ignore[method-assign, assignment]


def contain_faults(association: Association) -> None:
    """Let what pynetdicom raises of a peer's PDU end that association, and close its connection.

    Its thread would end with an unhandled error, and the peer wait on an open connection.
    """
    dul = association.dul
    connection = cast(socket.socket, cast(AssociationSocket, dul.socket).socket)
    act = dul.state_machine.do_action

    def do_action(event: str) -> None:
        try:
            act(event)
        except Exception:
            logger.warning("association ended: what the peer sent makes no sense", exc_info=True)
            dul.kill_dul()
            connection.close()

    dul.state_machine.do_action = do_action  # type: ignore[method-assign]


def bound_when_open(event: evt.Event, seconds: float) -> None:
    """The same for a connection of our own, as a handler of EVT_CONN_OPEN."""
    bound_reading(cast(AssociationSocket, event.assoc.dul.socket), seconds)
    contain_faults(event.assoc)


def bound_when_requested(event: evt.Event, seconds: float) -> None:
    """Let the reads that follow take longer, as a handler of EVT_REQUESTED."""
    with suppress(AttributeError, OSError):  # the peer has gone already
        bound_reading(cast(AssociationSocket, event.assoc.dul.socket), seconds)


def bound_message(event: evt.Event, max_bytes: int) -> None:
    """Forget what goes beyond `max_bytes` of a data set; one byte over tells that it did."""
    message = event.assoc.dimse.message
    if not isinstance(event.pdu, P_DATA_TF) or message is None or message.data_set is None:
        return
    if message.data_set.tell() > max_bytes:
        message.data_set.seek(max_bytes + 1)
        message.data_set.truncate()
