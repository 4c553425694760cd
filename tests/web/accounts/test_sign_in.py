"""Signing in: lockout, second factors, addresses."""

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from axes.models import AccessAttempt
from django.test import Client, RequestFactory
from django.urls import reverse

from pneumoscope.web.accounts.address import client_address
from pneumoscope.web.audit.models import Event

pytestmark = pytest.mark.django_db


def sign_in(client: Client, name: str, password: str, **extra: str):
    return client.post("/login/", {"login": name, "password": password}, **extra)


def test_five_wrong_passwords_close_the_name_at_that_address(reader, user_of, client_of):
    for _ in range(5):
        answer = sign_in(Client(), reader.username, "guess")
    assert answer.status_code == 429
    assert "ask your administrator" in answer.content.decode()
    assert sign_in(Client(), reader.username, "secret").status_code == 429
    elsewhere = sign_in(Client(), reader.username, "secret", REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 302
    other = user_of("auditor")
    assert sign_in(Client(), other.username, "secret").status_code == 302
    assert Event.objects.filter(action="user.locked_out").exists()
    administrator = client_of(user_of("administrator"))
    administrator.post(reverse("people:step", args=[reader.pk, "unlock"]))
    assert sign_in(Client(), reader.username, "secret").status_code == 302


def test_a_success_forgets_the_failures(reader):
    for _ in range(2):
        for _ in range(4):
            sign_in(Client(), reader.username, "guess")
        assert sign_in(Client(), reader.username, "secret").status_code == 302


def test_a_name_that_was_typed_is_kept_nowhere(reader):
    sign_in(Client(), "my-password", "x")
    attempt = AccessAttempt.objects.get()
    assert "my-password" not in str([getattr(attempt, f.name) for f in attempt._meta.fields])


def test_nobody_signs_up():
    assert Client().get("/signup/").status_code == 404
    assert "account_signup" not in Client().get("/login/").content.decode()


def test_a_second_factor_is_asked_for(reader):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(reader, secret)
    client = Client()
    assert sign_in(client, reader.username, "secret").url == reverse("mfa_authenticate")
    assert client.get("/").status_code == 302
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert wrong.status_code == 200
    assert client.get("/").status_code == 302
    code = totp.format_hotp_value(
        totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time()))
    )
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert client.get("/").status_code == 200


def test_a_recovery_code_works_once(reader):
    totp.TOTP.activate(reader, totp.generate_totp_secret())
    code = RecoveryCodes.activate(reader).get_unused_codes()[0]
    for expected in (200, 302):
        client = Client()
        sign_in(client, reader.username, "secret")
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert client.get("/").status_code == expected


def test_factors_are_changed_only_after_the_password(reader, client_of):
    client = client_of(reader)
    answer = client.get(reverse("mfa_activate_totp"))
    assert answer.url.startswith(reverse("account_reauthenticate"))
    client.post(answer.url, {"password": "secret"})
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    assert b"Pneumoscope" in page.content
    assert b"data:image/svg" in page.content


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "192.0.2.1", "127.0.0.1"),
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (2, "6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
        (2, "192.0.2.1", "192.0.2.1"),
        (1, "", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_only_our_proxies_are_believed(settings, proxies, forwarded, expected):
    settings.PNEUMOSCOPE_PROXIES = proxies
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


@pytest.mark.parametrize(
    ("direct", "expected"),
    [("fe80::1%eth0", "fe80::1"), ("2001:db8::1", "2001:db8::1"), ("", None)],
)
def test_an_address_is_one_that_every_database_keeps(direct, expected):
    """Linux names the interface behind a link-local one, which PostgreSQL takes for no address."""
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=direct)) == expected
