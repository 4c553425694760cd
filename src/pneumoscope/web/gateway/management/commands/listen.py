"""`python -m pneumoscope.web listen`: the DICOM listener, a process of its own."""

import gc
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from pneumoscope.web.gateway.listen import listener
from pneumoscope.web.gateway.tls import TlsFilesUnusable


class Command(BaseCommand):
    help = "Receive DICOM by C-STORE until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.PNEUMOSCOPE_LISTEN_HOST)
        parser.add_argument("--port", type=int, default=settings.PNEUMOSCOPE_LISTEN_PORT or 11112)
        parser.add_argument("--ae", default=settings.PNEUMOSCOPE_LISTEN_AE)

    def handle(self, *args: Any, host: str, port: int, ae: str, **options: Any) -> None:  # noqa: ARG002
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ended.set())
        # pynetdicom collects every six seconds while all wait: what was imported is left out of it.
        gc.freeze()
        try:
            with listener(host, port, ae) as actual:
                self.stdout.write(f"Listening for DICOM on {host}:{actual} as {ae}.")
                self.stdout.flush()
                ended.wait()
        except TlsFilesUnusable as error:
            raise CommandError(f"{error.code}: {error}.\n  {error.remedy}") from error
        except OSError as error:
            raise CommandError(
                f"cannot_listen: {host}:{port} ({error.strerror}).\n"
                "  End the program that uses it, or choose another port with --port."
            ) from error
