"""`python -m pneumoscope.web bootstrap`."""

from typing import Any

from django.core.management import BaseCommand, CommandError

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.web.config.bootstrap import bootstrap


class Command(BaseCommand):
    help = (
        "Bring the installation up to date: tables, model, static files and, the first time, "
        "an administrator and the samples."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            bootstrap(self._say)
        except PneumoscopeError as error:
            raise CommandError(f"{error.code}: {error}\n  {error.remedy}") from error

    def _say(self, line: str) -> None:
        """At once: whoever reads along through a pipe waits for the password."""
        self.stdout.write(line)
        self.stdout.flush()
