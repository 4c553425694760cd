"""`python -m pneumoscope.web person_create USER --site CODE --role ROLE`."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.people.services import person_create


class Command(BaseCommand):
    help = "Make a person with a random password, which is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--site", required=True, help="the site's code")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMINISTRATOR)

    def handle(self, *args: Any, username: str, site: str, role: str, **options: Any) -> None:  # noqa: ARG002
        place = Site.objects.filter(code=site).first()
        if place is None:
            codes = ", ".join(Site.objects.values_list("code", flat=True))
            raise CommandError(f"site_not_found: there is no site “{site}”; there are: {codes}.")
        password = secrets.token_urlsafe(12)
        try:
            person_create(
                acting_user=None,
                username=username,
                site=place,
                role=Role(role),
                password=password,
            )
        except ValidationError as error:
            raise CommandError(f"bad_person: {' '.join(error.messages)}") from error
        self.stdout.write(password)
