"""Every address against who has no business there: forged forms, people and programs that ended."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from pneumoscope.web.accounts.models import ApiToken, Site
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.people.services import (
    person_activate,
    role_set,
    sessions_end,
    token_create,
    token_revoke,
)
from web.addresses import addresses

pytestmark = pytest.mark.django_db

FOR_PROGRAMS = ("api:", "dicomweb:", "fhir:")
# They say what the server speaks, and nothing else.
OPEN = {"api:schema", "fhir:metadata"}
READS = [("get", name) for name, _ in addresses() if name.startswith(FOR_PROGRAMS)]
READS = [read for read in READS if read[1] not in OPEN]
WRITES = [("post", name) for name in ("api:studies", "api:study_reviews")]
WRITES += [("post", name) for name in ("dicomweb:studies", "dicomweb:study")]


@pytest.fixture
def administrator(user_of):
    return user_of(Role.ADMINISTRATOR)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_another_web_site_changes_nothing_in_a_reader_s_name(method, reader):
    client = Client(enforce_csrf_checks=True)
    client.force_login(reader)
    answers = {name: getattr(client, method)(url).status_code for name, url in addresses()}
    # No session opens it, and there is nothing to change.
    assert answers.pop("fhir:metadata") == 405
    assert {name: status for name, status in answers.items() if status != 403} == {}
    assert b"This form has expired" in client.post("/upload/").content


ENDINGS = {
    "kept out": lambda who: person_activate(active=False, **who),
    "signed out everywhere": lambda who: sessions_end(**who),
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_a_session_that_was_ended_opens_what_anybody_sees(end, reader, administrator):
    def answers(client):
        return {name: client.get(url).status_code for name, url in addresses()}

    client = Client()
    client.post("/login/", {"login": reader.username, "password": "secret"})
    assert client.get("/").status_code == 200
    end({"acting_user": administrator, "person": reader})
    assert answers(client) == answers(Client())
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 401


def _program(word: str) -> APIClient:
    client = APIClient()
    if word:
        client.credentials(HTTP_AUTHORIZATION=word)
    return client


def _answers(client, asked):
    """What each address said: its status and whether it is the error of its protocol."""
    where = dict(addresses())
    found = {}
    for method, name in asked:
        answer = getattr(client, method)(where[name])
        fhir = name.startswith("fhir:")
        kind = answer["Content-Type"].partition(";")[0]
        says = answer.json().get("resourceType" if fhir else "code")
        found[f"{method} {name}"] = answer.status_code, kind, says
    return found


def _refused(status, code, asked):
    problem = (status, "application/problem+json", code)
    outcome = (status, "application/fhir+json", "OperationOutcome")
    return {
        f"{method} {name}": outcome if name.startswith("fhir:") else problem
        for method, name in asked
    }


@pytest.fixture
def token(reader):
    return token_create(
        acting_user=None, person=reader, site=reader.site, name="test", scope=Scope.WRITE
    )


FORGED = {
    "none": lambda token: "",
    "no scheme": lambda token: token,
    "another scheme": lambda token: f"Basic {token}",
    "nothing after the scheme": lambda token: "Token",
    "two words": lambda token: f"Token {token} {token}",
    "cut": lambda token: f"Token {token[:-1]}",
    "of another's end": lambda token: f"Token {token[:20]}{'0' * (len(token) - 20)}",
    "no text": lambda token: "Token \xff\xfe",
    "very long": lambda token: f"Token {token * 500}",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_no_token_and_a_forged_one_open_nothing(forge, token):
    asked = READS + WRITES
    expected = _refused(401, "not_authenticated", asked)
    assert _answers(_program(forge(token)), asked) == expected


TOKEN_ENDINGS = {
    "expired": lambda who: ApiToken.objects.update(expiry="2026-01-01T00:00:00Z"),
    "revoked": lambda who: token_revoke(
        acting_user=who["acting_user"], token=ApiToken.objects.get()
    ),
    "person kept out": lambda who: person_activate(active=False, **who),
    "person let in again": lambda who: [
        person_activate(active=active, **who) for active in (False, True)
    ],
    "no role any more": lambda who: role_set(site=who["person"].site, role=None, **who),
    "site closed": lambda who: Site.objects.update(active=False),
}


@pytest.mark.parametrize("scheme", ["Token", "Bearer"])
@pytest.mark.parametrize("end", TOKEN_ENDINGS.values(), ids=TOKEN_ENDINGS)
def test_a_token_that_ended_opens_nothing(end, scheme, token, reader, administrator):
    client = _program(f"{scheme} {token}")
    assert client.get("/fhir/Patient").status_code == 200
    end({"acting_user": administrator, "person": reader})
    asked = READS + WRITES
    assert _answers(client, asked) == _refused(401, "not_authenticated", asked)


def test_a_token_to_read_writes_nothing(reader):
    token = token_create(
        acting_user=None, person=reader, site=reader.site, name="test", scope=Scope.READ
    )
    assert _answers(_program(f"Token {token}"), WRITES) == _refused(403, "forbidden", WRITES)


def test_a_token_of_a_role_without_the_right_opens_nothing(user_of, api_of):
    """An auditor's token does not even open the trail: administration is in no scope."""
    asked = [read for read in READS if read[1] != "api:models"] + WRITES
    client = api_of(user_of(Role.AUDITOR))
    assert _answers(client, asked) == _refused(403, "forbidden", asked)
