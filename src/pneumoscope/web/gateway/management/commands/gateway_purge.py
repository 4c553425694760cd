"""`python -m pneumoscope.web gateway_purge [--days N]`, for a daily job."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from pneumoscope.web.gateway.purging import old_notes_delete


class Command(BaseCommand):
    help = "Delete old notes of HL7 messages taken and of instances that arrived."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=settings.PNEUMOSCOPE_KEEP_DAYS)

    def handle(self, *args: Any, days: int, **options: Any) -> None:  # noqa: ARG002
        if days < 1:
            raise CommandError("bad_days: notes are kept for a day at least; use --days 1 or more.")
        messages, arrivals = old_notes_delete(days)
        self.stdout.write(f"Deleted: {messages} of messages, {arrivals} of arrivals.")
