"""Destinations that want a token which an authority gives out for a while."""

import io
import json
from contextlib import contextmanager

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse

from interop.authority import CLIENT, SECRET, authority, smart_authority
from interop.fhir_server import fhir_server
from interop.listening import http_server
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.signed_assertion import jwk_set
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.gateway.models import Destination
from pneumoscope.web.gateway.outgoing import destination_save
from web.outgoing import deliver_all, destination_make, dicom_result

pytestmark = pytest.mark.django_db


@contextmanager
def guarded(url, given):
    """The server at `url`, for those who bring one of the tokens given; /closed is for nobody."""

    def respond(request):
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        if bearer not in given or request.path.startswith("/closed"):
            return 401, {}, b"no"
        answer = HttpPeer(url).exchange(request.method, request.path[1:], body=request.body)
        return answer.status, {"Content-Type": "application/fhir+json"}, answer.body

    with http_server(respond) as server:
        yield server


@pytest.fixture
def guard(site):
    """A FHIR destination behind an authority: (destination, tokens given, what is kept)."""
    with (
        authority() as (office, given),
        fhir_server() as (fhir, kept),
        guarded(fhir.url, given) as server,
    ):
        named = {"token_url": office.url, "client_id": CLIENT, "scope": "system/*.write"}
        yield destination_make(site, "fhir", url=server.url, secret=SECRET, **named), given, kept


def test_results_go_with_a_token_and_with_a_new_one_when_it_was_withdrawn(site, guard):
    destination, given, kept = guard
    dicom_result(site)
    assert deliver_all(destination) == [None]
    dicom_result(site, 2)
    assert deliver_all(destination) == [None]
    assert given == ["token-1"]
    given[0] = "withdrawn"
    dicom_result(site, 3)
    assert deliver_all(destination) == [None]
    assert given == ["withdrawn", "token-2"]
    reports = [each for each in kept.values() if each["resourceType"] == "DiagnosticReport"]
    assert len(reports) == 3


def test_a_secret_that_is_not_accepted_waits_for_a_person(site, guard):
    destination, given, kept = guard
    Destination.objects.update(scope="system/*.read")
    dicom_result(site)
    [failed] = deliver_all(destination)
    assert (failed.code, given, kept) == ("credentials_refused", [], {})
    assert SECRET not in str(failed)


def test_a_server_that_accepts_no_token_is_asked_twice_and_no_more(site, guard):
    destination, given, _ = guard
    Destination.objects.update(url=destination.url + "/closed")
    dicom_result(site)
    [failed] = deliver_all(destination)
    assert (failed.code, len(given)) == ("credentials_refused", 2)


def test_the_secret_stays_with_the_authority_it_was_given_for(site, guard, user_of, client_of):
    destination, *_ = guard
    page = reverse("outgoing:destination", args=[destination.pk])
    names = (
        "url",
        "token_url",
        "client_id",
        "client_proof",
        "scope",
        "name",
        "protocol",
        "results",
    )
    form = {name: getattr(destination, name) for name in names} | {"site": site.pk, "secret": ""}
    client = client_of(user_of(Role.ADMINISTRATOR))
    assert SECRET not in client.get(page).content.decode()
    assert client.post(page, form | {"scope": "x"}).status_code == 302
    for changed in ({"token_url": "http://127.0.0.1:9/"}, {"url": "http://127.0.0.1:9/"}):
        assert "secret" in client.post(page, form | changed).context["form"].errors
    destination.refresh_from_db()
    assert (destination.secret, destination.scope) == (SECRET, "x")
    assert client.post(page, form | {"token_url": "", "client_id": ""}).status_code == 302
    destination.refresh_from_db()
    assert destination.secret == ""


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"client_id": ""}, "client_id"),
        ({"secret": ""}, "secret"),
        ({"token_url": "ftp://x"}, "token_url"),
        ({"protocol": "webhook"}, "token_url"),
        # A private key would be sent as a token.
        ({"token_url": "", "client_proof": "ES384"}, "token_url"),
        ({"client_id": "", "client_proof": "ES384"}, "client_id"),
    ],
)
def test_what_cannot_work_is_refused(site, fields, wrong):
    named = {"token_url": "https://id.example/token", "client_id": CLIENT, "secret": SECRET}
    made = Destination(
        **{"site": site, "name": "x", "protocol": "fhir", "url": "https://f.example"}
        | named
        | fields
    )
    with pytest.raises(ValidationError) as caught:
        destination_save(acting_user=None, destination=made)
    assert set(caught.value.message_dict) == {wrong}


def test_by_command(site, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    call_command(
        *("destination_add", "FHIR", "--site", site.code, "--protocol", "fhir", "--secret"),
        *("--url", "https://f.example", "--token-url", "https://id.example/token"),
        *("--client-id", CLIENT, "--scope", "system/*.write"),
        stdout=io.StringIO(),
    )
    made = Destination.objects.get()
    assert (made.token_url, made.client_id, made.secret) == (
        "https://id.example/token",
        CLIENT,
        SECRET,
    )


def test_a_key_is_made_here_and_its_public_part_shown(site, user_of, client_of):
    """As an administrator sets it up: save, register the JWK Set, send."""
    client = client_of(user_of(Role.ADMINISTRATOR))
    registered = {}
    with smart_authority(registered) as (office, taken), fhir_server() as (fhir, kept):
        given = [f"signed-{number}" for number in range(1, 5)]
        with guarded(fhir.url, given) as server:
            form = {"site": site.pk, "name": "FHIR", "protocol": "fhir", "results": "all"}
            form |= {"url": server.url, "token_url": office.url, "client_id": CLIENT}
            form |= {"client_proof": "ES384", "secret": "", "enabled": "on"}
            assert client.post(reverse("outgoing:destinations"), form).status_code == 302
            destination = Destination.objects.get()
            page = reverse("outgoing:destination", args=[destination.pk])
            shown = client.get(page)
            assert "PRIVATE KEY" not in shown.content.decode()
            registered[CLIENT] = json.loads(shown.context["keys"])
            dicom_result(site)
            assert deliver_all(destination) == [None]
            assert (len(taken), bool(kept)) == (1, True)
            # Saved again, and for another address, it is the same key; of another kind, another.
            for changed, same in (({"url": fhir.url}, True), ({"client_proof": "RS384"}, False)):
                assert client.post(page, form | changed).status_code == 302
                keys = json.loads(client.get(page).context["keys"])
                assert (keys == registered[CLIENT]) is same
    # A key never becomes a client's secret.
    refused = client.post(page, form | {"client_proof": "secret"})
    assert "secret" in refused.context["form"].errors


def test_a_key_by_command(site):
    out = io.StringIO()
    call_command(
        *("destination_add", "FHIR", "--site", site.code, "--protocol", "fhir"),
        *("--url", "https://f.example", "--token-url", "https://id.example/token"),
        *("--client-id", CLIENT, "--client-proof", "ES384", "--audit"),
        stdout=out,
    )
    shown = json.loads(out.getvalue().partition("authority:")[2])
    made = Destination.objects.get()
    assert shown == jwk_set(made.secret)
    assert made.audit_since is not None
