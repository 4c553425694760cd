"""What a service's address and our user name there may look like."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

# RFC 7617 section 2.
username_check = RegexValidator(r"\A[^:\x00-\x1f\x7f]*\Z")


def http_address_check(text: str) -> None:
    """Any host, also one without a domain; a password in it would be shown.

    Raises ValidationError.
    """
    if not _is_http(text):
        raise ValidationError(
            _("An address that begins with http:// or https://, without a password.")
        )


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # also of a port that is none
        return False
    return known and "@" not in parts.netloc and text.isprintable() and " " not in text
