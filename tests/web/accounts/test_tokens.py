from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from knox.models import AuthToken
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def answer(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client.get("/api/v1/studies").status_code


def test_a_token_made_on_the_command_line_opens_the_api(reader, capsys):
    call_command("token_create", reader.username, days=1)
    token = capsys.readouterr().out.strip()
    assert answer(token) == 200
    assert not AuthToken.objects.filter(digest__contains=token).exists()


def test_an_expired_token_is_refused(reader):
    _, token = AuthToken.objects.create(user=reader, expiry=timedelta(seconds=-1))
    assert answer(token) == 401


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + "x", lambda t: t[:30], lambda t: "ü", str.upper]
)
def test_a_forged_token_is_refused(reader, change):
    _, token = AuthToken.objects.create(user=reader)
    assert answer(token) == 200
    assert answer(change(token)) == 401


def test_the_token_of_a_person_who_left_is_refused(reader):
    _, token = AuthToken.objects.create(user=reader)
    reader.is_active = False
    reader.save()
    assert answer(token) == 401


def test_no_token_for_nobody():
    with pytest.raises(CommandError, match="user_not_found"):
        call_command("token_create", "nobody")


def test_no_token_without_an_end(reader):
    with pytest.raises(CommandError, match="bad_days"):
        call_command("token_create", reader.username, days=0)
