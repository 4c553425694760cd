"""A session left alone: refused until its password, and the work under it kept."""

import time

import pytest
from django.test import Client

from pneumoscope.web.accounts.lock import HEADER, IDLE, WRITE_EVERY
from pneumoscope.web.audit.models import Event
from web.pages import study_make

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(reader, client_of) -> Client:
    client = client_of(reader)
    client.get("/")
    return client


def age(client: Client, seconds: float, key: str = "seen") -> None:
    session = client.session
    session[key] = time.time() - seconds
    session.save()


def test_a_session_that_nobody_touched_is_locked(client, settings):
    age(client, settings.PNEUMOSCOPE_LOCK_SECONDS - 5)
    assert client.get("/").status_code == 200
    age(client, settings.PNEUMOSCOPE_LOCK_SECONDS + WRITE_EVERY + 5)
    page = client.get("/")
    assert page.status_code == 401
    assert b"Locked" in page.content


def test_what_the_lock_refuses_and_how(client, reader):
    study = study_make(patient_id="4711")
    client.post("/session/lock/")
    page = client.get(f"/studies/{study.pk}/")
    assert page.status_code == 401
    assert b'name="next" value="/studies/' in page.content
    fragment = client.get("/rows/", headers=HTMX)
    assert (fragment.status_code, fragment[HEADER], fragment.content) == (401, "locked", b"")
    api = client.get("/api/v1/studies")
    assert (api.status_code, api.json()["code"]) == (401, "session_locked")
    assert client.post("/upload/").status_code == 401
    assert client.get("/account/").status_code == 401
    assert client.get("/session/").json()["state"] == "locked"


def test_the_password_opens_it_and_leads_back(client, reader):
    client.post("/session/lock/", headers=HTMX)
    wrong = client.post("/session/unlock/", {"password": "guess"}, headers=HTMX)
    assert (wrong.status_code, wrong[HEADER]) == (401, "locked")
    assert b"not your password" in wrong.content
    assert client.get("/").status_code == 401
    right = client.post("/session/unlock/", {"password": "secret", "next": "/models/"})
    assert right.url == "/models/"
    assert client.get("/").status_code == 200
    actions = Event.objects.filter(action__startswith="session.").values_list("action", flat=True)
    assert sorted(actions) == ["session.lock", "session.unlock"]


ELSEWHERE = ["//evil.example/", "/\\evil.example/", "https://evil.example/", "javascript:1"]
ELSEWHERE += ["-1", "studies:worklist", "\x00", ""]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_it_leads_nowhere_else(client, address):
    client.post("/session/lock/")
    answer = client.post("/session/unlock/", {"password": "secret", "next": address})
    assert answer.url == "/"


def test_polling_keeps_no_session_open(client, settings):
    """A page that asks by itself says for how long nobody has touched it."""
    limit = settings.PNEUMOSCOPE_LOCK_SECONDS
    age(client, limit)
    client.get("/rows/", headers={**HTMX, IDLE: str(int(limit))})
    assert client.session["seen"] < time.time() - limit + 5
    client.get("/rows/", headers={**HTMX, IDLE: "0"})
    assert client.session["seen"] > time.time() - 5


@pytest.mark.parametrize("word", ["-5", "1e9", "soon", "9" * 400])
def test_a_nonsense_idle_time_breaks_nothing(client, word):
    assert client.get("/rows/", headers={**HTMX, IDLE: word}).status_code == 200


def test_a_session_ends_however_busy(client):
    age(client, 1, "until")
    assert client.get("/").url.startswith("/login/")


def test_a_fragment_of_an_ended_session_says_so(client):
    client.cookies.clear()
    answer = client.get("/rows/", headers=HTMX)
    assert (answer.status_code, answer[HEADER]) == (401, "ended")
    assert client.get("/session/").json()["state"] == "ended"


def test_guessing_at_the_lock_is_locked_out(client, reader):
    client.post("/session/lock/")
    for _ in range(5):
        answer = client.post("/session/unlock/", {"password": "guess"}, headers=HTMX)
    assert answer.status_code == 429
    assert b"Too many wrong passwords" in answer.content
    assert client.post("/session/unlock/", {"password": "secret"}).status_code == 429
    assert client.get("/").status_code == 401


def test_signing_in_again_opens_it(client, reader):
    client.post("/session/lock/")
    client.post("/logout/")
    client.post("/login/", {"login": reader.username, "password": "secret"})
    assert client.get("/").status_code == 200


def test_a_token_needs_no_unlocking(client, reader, api_of):
    client.post("/session/lock/")
    assert api_of(reader).get("/api/v1/studies").status_code == 200
