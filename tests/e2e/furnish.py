"""Run in an installation's home: a page of every kind, for three people the others do not know.

Their sites are their own, so that nobody else's pages change. Says as JSON what was made: each
person's cookie, and the address of each page that has a key in it.
"""

import json
import sys
import time
import uuid
from datetime import timedelta
from typing import Any

import django

from pneumoscope.web.config import settings_use

settings_use()
django.setup()

from allauth.mfa.models import Authenticator  # noqa: E402
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: E402
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from fido2.cose import ES256  # noqa: E402
from fido2.utils import websafe_encode  # noqa: E402
from fido2.webauthn import (  # noqa: E402
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from pneumoscope.core.types import Reason  # noqa: E402
from pneumoscope.web.accounts.models import Site, User  # noqa: E402
from pneumoscope.web.accounts.roles import Role, Scope  # noqa: E402
from pneumoscope.web.gateway.models import Delivery  # noqa: E402
from pneumoscope.web.gateway.models.arrivals import Outcome, Way  # noqa: E402
from pneumoscope.web.gateway.models.deliveries import Stage as Step  # noqa: E402
from pneumoscope.web.people.services import (  # noqa: E402
    invitation_create,
    person_create,
    token_create,
)
from pneumoscope.web.registry.models import ModelVersion, Stage  # noqa: E402
from pneumoscope.web.reviews.models import Kind  # noqa: E402
from pneumoscope.web.reviews.reporting import report_save, sections_written  # noqa: E402
from pneumoscope.web.reviews.services import Opinion, review_create  # noqa: E402
from pneumoscope.web.studies.models import Image, Source, Study  # noqa: E402
from pneumoscope.web.studies.states import State  # noqa: E402
from web import incoming, outgoing, pages  # noqa: E402

DAY = 24 * 60 * 60
LONG = "A name that its hospital wrote out in full, with ward, room and the reason for it.dcm"
UNUSUAL = Reason("age_outside", "The patient is older than those the model was tested on.")


def person_make(name: str, site: Site, role: Role) -> User:
    return person_create(
        acting_user=None, username=name, site=site, role=role, password=uuid.uuid4().hex
    )


def cookie_of(person: User, **state: object) -> str:
    """A session as after signing in; no page asks for the password again today."""
    client = Client()
    client.force_login(person)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() + DAY}]
    session.update(state)
    session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def key_make(person: User) -> Authenticator:
    """A passkey that nobody holds."""
    point = ES256({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)})
    held = AttestedCredentialData.create(bytes(16), b"furnished", point)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    attested = AuthenticatorData.create(bytes(32), flags, 0, held)
    client = CollectedClientData.create("webauthn.create", b"", "http://localhost")
    name = websafe_encode(held.credential_id)
    credential = {
        "id": name,
        "rawId": name,
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(AttestationObject.create("none", attested, {})),
        },
        "clientExtensionResults": {},
    }
    return Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "The key of the ward", "credential": credential},
    )


def half_in(name: str, password: str) -> str:
    """The cookie of somebody whose second factor is still asked for."""
    client = Client(headers={"host": "localhost"})
    client.post("/login/", {"login": name, "password": password})
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def image_of(site: Site, name: str, **fields: Any) -> Image:
    """A received image in a study of its own."""
    return pages.image_make(pages.study_make(site=site.code, **fields), name)


def claimed(image: Image) -> None:
    """As a worker that takes its time."""
    later = timezone.now() + timedelta(days=1)
    Image.objects.filter(pk=image.pk).update(
        state=State.ANALYSING, claim_token=uuid.uuid4(), leased_until=later
    )


def studies(site: Site, keeper: User, second: User) -> dict[str, str]:
    found = image_of(site, "found.dcm", patient_id="N-1", patient_name="Doe^Jane")
    analysis = pages.image_analysed(found, 0.93, reasons=(UNUSUAL,))
    agree = Opinion(agreement="agree", label="bacterial", comment="Lower right, " * 12)
    differ = Opinion(agreement="disagree", label="normal", comment="Motion")
    review_create(acting_user=second, analysis=analysis, kind=Kind.READING, opinion=differ)
    review_create(acting_user=keeper, analysis=analysis, kind=Kind.READING, opinion=agree)
    clear = image_of(site, LONG)
    sections = sections_written(pages.image_analysed(clear, 0.04))
    clear.study.refresh_from_db()
    report_save(acting_user=keeper, study=clear.study, sections=sections, revision=0, sign=True)
    Study.objects.filter(pk=found.study_id).update(source=Source.SAMPLE)  # for the first case
    refused = image_of(site, "lateral.png")
    pages.image_rejected(refused)
    failed = image_of(site, "broken.dcm")
    pages.image_failed(failed, "unreadable", "The file ends too early.", "Send it once more.")
    waiting = image_of(site, "waiting.png")
    claimed(waiting)
    named = {"found": found, "clear": clear, "refused": refused, "failed": failed}
    named["waiting"] = waiting
    return {name: f"/studies/{image.study_id}/" for name, image in named.items()}


def gateway(site: Site) -> dict[str, str]:
    image = image_of(site, "sent.dcm")
    analysis = pages.image_analysed(image, 0.5)
    incoming.arrival_make(
        1, site=site, outcome=Outcome.ANALYSE, image=image, reason="Rule “Frontal”"
    )
    incoming.arrival_make(2, site=site, way=Way.STORE)
    archive = incoming.peer_make("FURNISHED", site=site, may_send=True)
    rule = incoming.rule_make("Furnished", site=site)
    pull = incoming.pull_make("furnished", site=site, peer=archive, enabled=False)
    address = "http://127.0.0.1:9/"
    goal = outgoing.destination_make(site, url=address, name="The archive of the region")
    for stage in (Step.DEAD, Step.DELIVERED):
        Delivery.objects.create(
            destination=goal,
            analysis=analysis,
            site=site,
            kind="event" if stage == Step.DEAD else "reviewed",
            stage=stage,
            error_code="delivery_rejected" if stage == Step.DEAD else "",
            delivered=timezone.now() if stage == Step.DELIVERED else None,
        )
    rows = {"peer": archive, "rule": rule, "pull": pull}
    paths = {name: f"/incoming/{name}s/{row.pk}/" for name, row in rows.items()}
    return paths | {"destination": f"/outgoing/{goal.pk}/"}


@transaction.atomic
def furnish() -> dict[str, dict[str, str]]:
    # Results of the model that is there, instead of a second one.
    pages.BUNDLE_HASH = ModelVersion.objects.get(stage=Stage.LIVE).bundle_hash
    site = Site.objects.create(code="furnished", name="Furnished hospital")
    keeper = person_make("keeper", site, Role.ADMINISTRATOR)
    second = person_make("second", site, Role.SENIOR_READER)
    guest = person_make("guest", site, Role.READER)
    TOTP.activate(keeper, generate_totp_secret())
    RecoveryCodes.activate(keeper)
    token_create(acting_user=keeper, person=keeper, site=site, name="script", scope=Scope.READ)
    paths = studies(site, keeper, second) | gateway(site)
    paths["person"] = f"/people/{second.pk}/"
    paths["welcome"] = invitation_create(acting_user=keeper, person=guest)
    paths["model"] = f"/models/{pages.BUNDLE_HASH}/"

    bare = person_make("bare", Site.objects.create(code="bare", name="Bare"), Role.ADMINISTRATOR)
    veiled = Site.objects.create(code="veiled", name="Veiled", reads_blind=True)
    blinded = person_make("blinded", veiled, Role.READER)
    image = image_of(veiled, "unseen.dcm")
    pages.image_analysed(image, 0.8)
    paths["unseen"] = f"/studies/{image.study_id}/"
    paths["key"] = f"/account/factors/webauthn/keys/{key_make(keeper).pk}/"
    keeper.set_password(secret := uuid.uuid4().hex)
    keeper.save()
    people = {"keeper": keeper, "bare": bare, "blinded": blinded}
    cookies = {name: cookie_of(who) for name, who in people.items()}
    cookies |= {"locked": cookie_of(keeper, locked=True), "half": half_in("keeper", secret)}
    return {"cookies": cookies, "paths": paths}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(furnish()))
