"""`python -m pneumoscope.web reviews_export FOLDER --as USERNAME`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from pneumoscope.web.accounts.models import User
from pneumoscope.web.reviews.export import readings_export


class Command(BaseCommand):
    help = (
        "Write the radiographs that readers agree on, de-identified, with their labels and regions "
        "as a folder to train and evaluate on: manifest.csv, boxes.csv, images/."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="must not exist, or be empty")
        parser.add_argument(
            "--as",
            dest="username",
            required=True,
            metavar="USERNAME",
            help="whose sites are exported: those at which this person may export",
        )

    def handle(self, *args: Any, folder: Path, username: str, **options: Any) -> None:  # noqa: ARG002
        person = User.objects.filter(username=username).first()
        if person is None or not person.has_right("study.export"):
            raise CommandError(
                f"not_permitted: {username} may not export. Name an active person who reads at a "
                "site, or ask its administrator for a role that may."
            )
        try:
            if folder.exists() and any(folder.iterdir()):
                raise CommandError(f"not_empty: {folder} holds something. Name a new folder.")
            done = readings_export(folder=folder, acting_user=person)
        except OSError as error:
            raise CommandError(f"not_written: {folder}: {error.strerror}.") from error
        for image, reason in done.refused:
            self.stderr.write(f"{image}: {reason.code}: {reason} {reason.remedy}")
        self.stdout.write(
            f"{done.images} radiographs, {done.boxes} regions; {len(done.refused)} refused. "
            "Look at the pictures before sharing. Research use only – not a medical device."
        )
        if done.refused:
            raise CommandError(f"{len(done.refused)} radiographs were left out; see above.")
