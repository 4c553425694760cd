"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The address our outermost proxy saw; without proxies, the connection's.

    Only as many entries of X-Forwarded-For as we have proxies are believed, from the right.
    """
    direct = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.PNEUMOSCOPE_PROXIES
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    entries = [entry.strip() for entry in forwarded.split(",") if entry.strip()]
    seen = entries[-min(proxies, len(entries))] if proxies and entries else direct
    return _address(seen) or _address(direct)


def _address(word: str) -> str | None:
    """Without the zone of a link-local one, which says nothing elsewhere and PostgreSQL refuses."""
    try:
        return str(ip_address(word.partition("%")[0]))
    except ValueError:
        return None
