"""Other systems' tokens and secrets, encrypted where they lie."""

import base64
import logging
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

from pneumoscope.core.errors import PneumoscopeError

logger = logging.getLogger(__name__)


class SecretLost(PneumoscopeError):
    """A secret that was encrypted with another key than the installation's."""

    code = "secret_lost"
    remedy = "Type the secret again, or set the PNEUMOSCOPE_SECRET_KEY that it was saved with."


class SecretField(models.TextField):
    """Text that is encrypted in the database, by a key that follows from SECRET_KEY.

    It cannot be searched. What another key encrypted reads as empty.
    """

    def get_prep_value(self, value: Any) -> Any:
        plain = super().get_prep_value(value)
        return encrypted(plain) if plain else plain

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return decrypted(value) if value else value


def encrypted(plain: str) -> str:
    return _keys().encrypt(plain.encode()).decode()


def decrypted(stored: str) -> str:
    try:
        return _keys().decrypt(stored.encode()).decode()
    except InvalidToken:
        logger.warning(
            "A secret was saved with another SECRET_KEY and cannot be read: type it again."
        )
        return ""


def _keys() -> MultiFernet:
    """Django's fallbacks read what was saved before the key was changed."""
    return MultiFernet(
        [_key(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _key(secret_key: str) -> Fernet:
    """HKDF (RFC 5869): what is known of this key says nothing of SECRET_KEY or its other uses."""
    derived = HKDF(SHA256(), 32, salt=None, info=b"pneumoscope gateway secrets")
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))
