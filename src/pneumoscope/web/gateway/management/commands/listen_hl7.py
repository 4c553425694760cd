"""`python -m pneumoscope.web listen_hl7`: the HL7 listener, a process of its own."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from pneumoscope.web.gateway.hl7_in import hl7_listener
from pneumoscope.web.gateway.tls import TlsFilesUnusable


class Command(BaseCommand):
    help = "Receive orders and patient updates by HL7 v2 over MLLP until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.PNEUMOSCOPE_HL7_HOST)
        parser.add_argument("--port", type=int, default=settings.PNEUMOSCOPE_HL7_PORT or 2575)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:  # noqa: ARG002
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ended.set())
        try:
            with hl7_listener(host, port) as actual:
                self.stdout.write(f"Listening for HL7 on {host}:{actual}.")
                self.stdout.flush()
                ended.wait()
        except TlsFilesUnusable as error:
            raise CommandError(f"{error.code}: {error}.\n  {error.remedy}") from error
        except (OSError, ValueError) as error:
            raise CommandError(
                f"cannot_listen: {host}:{port} ({error}).\n"
                "  End the program that uses it, choose another port with --port, or correct "
                "PNEUMOSCOPE_HL7_ALLOWED."
            ) from error
