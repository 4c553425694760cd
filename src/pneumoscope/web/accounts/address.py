"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The address our outermost proxy saw; without proxies, the connection's.

    Only as many entries of X-Forwarded-For as we have proxies are believed, from the right.
    """
    direct = request.META.get("REMOTE_ADDR") or None
    proxies: int = settings.PNEUMOSCOPE_PROXIES
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    entries = [entry.strip() for entry in forwarded.split(",") if entry.strip()]
    if not proxies or not entries:
        return direct
    try:
        return str(ip_address(entries[-min(proxies, len(entries))]))
    except ValueError:
        return direct
