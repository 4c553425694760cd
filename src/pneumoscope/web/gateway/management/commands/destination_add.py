"""`python -m pneumoscope.web destination_add NAME --site CODE --protocol PROTOCOL --host …`."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from pneumoscope.interop.signed_assertion import jwk_set
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models import Destination
from pneumoscope.web.gateway.models.destinations import (
    SENDABLE,
    Event,
    Proof,
    Protocol,
    Results,
)
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
        parser.add_argument("--client-proof", choices=Proof.values, default=Proof.SECRET)
        parser.add_argument("--audit", action="store_true", help="audit records go there too")
        for word in _WORDS:
            parser.add_argument(f"--{word.replace('_', '-')}", default="")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        site = Site.objects.filter(code=options["site"]).first()
        if site is None:
            codes = ", ".join(Site.objects.values_list("code", flat=True))
            raise CommandError(
                f"site_not_found: there is no site “{options['site']}”; there are: {codes}."
            )
        chosen = {name: options[name] for name in (*_WORDS, "port", "tls", "client_proof")}
        destination = Destination(
            site=site,
            name=options["name"],
            protocol=options["protocol"],
            results=options["results"],
            objects_sent=options["objects"],
            events=options["events"],
            audit_since=timezone.now() if options["audit"] else None,
            secret=sys.stdin.readline().strip() if options["secret"] else "",
            **chosen,
        )
        try:
            destination_save(acting_user=None, destination=destination)
        except ValidationError as error:
            raise CommandError(f"bad_destination: {error.message_dict}") from error
        self.stdout.write(f"Results of {site} go to {destination.address}.")
        if destination.signs:
            self.stdout.write("Register this JWK Set for the client ID at the authority:")
            self.stdout.write(json.dumps(jwk_set(destination.secret), indent=2))
