"""What must be right before anything starts; each failure says what to do."""

import os
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from pneumoscope.core.errors import BundleError
from pneumoscope.core.operating import OPERATING_POINTS
from pneumoscope.web.gateway.tls import (
    TlsFilesUnusable,
    client_context,
    hl7_context,
    server_context,
)


@register(Tags.files)
def home_is_writable(**_: Any) -> Sequence[CheckMessage]:
    home = Path(settings.PNEUMOSCOPE_HOME)
    if home.is_dir() and os.access(home, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"{home} cannot be written to.",
            hint="Make the folder writable for this user, or set PNEUMOSCOPE_HOME to one that is.",
            id="pneumoscope.E001",
        )
    ]


@register(Tags.security)
def debug_stays_at_home(**_: Any) -> Sequence[CheckMessage]:
    if not settings.DEBUG or all(is_loopback(host) for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "PNEUMOSCOPE_DEBUG is on while other machines may connect: "
            "error pages would show settings and patient data.",
            hint="Set PNEUMOSCOPE_DEBUG=false, or PNEUMOSCOPE_ALLOWED_HOSTS to loopback names.",
            id="pneumoscope.E002",
        )
    ]


@register(Tags.security)
def public_means_tls(**_: Any) -> Sequence[CheckMessage]:
    if settings.SECURE_SSL_REDIRECT or all(is_loopback(host) for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            "Other machines may connect, but without TLS passwords and radiographs travel openly.",
            hint="Put a proxy with HTTPS in front and set PNEUMOSCOPE_TLS=true.",
            id="pneumoscope.W001",
        )
    ]


@register()
def a_model_is_installed(**_: Any) -> Sequence[CheckMessage]:
    from pneumoscope.core.bundle import bundle_find

    try:
        bundle_find(settings.PNEUMOSCOPE_MODEL)
    except BundleError as error:
        return [
            Error(
                f"PNEUMOSCOPE_MODEL: {error}.",
                hint=f"Leave it empty for the model that ships, or correct it. {error.remedy}",
                id="pneumoscope.E003",
            )
        ]
    return []


@register()
def the_operating_point_exists(**_: Any) -> Sequence[CheckMessage]:
    if settings.PNEUMOSCOPE_OPERATING_POINT in (None, *OPERATING_POINTS):
        return []
    return [
        Error(
            f"PNEUMOSCOPE_OPERATING_POINT: no operating point is called "
            f"“{settings.PNEUMOSCOPE_OPERATING_POINT}”.",
            hint=f"Choose {', '.join(OPERATING_POINTS)}, or leave it empty for the model's choice.",
            id="pneumoscope.E004",
        )
    ]


@register()
def leases_outlive_an_analysis(**_: Any) -> Sequence[CheckMessage]:
    if settings.PNEUMOSCOPE_LEASE_SECONDS >= 10:
        return []
    return [
        Warning(
            "PNEUMOSCOPE_LEASE_SECONDS is shorter than a slow analysis may take.",
            hint="Use 10 seconds or more, or images will be analysed twice.",
            id="pneumoscope.W002",
        )
    ]


@register(Tags.security)
def tls_files_are_usable(**_: Any) -> Sequence[CheckMessage]:
    try:
        server_context()
        hl7_context()
        client_context()
    except TlsFilesUnusable as error:
        return [Error(f"{error}.", hint=error.remedy, id="pneumoscope.E005")]
    return []


@register(Tags.security)
def hl7_networks_are_networks(**_: Any) -> Sequence[CheckMessage]:
    try:
        networks = [ip_network(each) for each in settings.PNEUMOSCOPE_HL7_ALLOWED]
    except ValueError as error:
        return [
            Error(
                f"PNEUMOSCOPE_HL7_ALLOWED: {error}.",
                hint="Networks with commas between them, such as 10.1.0.0/16,192.168.1.7/32.",
                id="pneumoscope.E006",
            )
        ]
    at_home = not settings.PNEUMOSCOPE_HL7_PORT or is_loopback(settings.PNEUMOSCOPE_HL7_HOST)
    if networks or at_home:
        return []
    return [
        Warning(
            "Any machine may send HL7 messages, and so change orders and patients' names.",
            hint="Name the networks of the sending systems in PNEUMOSCOPE_HL7_ALLOWED.",
            id="pneumoscope.W003",
        )
    ]


@register(Tags.security)
def strangers_may_not_send(**_: Any) -> Sequence[CheckMessage]:
    if not settings.PNEUMOSCOPE_LISTEN_PROMISCUOUS:
        return []
    return [
        Warning(
            "The DICOM listener takes images from peers that nobody has entered.",
            hint="Enter the senders as peers, then set PNEUMOSCOPE_LISTEN_PROMISCUOUS=false.",
            id="pneumoscope.W004",
        )
    ]


def is_loopback(host: str) -> bool:
    if host in {"localhost", "testserver"} or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
