"""Tells a web address of a result, signed so that the receiver can trust it.

Header `Pneumoscope-Signature: t=1795340400,v1=<hex>`: HMAC-SHA256 with the shared secret over the
time in seconds, a full stop and the body. The time is inside the signature, so that a recorded
message cannot be played again later. `Pneumoscope-Event` names the event for good: a receiver that
has seen it can let it pass.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.interop.http import HttpPeer, raise_for_status
from pneumoscope.interop.reported import ReportedStudy, lasting_id

SIGNATURE = "Pneumoscope-Signature"
EVENT = "Pneumoscope-Event"
WINDOW_SECONDS = 300
LONGEST_HEADER = 1024


class SignatureError(PneumoscopeError):
    """The signature is not one of this secret over this body."""

    code = "webhook_signature"
    remedy = "Check that both sides have the same secret and that nothing alters the body."


class SignatureExpired(SignatureError):
    """The signature is right but too old or from the future: perhaps a replay."""

    code = "webhook_signature_expired"
    remedy = "Check both clocks; a message is valid for five minutes and is sent again if refused."


@dataclass(frozen=True, slots=True)
class WebhookPeer:
    """The address, in `peer.base_url`, and the secret shared with it."""

    peer: HttpPeer
    secret: str = field(repr=False)


def event(study: ReportedStudy) -> dict[str, Any]:
    """What is told: result and references, no name and no patient's number."""
    prediction = study.prediction
    return {
        "event": "result",
        "id": lasting_id("webhook", study.result_id),
        "issued": study.issued.isoformat(timespec="seconds"),
        "result_id": study.result_id,
        "status": "analysed" if prediction else "rejected",
        "probability": round(prediction.probability, 6) if prediction else None,
        "threshold": round(prediction.threshold, 6) if prediction else None,
        "positive": prediction.positive if prediction else None,
        "operating_point": prediction.operating_point if prediction else None,
        "uncertain": prediction.uncertain if prediction else None,
        "zones": list(study.zones),
        "reasons": [reason.code for reason in study.quality.reasons],
        "conclusion": study.conclusion,
        "study_instance_uid": study.study_instance_uid or None,
        "accession_number": study.accession_number or None,
        "order_number": study.order_number or None,
        "link": study.link or None,
        "model": {
            "name": study.model.name,
            "version": study.model.version,
            "hash": study.model.hash,
        },
        "intended_use": RESEARCH_USE_ONLY,
    }


def sign(secret: str, body: bytes, now: int) -> str:
    """The header's value. now: seconds since 1970."""
    return f"t={now},v1={_digest(secret, body, now)}"


def verify(secret: str, body: bytes, header: str, now: int) -> None:
    """For receivers. Raises SignatureError or SignatureExpired; takes the same time either way."""
    parts = [part.strip().partition("=") for part in header[:LONGEST_HEADER].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()):
        raise SignatureError("the signature has no time")
    expected = _digest(secret, body, int(times[0]))
    if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in signatures):
        raise SignatureError("the signature does not match")
    if abs(now - int(times[0])) > WINDOW_SECONDS:
        raise SignatureExpired(f"signed {now - int(times[0])} seconds ago")


def post(receiver: WebhookPeer, told: dict[str, Any], now: int) -> None:
    """Tell an event; any status 2xx means it was taken. Raises a DeliveryError."""
    body = json.dumps(told, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        EVENT: str(told["id"]),
        SIGNATURE: sign(receiver.secret, body, now),
    }
    answer = receiver.peer.exchange("POST", body=body, headers=headers)
    raise_for_status(answer, receiver.peer, answer.text)


def _digest(secret: str, body: bytes, now: int) -> str:
    return hmac.new(secret.encode(), str(now).encode() + b"." + body, hashlib.sha256).hexdigest()
