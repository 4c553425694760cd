"""`python -m pneumoscope.web serve`: everything in one go, on one machine."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections

from pneumoscope.web.config.checks import is_loopback
from pneumoscope.web.config.supervisor import (
    deliverer,
    dicom_listener,
    hl7_listener,
    listen,
    supervise,
    web_server,
    worker,
)


class Command(BaseCommand):
    help = "Bootstrap, then run the web server and the worker until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:  # noqa: ARG002
        # The system check knows what browsers may call this machine, which a stranger may claim.
        if settings.DEBUG and not is_loopback(host):
            raise CommandError(
                f"debug_is_public: PNEUMOSCOPE_DEBUG is on, and on {host} other machines would see "
                "its error pages.\n  Set PNEUMOSCOPE_DEBUG=false, or leave --host out."
            )
        with listen(host, port) as listener:
            call_command("bootstrap", stdout=self.stdout, skip_checks=True)
            connections.close_all()
            children = [web_server(listener)]
            if settings.PNEUMOSCOPE_EMBEDDED_WORKER:
                children += [worker(), deliverer()]
            if settings.PNEUMOSCOPE_LISTEN_PORT:
                children.append(dicom_listener())
            if settings.PNEUMOSCOPE_HL7_PORT:
                children.append(hl7_listener())
            # The port the system chose, where 0 was asked for.
            port = listener.getsockname()[1]
            supervise(children, f"http://{_written(host)}:{port}/", self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _written(host: str) -> str:
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - how to reach it from here
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
