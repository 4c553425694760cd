"""One HTTP exchange with a peer: bounded in time and size, every failure a named error."""

import base64
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from threading import Timer
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
    quoted,
)

# Codes after which the same request may succeed (RFC 9110, RFC 6585, RFC 8470).
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back, of any status. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it is, for messages."""
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class HttpPeer:
    """Where and how to reach a service.

    token: OAuth 2 bearer token (RFC 6750); with a username, its password (RFC 7617).
    ca_file: a file of trusted certificates, for a hospital's own authority. answer_seconds bounds
    the whole answer, max_bytes its body.
    """

    base_url: str
    token: str = field(default="", repr=False)
    username: str = ""
    ca_file: str = ""
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    max_bytes: int = 16 * 1024 * 1024

    def exchange(
        self,
        method: str,
        path: str = "",
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: list[tuple[str, str]] | None = None,
    ) -> HttpAnswer:
        """Send one request and return the answer, whatever its status.

        No redirect is followed: it would carry the token elsewhere and turn a POST into a GET.
        Raises PeerUnreachable, UnreadableAnswer, DeliveryRejected for an address that is none, or
        CredentialsRefused for a token that no header can hold.
        """
        url = f"{self.base_url.rstrip('/')}/{path}" if path else self.base_url
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = self._authorization()
        watch = _Watch()
        timer = Timer(self.connect_seconds + self.answer_seconds, watch.hang_up)
        timer.daemon = True
        timer.start()
        with requests.Session() as session:
            session.trust_env = False  # the environment is read by the settings alone
            session.mount("http://", watch)
            session.mount("https://", watch)
            try:
                with session.request(
                    method,
                    url,
                    params=query,
                    data=body,
                    headers=sent,
                    timeout=(self.connect_seconds, self.answer_seconds),
                    verify=self.ca_file or True,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    answer = self._read(response)
            except (requests.ConnectionError, requests.Timeout) as error:
                raise PeerUnreachable(f"{self.base_url}: {_reason(error)}") from error
            except NO_ADDRESS as error:
                raise DeliveryRejected(f"{self.base_url} is no HTTP address") from error
            except (requests.RequestException, ValueError, OSError) as error:
                if not watch.over:
                    raise UnreadableAnswer(f"{self.base_url}: {_reason(error)}") from error
            finally:
                timer.cancel()
        if watch.over:
            raise PeerUnreachable(f"{self.base_url}: answer not complete in time")
        return answer

    def _authorization(self) -> str:
        if self.username:
            return basic(self.username, self.token)
        # What refuses it further down would quote it.
        if not (self.token.isascii() and self.token.isprintable()):
            raise CredentialsRefused(f"{self.base_url}: the token has signs that none can have")
        return f"Bearer {self.token}"

    def _read(self, response: requests.Response) -> HttpAnswer:
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > self.max_bytes:
                raise UnreadableAnswer(f"{self.base_url}: answer over {self.max_bytes} bytes")
        names = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(response.status_code, names, bytes(body))


def basic(username: str, password: str) -> str:
    """The Authorization header of HTTP Basic, in UTF-8 (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


class _Watch(HTTPAdapter):
    """Can hang up from another thread: each drop of an answer that comes in drops is in time."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False
        self._sockets: list[socket.socket] = []

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*arguments, **named)
        pool.ConnectionCls = partial(self._watched, pool.ConnectionCls)
        return pool

    def _watched(self, kind: Any, **named: Any) -> Any:
        """The socket is kept from its opening on: later it may belong to the answer alone."""
        connection = kind(**named)
        open_it = connection.connect

        def connect() -> None:
            open_it()
            self._sockets.append(connection.sock)

        connection.connect = connect
        return connection

    def hang_up(self) -> None:
        self.over = True
        for each in self._sockets:
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)


def raise_for_status(answer: HttpAnswer, peer: HttpPeer, reason: str) -> None:
    """Raise what a status other than 2xx means; `reason` is the peer's own words.

    Raises PeerBusy, CredentialsRefused or DeliveryRejected.
    """
    if 200 <= answer.status < 300:
        return
    message = f"{peer.base_url} answered {answer.status}: {quoted(reason) or 'no reason given'}"
    if answer.status in PASSING:
        raise PeerBusy(message, _retry_after(answer.headers.get("retry-after", "")))
    if answer.status in {401, 403, 407}:
        raise CredentialsRefused(message)
    if 300 <= answer.status < 400:
        raise DeliveryRejected(f"{message} (moved to {answer.headers.get('location', '?')})")
    raise DeliveryRejected(message)


def _retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110 10.2.3)."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _reason(error: Exception) -> str:
    return quoted(str(error)) or type(error).__name__
