"""`python -m pneumoscope.web token_create USER [--site CODE] [--scope SCOPE] [--days N]`."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError

from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import Scope
from pneumoscope.web.people.services import token_create


class Command(BaseCommand):
    help = "Make a token for the API. It is shown once; only its hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--site", help="code of one of the person's sites; default: the first")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.WRITE)
        parser.add_argument("--name", default="made on the command line")
        parser.add_argument("--days", type=int, help="until it expires")

    def handle(
        self,
        *args: Any,  # noqa: ARG002
        username: str,
        site: str | None,
        scope: str,
        name: str,
        days: int | None,
        **options: Any,  # noqa: ARG002
    ) -> None:
        person = User.objects.filter(username=username, is_active=True).first()
        if person is None:
            raise CommandError(f"user_not_found: there is no active user “{username}”.")
        if days is not None and days < 1:
            raise CommandError("bad_days: a token must live for at least one day.")
        sites = [seat.site for seat in person.seats.values() if site in {None, seat.site.code}]
        if not sites:
            raise CommandError(f"site_not_found: “{username}” does not work at such a site.")
        secret = token_create(
            acting_user=None,
            person=person,
            site=sites[0],
            name=name,
            scope=Scope(scope),
            life=timedelta(days=days) if days else None,
        )
        self.stdout.write(secret)
