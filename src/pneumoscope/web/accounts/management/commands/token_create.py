"""`python -m pneumoscope.web token_create USER [--days N]`."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from knox.models import AuthToken

from pneumoscope.web.accounts.models import User


class Command(BaseCommand):
    help = "Make a token for the API. It is shown once; only its hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--days", type=int, help="until it expires")

    def handle(self, *args: Any, username: str, days: int | None, **options: Any) -> None:  # noqa: ARG002
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"user_not_found: there is no active user “{username}”.")
        if days is not None and days < 1:
            raise CommandError("bad_days: a token must live for at least one day.")
        expiry = timedelta(days=days) if days else settings.REST_KNOX["TOKEN_TTL"]
        _, token = AuthToken.objects.create(user=user, expiry=expiry)
        self.stdout.write(token)
