"""`python -m pneumoscope.web model_promote HASH --reason WHY`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.registry.services import version_promote

SHORTEST_PREFIX = 8


class Command(BaseCommand):
    help = "Make a registered model live; the one before it is retired. Rollback is the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("hash", help="the bundle's hash, or at least its first 8 digits")
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, reason: str, **options: Any) -> None:  # noqa: ARG002
        prefix = options["hash"].lower()
        found = list(ModelVersion.objects.filter(bundle_hash__startswith=prefix))
        if len(prefix) < SHORTEST_PREFIX or len(found) != 1:
            raise CommandError(f"model_not_found: {len(found)} registered models begin {prefix}.")
        version_promote(version=found[0], actor=None, reason=reason)
        self.stdout.write(f"Live: {found[0]}. Restart the workers so that they load it early.")
