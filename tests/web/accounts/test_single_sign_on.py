"""Single sign-on against a provider of our own on loopback: the invited come in, others do not."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from pneumoscope.web.accounts.models import User
from pneumoscope.web.config.sign_in import oidc_provider

pytestmark = pytest.mark.django_db


class Provider(ThreadingHTTPServer):
    """Knows one person, `claims`, and gives them to whoever brings the code."""

    claims: dict[str, object]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        at = self.server.address
        answers = {
            "/.well-known/openid-configuration": {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "userinfo_endpoint": f"{at}/userinfo",
            },
            "/userinfo": self.server.claims,
        }
        self._answer(answers[self.path])

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        right = asked["code"] == ["right"] and "code_verifier" in asked
        self._answer({"access_token": "x", "token_type": "bearer"} if right else {"error": "no"})

    def _answer(self, body: dict[str, object]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider(settings) -> Iterator[Provider]:
    with Provider(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.SOCIALACCOUNT_PROVIDERS = oidc_provider(
            name="the hospital", issuer=server.address, client_id="us", secret="ours"
        )
        server.claims = {"sub": "42", "email": "Ann@example.org", "email_verified": True}
        yield server
        server.shutdown()


def sign_on(client: Client, code: str = "right"):
    """There and back, as the browser is led."""
    there = urlsplit(client.post("/oidc/sso/login/").url)
    assert there.path == "/authorize"
    asked = parse_qs(there.query)
    assert asked["redirect_uri"] == ["http://testserver/oidc/sso/login/callback/"]
    answer = {"code": code, "state": asked["state"][0]}
    return client.get("/oidc/sso/login/callback/", answer)


def signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.fixture
def ann(reader) -> User:
    reader.email = "ann@example.org"
    reader.save()
    return reader


def test_an_invited_person_comes_in_without_a_password(provider, ann):
    client = Client()
    assert b"Sign in with" in client.get("/login/").content
    sign_on(client)
    assert client.get("/").wsgi_request.user == ann
    # And again by the provider's own key, whatever becomes of the address.
    provider.claims["email"] = "other@example.org"
    again = Client()
    sign_on(again)
    assert again.get("/").wsgi_request.user == ann


@pytest.mark.parametrize("change", [{"email": "bob@example.org"}, {"email_verified": False}])
def test_a_stranger_does_not_and_leaves_no_account(provider, ann, change):
    provider.claims.update(change)
    client = Client()
    answer = sign_on(client)
    assert answer.status_code == 403
    assert b"not invited yet" in answer.content
    assert not signed_in(client)
    assert User.objects.count() == 1


def test_who_is_kept_out_stays_out(provider, ann):
    client = Client()
    sign_on(client)
    ann.is_active = False
    ann.save()
    assert not signed_in(client)
    again = Client()
    sign_on(again)
    assert not signed_in(again)


def test_a_wrong_code_and_a_forged_state(provider, ann):
    client = Client()
    assert b"did not work" in sign_on(client, code="wrong").content
    forged = client.get("/oidc/sso/login/callback/", {"code": "right", "state": "forged"})
    assert b"did not work" in forged.content
    assert not signed_in(client)


def test_there_is_none_unless_it_is_set():
    assert b"oidc" not in Client().get("/login/").content
    assert Client().post("/oidc/sso/login/").status_code == 404
