"""Stores instances in an archive by STOW-RS (PS3.18 section 10.5), and asks whether it is there."""

import json
import secrets
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset

from pneumoscope.interop.delivery import DeliveryRejected, PeerBusy, UnreadableAnswer, quoted
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
_FAILED_SOP_SEQUENCE = "00081198"
_FAILURE_REASON = "00081197"


def stow(peer: HttpPeer, datasets: Sequence[Dataset]) -> None:
    """Store all in one request; storing again what is there already changes nothing.

    Raises DeliveryError subclasses, also where the archive took some and refused others.
    """
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: {DICOM}\r\n\r\n".encode()
    parts = [head + _file(dataset) + b"\r\n" for dataset in datasets]
    answer = peer.exchange(
        "POST",
        "studies",
        body=b"".join(parts) + f"--{boundary}--\r\n".encode(),
        headers={
            "Content-Type": f'multipart/related; type="{DICOM}"; boundary={boundary}',
            "Accept": DICOM_JSON,
        },
    )
    # 409: none was stored; the body says why (PS3.18 table 10.5.3-1).
    refused = _failures(answer, peer) if answer.status in {200, 202, 409} else []
    if refused:
        reasons = ", ".join(f"0x{reason:04X}" for reason in sorted(set(refused)))
        message = f"{peer.base_url} refused {len(refused)} instances: {reasons}"
        busy = all(reason >> 8 == 0xA7 for reason in refused)
        raise PeerBusy(message) if busy else DeliveryRejected(message)
    raise_for_status(answer, peer, answer.text)


def ping(peer: HttpPeer) -> None:
    """Search for one study (QIDO-RS), whatever it is. Raises DeliveryError subclasses."""
    answer = peer.exchange("GET", "studies", query=[("limit", "1")], headers={"Accept": DICOM_JSON})
    raise_for_status(answer, peer, answer.text)


def _file(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _failures(answer: HttpAnswer, peer: HttpPeer) -> list[int]:
    """Failure reasons of the instances that were not stored (PS3.18 section 10.5.3.1)."""
    if not answer.body.strip():
        return []
    try:
        model: dict[str, Any] = json.loads(answer.body)
        failed = model.get(_FAILED_SOP_SEQUENCE, {}).get("Value", [])
        return [int(item.get(_FAILURE_REASON, {}).get("Value", [0x0110])[0]) for item in failed]
    except (ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        if answer.status == 409:
            return []
        raise UnreadableAnswer(
            f"{peer.base_url} answered no DICOM JSON: {quoted(answer.text)[:100]}"
        ) from error
