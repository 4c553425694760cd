from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from pneumoscope.web.accounts.models import ApiToken, Membership
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.audit.models import Event
from pneumoscope.web.people.services import token_create
from web.pages import study_make

pytestmark = pytest.mark.django_db


def client(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def answer(token: str) -> int:
    return client(token).get("/api/v1/studies").status_code


@pytest.fixture
def token_of():
    def make(person, *, site=None, scope=Scope.WRITE, life=None) -> str:
        return token_create(
            acting_user=person,
            person=person,
            site=site or person.site,
            name="test",
            scope=scope,
            life=life,
        )

    return make


def test_a_token_made_on_the_command_line_opens_the_api(reader, capsys):
    call_command("token_create", reader.username, days=1)
    token = capsys.readouterr().out.strip()
    assert answer(token) == 200
    assert not ApiToken.objects.filter(digest__contains=token).exists()


def test_an_expired_token_is_refused(reader, token_of):
    refused = client(token_of(reader, life=timedelta(seconds=-1))).get("/api/v1/studies")
    assert refused.status_code == 401
    assert refused["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + "x", lambda t: t[:30], lambda t: "ü", str.upper]
)
def test_a_forged_token_is_refused(reader, token_of, change):
    token = token_of(reader)
    assert answer(token) == 200
    assert answer(change(token)) == 401


def test_the_token_of_a_person_who_left_is_refused(reader, token_of):
    token = token_of(reader)
    reader.is_active = False
    reader.save()
    assert answer(token) == 401


def test_no_token_for_nobody():
    with pytest.raises(CommandError, match="user_not_found"):
        call_command("token_create", "nobody")


def test_no_token_without_an_end(reader):
    with pytest.raises(CommandError, match="bad_days"):
        call_command("token_create", reader.username, days=0)


def test_no_token_for_another_site(reader, other_site):
    with pytest.raises(CommandError, match="site_not_found"):
        call_command("token_create", reader.username, site=other_site.code)


def test_a_token_sees_its_site_alone(reader, other_site, token_of):
    Membership.objects.create(user=reader, site=other_site, role=Role.READER)
    here, there = study_make(), study_make(site=other_site.code)
    api = client(token_of(reader, site=other_site))
    assert api.get(f"/api/v1/studies/{there.pk}").status_code == 200
    assert api.get(f"/api/v1/studies/{here.pk}").status_code == 404
    assert len(api.get("/api/v1/studies").json()["results"]) == 1


def test_a_token_may_no_more_than_its_scope(reader, token_of):
    api = client(token_of(reader, scope=Scope.READ))
    assert api.get("/api/v1/studies").status_code == 200
    assert api.post("/api/v1/studies").status_code == 403
    writing = client(token_of(reader, scope=Scope.WRITE))
    assert writing.post("/api/v1/studies").status_code == 400  # allowed, but without a file


def test_a_token_ends_with_the_work_at_its_site(reader, token_of):
    token = token_of(reader)
    Membership.objects.filter(user=reader).delete()
    assert answer(token) == 401


def test_tokens_are_audited_without_their_secret(reader, token_of):
    token = token_of(reader)
    event = Event.objects.get(action="token.create")
    assert (event.actor, event.object_id) == (reader, str(reader.pk))
    assert token not in str(event.detail)
