"""`python -m pneumoscope.web destination_add NAME --site CODE --protocol PROTOCOL --host …`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models import Destination
from pneumoscope.web.gateway.models.destinations import SENDABLE, Event, Protocol, Results
from pneumoscope.web.gateway.outgoing import destination_save

_WORDS = (
    *("host", "ae_title", "url", "token_url", "client_id", "scope"),
    *("receiving_application", "receiving_facility", "patient_id_system"),
)


class Command(BaseCommand):
    help = "Add a place where results go; a secret is read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--site", required=True, help="the site's code")
        parser.add_argument("--protocol", choices=Protocol.values, required=True)
        parser.add_argument("--results", choices=Results.values, default=Results.ALL)
        parser.add_argument("--objects", nargs="*", choices=SENDABLE, default=[])
        parser.add_argument("--events", nargs="*", choices=Event.values, default=[])
        parser.add_argument("--port", type=int)
        parser.add_argument("--tls", action="store_true")
        parser.add_argument("--secret", action="store_true", help="read token or secret from stdin")
        for word in _WORDS:
            parser.add_argument(f"--{word.replace('_', '-')}", default="")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        site = Site.objects.filter(code=options["site"]).first()
        if site is None:
            codes = ", ".join(Site.objects.values_list("code", flat=True))
            raise CommandError(
                f"site_not_found: there is no site “{options['site']}”; there are: {codes}."
            )
        chosen = {name: options[name] for name in (*_WORDS, "port", "tls")}
        destination = Destination(
            site=site,
            name=options["name"],
            protocol=options["protocol"],
            results=options["results"],
            objects_sent=options["objects"],
            events=options["events"],
            secret=sys.stdin.readline().strip() if options["secret"] else "",
            **chosen,
        )
        try:
            destination_save(acting_user=None, destination=destination)
        except ValidationError as error:
            raise CommandError(f"bad_destination: {error.message_dict}") from error
        self.stdout.write(f"Results of {site} go to {destination.address}.")
