"""One person, date or UID always becomes the same other one, for whoever holds the secret.

All follow from HMAC-SHA256 (RFC 2104): without the secret nothing leads back, and no table of
names need be kept.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta

from pydicom.uid import UID

_MAX_DAYS = 3650
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """secret: kept, so that a later run agrees with this one; by default of this run alone."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(_SECRET_BYTES), repr=False)

    def uid(self, original: str) -> UID:
        """A UID below 2.25, of no more than 44 characters (PS3.5 B.2)."""
        return UID(f"2.25.{uuid.UUID(bytes=self._digest('uid', original)[:16], version=5).int}")

    def patient(self, key: str) -> str:
        """Twelve letters and digits for a patient."""
        return "P" + base64.b32encode(self._digest("patient", key)).decode("ascii")[:11]

    def name(self, content: bytes) -> str:
        """A file name that says nothing of the old one."""
        digest = hashlib.sha256(content).hexdigest()
        return self._digest("file", digest).hex()[:24]

    def shifted(self, original: date, patient_key: str) -> date:
        """Earlier by one to 3,650 days, as many for all dates of a patient."""
        number = int.from_bytes(self._digest("days", patient_key)[:8])
        return original - timedelta(days=1 + number % _MAX_DAYS)

    def _digest(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}:{text}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).digest()
