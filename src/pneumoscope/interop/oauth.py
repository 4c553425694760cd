"""An access token for a service, by OAuth 2.0 client credentials (RFC 6749 section 4.4).

A token is kept in this process until shortly before it ends. The client proves itself at the token
endpoint alone: by a secret (HTTP Basic, section 2.3.1), or by what its private key has signed
(RFC 7523, SMART Backend Services).
"""

import json
import re
import time
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote_plus, urlencode

from pneumoscope.interop.delivery import CredentialsRefused, UnreadableAnswer, quoted
from pneumoscope.interop.http import HttpAnswer, HttpPeer, basic, raise_for_status
from pneumoscope.interop.signed_assertion import ASSERTION_TYPE, assertion

# A token that ends while it travels would be refused.
MARGIN_SECONDS = 30.0
LONGEST_SECONDS = 86400.0
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)  # RFC 6750 section 2.1


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who we are to the authority that gives out tokens, and what we ask for.

    peer: the token endpoint. secret: the client's, or where it is `signed` for, the private key as
    PEM. scope: words divided by blanks, such as "system/*.write"; may be "".
    """

    peer: HttpPeer
    client_id: str
    secret: str = field(repr=False)
    scope: str = ""
    signed: bool = False


_kept: dict[ClientCredentials, tuple[str, float]] = {}
_lock = Lock()


def access_token(credentials: ClientCredentials) -> str:
    """The token that is kept, or a new one. Raises a DeliveryError."""
    with _lock:
        token, ends = _kept.get(credentials, ("", 0.0))
    if time.monotonic() < ends:
        return token
    token, seconds = _asked(credentials)
    with _lock:
        _kept[credentials] = (token, time.monotonic() + seconds - MARGIN_SECONDS)
    return token


def token_forget(credentials: ClientCredentials) -> bool:
    """Drop the token that is kept, because a service refused it. False: there was none."""
    with _lock:
        return _kept.pop(credentials, None) is not None


def _asked(credentials: ClientCredentials) -> tuple[str, float]:
    """A new token and for how many seconds it is good; 0 where that is not said."""
    asked = {"grant_type": "client_credentials"}
    if credentials.scope:
        asked["scope"] = credentials.scope
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if credentials.signed:
        asked |= _assertion(credentials)
    else:
        pair = (quote_plus(credentials.client_id), quote_plus(credentials.secret))
        headers["Authorization"] = basic(*pair)
    peer = credentials.peer
    answer = peer.exchange("POST", body=urlencode(asked).encode(), headers=headers)
    said = _json(answer)
    if answer.status == 400 and "error" in said:  # section 5.2
        raise CredentialsRefused(f"{peer.base_url} gave no token: {_reason(said)}")
    raise_for_status(answer, peer, _reason(said))
    token, kind = said.get("access_token"), said.get("token_type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise UnreadableAnswer(f"{peer.base_url} answered no bearer token")
    if str(kind).lower() != "bearer":
        raise UnreadableAnswer(f"{peer.base_url} answered a token of type {quoted(str(kind))!r}")
    return token, _seconds(said.get("expires_in"))


def _assertion(credentials: ClientCredentials) -> dict[str, str]:
    try:
        signed = assertion(
            credentials.secret,
            client_id=credentials.client_id,
            token_url=credentials.peer.base_url,
        )
    except ValueError as error:
        raise CredentialsRefused(f"The client's key cannot sign: {error}") from error
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


def _json(answer: HttpAnswer) -> dict[str, object]:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _reason(said: dict[str, object]) -> str:
    words = (said.get("error"), said.get("error_description"))
    return quoted(": ".join(str(each) for each in words if each))


def _seconds(value: object) -> float:
    try:
        return min(float(str(value)), LONGEST_SECONDS)
    except ValueError:
        return 0.0
