"""TLS 1.2 or newer (BCP 195, as PS3.15 B.9 wants it), from the files that the settings name."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from pneumoscope.core.errors import PneumoscopeError


class TlsFilesUnusable(PneumoscopeError):
    """A certificate or key that is not there, cannot be read, or does not fit."""

    code = "tls_files"
    remedy = "Correct the path or the file; `python -m pneumoscope.web check` looks at all of them."
    transient = True


def server_context() -> ssl.SSLContext | None:
    """For what connects to us, which must show a certificate where authorities are set.

    None: without TLS. Raises TlsFilesUnusable.
    """
    if not settings.PNEUMOSCOPE_LISTEN_TLS_CERTIFICATE:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _own_certificate(context)
    if settings.PNEUMOSCOPE_LISTEN_TLS_AUTHORITIES:
        with _usable("LISTEN_TLS_AUTHORITIES"):
            context.load_verify_locations(settings.PNEUMOSCOPE_LISTEN_TLS_AUTHORITIES)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def hl7_context() -> ssl.SSLContext | None:
    """For what sends us HL7: the listeners share their certificate and who is trusted.

    None: without TLS, as set. Raises TlsFilesUnusable, also where TLS is set without a certificate.
    """
    if not settings.PNEUMOSCOPE_HL7_TLS:
        return None
    context = server_context()
    if context is None:
        raise TlsFilesUnusable(
            "PNEUMOSCOPE_HL7_TLS is on, but PNEUMOSCOPE_LISTEN_TLS_CERTIFICATE names no file"
        )
    return context


def client_context() -> ssl.SSLContext:
    """For what we connect to; with our own certificate, where the listener has one.

    Raises TlsFilesUnusable.
    """
    with _usable("CA_FILE"):
        context = ssl.create_default_context(cafile=settings.PNEUMOSCOPE_CA_FILE or None)
    if settings.PNEUMOSCOPE_LISTEN_TLS_CERTIFICATE:
        _own_certificate(context)
    return context


def _own_certificate(context: ssl.SSLContext) -> None:
    with _usable("LISTEN_TLS_CERTIFICATE", "LISTEN_TLS_KEY"):
        # A key with a passphrase is refused, not asked for on a terminal that nobody reads.
        context.load_cert_chain(
            settings.PNEUMOSCOPE_LISTEN_TLS_CERTIFICATE,
            settings.PNEUMOSCOPE_LISTEN_TLS_KEY or None,
            password="",
        )


@contextmanager
def _usable(*names: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        files = [f"PNEUMOSCOPE_{name}={getattr(settings, f'PNEUMOSCOPE_{name}')}" for name in names]
        raise TlsFilesUnusable(f"{', '.join(files)} ({error})") from error
