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
            bootstrap(self.stdout.write)
        except PneumoscopeError as error:
            raise CommandError(f"{error.code}: {error}\n  {error.remedy}") from error
