"""HL7's Minimal Lower Layer Protocol, release 1: VT, message, FS, CR over TCP, with or without TLS.

The receiver tolerates what real senders do: bytes between frames, a missing final CR, a frame that
begins anew before its end. What it does not tolerate ends that connection alone.
"""

import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock
from typing import Any, cast

from pneumoscope.interop.delivery import PeerUnreachable, UnreadableAnswer, quoted
from pneumoscope.interop.hl7v2 import parse
from pneumoscope.interop.hl7v2_ack import Acknowledgement, check_acknowledgement

VT, FS, CR = b"\x0b", b"\x1c", b"\r"
CHUNK = 65536
MAX_BYTES = 32 * 1024 * 1024  # a message with a report inside is some megabytes
logger = logging.getLogger(__name__)


class FrameError(Exception):
    """A frame too large or broken off. Does not leave this module."""


def framed(message: bytes) -> bytes:
    return VT + message + FS + CR


@dataclass(slots=True)
class Frames:
    """Divides what comes out of a socket into messages."""

    connection: socket.socket
    max_bytes: int = MAX_BYTES
    _received: bytearray = field(default_factory=bytearray)

    def next(self, *, idle_seconds: float, message_seconds: float) -> bytes | None:
        """The next message; None when the peer closes between two of them.

        idle_seconds: how long one may take to begin; message_seconds: how long from there to its
        end. Raises FrameError, or an OSError (TimeoutError) of the socket.
        """
        deadline = time.monotonic() + idle_seconds
        while (start := self._received.find(VT)) < 0:
            self._received.clear()
            if not self._receive(deadline):
                return None
        del self._received[: start + 1]
        deadline = time.monotonic() + message_seconds
        searched = 0
        while (end := self._received.find(FS, searched)) < 0:
            searched = len(self._received)
            if searched > self.max_bytes:
                raise FrameError(f"more than {self.max_bytes} bytes without an end")
            if not self._receive(deadline):
                raise FrameError("the connection closed within a message")
        message = bytes(self._received[:end])
        del self._received[: end + 1]
        return message.rpartition(VT)[2]

    def _receive(self, deadline: float) -> bool:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no message in time")
        self.connection.settimeout(remaining)
        chunk = self.connection.recv(CHUNK)
        self._received += chunk
        return bool(chunk)


class MllpServer(ThreadingTCPServer):
    """Answers every message with what `respond` makes of it, one thread a connection.

    respond: message → acknowledgement, such as `hl7v2_ack.respond`. allowed: networks that may
    connect; none named means all. tls: with client certificates where its verify_mode asks.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        respond: Callable[[bytes], bytes],
        *,
        tls: ssl.SSLContext | None = None,
        allowed: Sequence[IPv4Network | IPv6Network] = (),
        max_connections: int = 64,
        max_bytes: int = MAX_BYTES,
        idle_seconds: float = 600.0,
        message_seconds: float = 60.0,
    ) -> None:
        self.respond = respond
        self.tls = tls
        self.allowed = tuple(allowed)
        self.max_connections = max_connections
        self.max_bytes = max_bytes
        self.idle_seconds = idle_seconds
        self.message_seconds = message_seconds
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(address, _Connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls is None:
            return connection, address
        # The handshake waits for the connection's own thread: a silent peer must not hold the door.
        secured = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return secured, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if self.allowed and not any(
            ip_address(client_address[0]) in network for network in self.allowed
        ):
            logger.warning("MLLP connection from %s refused: not allowed", client_address[0])
            return False
        with self._lock:
            if len(self._open) >= self.max_connections:
                logger.warning("MLLP connection from %s refused: too many", client_address[0])
                return False
            self._open.add(request)
        return True

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close the port and every connection. What was being answered, its sender sends again."""
        super().server_close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            super().shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        logger.exception("MLLP connection from %s failed here", client_address[0])  # noqa: LOG004


class _Connection(BaseRequestHandler):
    def handle(self) -> None:
        server = cast(MllpServer, self.server)
        connection: socket.socket = self.request
        try:
            connection.settimeout(server.message_seconds)
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            frames = Frames(connection, server.max_bytes)
            times = {
                "idle_seconds": server.idle_seconds,
                "message_seconds": server.message_seconds,
            }
            while (message := frames.next(**times)) is not None:
                answer = framed(server.respond(message))
                connection.settimeout(server.message_seconds)
                connection.sendall(answer)
        except (FrameError, OSError) as error:
            logger.info("MLLP connection from %s ended: %s", self.client_address[0], error)


@dataclass(frozen=True, slots=True)
class MllpPeer:
    """Where messages go. answer_seconds: how long the acknowledgement may take."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def deliver(peer: MllpPeer, message: bytes) -> Acknowledgement:
    """Send a message and return once the peer says that it took it.

    Raises a DeliveryError. After a transient one the message may have arrived: send the same
    again, with the same control id, and the receiver can tell.
    """
    control_id = parse(message.partition(CR)[0]).control_id
    try:
        with _connected(peer) as connection:
            connection.settimeout(peer.answer_seconds)
            connection.sendall(framed(message))
            answer = Frames(connection).next(
                idle_seconds=peer.answer_seconds, message_seconds=peer.answer_seconds
            )
    except FrameError as error:
        raise UnreadableAnswer(f"{peer}: {error}") from error
    except (OSError, UnicodeError, OverflowError) as error:
        raise PeerUnreachable(f"{peer}: {quoted(str(error)) or type(error).__name__}") from error
    if answer is None:
        raise UnreadableAnswer(f"{peer} closed the connection without an acknowledgement")
    return check_acknowledgement(answer, control_id)


def reach(peer: MllpPeer) -> None:
    """Connect and hang up: MLLP has no question that changes nothing. Raises PeerUnreachable."""
    try:
        _connected(peer).close()
    except (OSError, UnicodeError, OverflowError) as error:
        raise PeerUnreachable(f"{peer}: {quoted(str(error)) or type(error).__name__}") from error


def _connected(peer: MllpPeer) -> socket.socket:
    connection = socket.create_connection((peer.host, peer.port), peer.connect_seconds)
    if peer.tls is None:
        return connection
    try:
        return peer.tls.wrap_socket(connection, server_hostname=peer.host)
    except BaseException:
        connection.close()
        raise
