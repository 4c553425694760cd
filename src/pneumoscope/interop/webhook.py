"""Tells a web address of a result, signed so that the receiver can trust it.

Header `Pneumoscope-Signature: t=1795340400,v1=<hex>`: HMAC-SHA256 with the shared secret over the
time in seconds, a full stop and the body. The time is inside the signature, so that a recorded
message cannot be played again later (docs/integration/fhir-server.md shows how a receiver checks
it). `Pneumoscope-Event` names the event for good: a receiver that
has seen it can let it pass.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.interop.http import HttpPeer, raise_for_status
from pneumoscope.interop.reported import ReportedStudy, lasting_id

SIGNATURE = "Pneumoscope-Signature"
EVENT = "Pneumoscope-Event"


@dataclass(frozen=True, slots=True)
class WebhookPeer:
    """The address, in `peer.base_url`, and the secret shared with it."""

    peer: HttpPeer
    secret: str = field(repr=False)


def event(study: ReportedStudy) -> dict[str, Any]:
    """What is told: result and references, no name and no patient's number."""
    prediction = study.prediction
    return {
        "event": "study.analysed" if prediction else "study.rejected",
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
    signed = str(now).encode() + b"." + body
    return f"t={now},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


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
