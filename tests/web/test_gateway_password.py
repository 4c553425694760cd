"""An archive that asks for a user name and a password (HTTP Basic), in both directions."""

import io
import json

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse

from interop.dicoms import ROOT, dicom_make
from interop.listening import http_server
from peers import Orthanc
from pneumoscope.interop.delivery import PeerUnreachable
from pneumoscope.interop.dicomweb_client import stow
from pneumoscope.interop.http import HttpPeer
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.fetching import http_peer
from pneumoscope.web.gateway.models import Arrival, Destination, Pull
from pneumoscope.web.gateway.outgoing import destination_save
from pneumoscope.web.gateway.pulling import pull_ask
from web.incoming import pull_make
from web.installation import Installation
from web.outgoing import deliver_all, destination_make, dicom_result

USER, PASSWORD = "pneumoscope", "Grüße: 9 ключ"
ADDRESS = "http://orthanc:8042/dicom-web"  # as beside it in one network of containers


class LockedOrthanc(Orthanc):
    """With the passwords that Orthanc asks for unless it is told otherwise."""

    def _settings(self, storage):
        users = {"AuthenticationEnabled": True, "RegisteredUsers": {USER: PASSWORD}}
        return super()._settings(storage) | users

    def peer(self):
        return HttpPeer(self.dicomweb_url, token=PASSWORD, username=USER)

    def instances(self):
        return json.loads(HttpPeer(self.url, PASSWORD, USER).exchange("GET", "instances").body)

    def _answers(self):
        try:
            return HttpPeer(self.url, PASSWORD, USER).exchange("GET", "system").status == 200
        except PeerUnreachable:
            return False


@pytest.fixture
def archive(tmp_path):
    running = LockedOrthanc(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def administrator(user_of, client_of):
    return client_of(user_of("administrator"))


@pytest.mark.django_db
def test_results_go_there_and_a_wrong_password_waits_for_a_person(site, archive, administrator):
    destination = destination_make(
        *(site, "stow"), url=archive.dicomweb_url, client_id=USER, secret="old", objects_sent=["sr"]
    )
    test = reverse("outgoing:destination_test", args=[destination.pk])
    assert "valid token, user name" in administrator.post(test, follow=True).content.decode()
    dicom_result(site)
    [refused] = deliver_all(destination)
    assert (refused.code, archive.instances()) == ("credentials_refused", [])
    assert "user name with password" in refused.remedy
    assert deliver_all(destination) == []  # it is not tried again by itself
    Destination.objects.update(secret=PASSWORD)
    administrator.post(reverse("outgoing:dead_resend"), {"destination": destination.pk})
    assert "answers" in administrator.post(test, follow=True).content.decode()
    assert deliver_all(destination) == [None]
    assert len(archive.instances()) == 1


@pytest.mark.django_db(transaction=True)
def test_images_come_from_there_and_a_wrong_password_is_shown(site, archive):
    stow(archive.peer(), [dicom_make()])
    pull = pull_make(
        *("locked",), site=site, method="web", url=archive.dicomweb_url, username=USER, token="old"
    )
    pull_ask(pull)
    pull.refresh_from_db()
    assert "user name with password" in pull.problem
    pull.token = PASSWORD
    pull.save()
    pull_ask(Pull.objects.get())
    assert Arrival.objects.get().sop_instance_uid == f"{ROOT}.1.1"
    pull.refresh_from_db()
    assert pull.problem == ""


@pytest.mark.django_db
def test_as_an_administrator_sets_it_up(site, administrator):
    """Saved, never shown, in no event, and gone with another address."""
    form = {"site": site.pk, "name": "PACS", "enabled": "on", "url": ADDRESS}
    out = form | {"protocol": "stow", "results": "all", "client_proof": "secret"}
    out |= {"client_id": USER, "secret": PASSWORD}
    assert administrator.post(reverse("outgoing:destinations"), out).status_code == 302
    into = form | {"method": "web", "since": "2026-01-01", "priors": 0, "every_minutes": 5}
    into |= {"username": USER, "token": PASSWORD}
    assert administrator.post(reverse("incoming:pulls"), into).status_code == 302
    made, asked = Destination.objects.get(), Pull.objects.get()
    assert (made.username, made.secret, asked.username, asked.token) == (USER, PASSWORD) * 2
    elsewhere = {"url": "http://elsewhere:8042/dicom-web"}
    for name, row, sent, field in (
        ("outgoing:destination", made, out | {"secret": ""}, "secret"),
        ("incoming:pull", asked, into | {"token": ""}, "token"),
    ):
        page = reverse(name, args=[row.pk])
        assert PASSWORD not in administrator.get(page).content.decode()
        assert administrator.post(page, sent).status_code == 302
        assert field in administrator.post(page, sent | elsewhere).context["form"].errors
        row.refresh_from_db()
        assert getattr(row, field) == PASSWORD
    assert PASSWORD not in str(list(Event.objects.values_list("detail", flat=True)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"secret": ""}, "secret"),
        ({"client_id": "me:you"}, "client_id"),
        ({"url": f"http://{USER}:pw@orthanc:8042/"}, "url"),
        ({"url": "http://orthanc:port/"}, "url"),
        ({"url": "http://ort hanc/"}, "url"),
    ],
)
def test_what_cannot_work_is_refused(site, fields, wrong):
    named = {"url": ADDRESS, "client_id": USER, "secret": PASSWORD}
    made = Destination(**{"site": site, "name": "x", "protocol": "stow"} | named | fields)
    with pytest.raises(ValidationError) as caught:
        destination_save(acting_user=None, destination=made)
    assert set(caught.value.message_dict) == {wrong}
    asked = {"url": ADDRESS, "username": USER, "token": PASSWORD}
    names = {"secret": "token", "client_id": "username"}
    asked |= {names.get(name, name): value for name, value in fields.items()}
    pull = Pull(site=site, name="x", method="web", since="2026-01-01", **asked)
    with pytest.raises(ValidationError) as caught:
        pull.full_clean()
    assert set(caught.value.message_dict) == {names.get(wrong, wrong)}


@pytest.mark.django_db
def test_a_password_that_cannot_be_read_is_not_sent_as_an_empty_one(site, settings):
    with http_server(lambda _: (200, {}, b"[]")) as server:
        destination = destination_make(site, "stow", url=server.url, client_id=USER)
        settings.SECRET_KEY = "another"
        dicom_result(site)
        assert {failure.code for failure in deliver_all(destination)} == {"secret_lost"}
        assert server.requests == []


@pytest.mark.django_db
def test_the_password_stays_with_the_archive_it_was_given_for(site):
    pull = pull_make(site=site, method="ups", url=ADDRESS, username=USER, token=PASSWORD)
    assert http_peer(pull, f"{ADDRESS}/elsewhere").username == USER
    for elsewhere in ("https://orthanc:8042/dicom-web", "http://other:8042/dicom-web"):
        peer = http_peer(pull, elsewhere)
        assert (peer.username, peer.token) == ("", "")


@pytest.mark.django_db
def test_by_command(site, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    call_command(
        *("destination_add", "PACS", "--site", site.code, "--protocol", "stow", "--secret"),
        *("--url", ADDRESS, "--client-id", USER),
        stdout=io.StringIO(),
    )
    made = Destination.objects.get()
    assert (made.username, made.secret) == (USER, PASSWORD)


def test_an_upgrade_makes_no_user_of_a_client_and_hides_passwords_of_addresses(tmp_path):
    """Slow: each step is a process of its own, as an upgrade is."""
    installation = Installation(tmp_path)
    installation.manage("migrate", "gateway", "0013", "--verbosity", "0")
    site = (
        "INSERT INTO accounts_site (id, name, code, time_zone, active, operating_point,"
        " reads_blind) VALUES (1, 'North', 'north', 'UTC', 1, '', 0)"
    )
    destination = (
        "INSERT INTO gateway_destination (id, name, protocol, enabled, results, objects_sent,"
        " events, host, tls, ae_title, url, secret, token_url, client_id, client_proof, scope,"
        " receiving_application, receiving_facility, character_set, patient_id_system, created,"
        " site_id) VALUES ({key}, 'X{key}', 'fhir', 1, 'all', '[]', '[]', '', 0, '', 'u', '',"
        " '{endpoint}', 'left', 'secret', '', '', '', '', '', '2026-01-01', 1)"
    )
    rows = [destination.format(key=1, endpoint=""), destination.format(key=2, endpoint="https://t")]
    pull = (
        "INSERT INTO gateway_pull (id, name, enabled, method, url, token, station, procedure,"
        " modalities, body_parts, since, priors, every_minutes, problem, site_id) VALUES ({key},"
        " 'X{key}', 1, 'web', '{url}', '', '', '', '', '', '2026-01-01', 0, 5, '', 1)"
    )
    rows.append(pull.format(key=1, url="http://me:p%40ss@pacs:8042/dicom-web"))
    rows.append(pull.format(key=2, url="http://pacs:8042/a@b"))
    lines = "; ".join(f"connection.cursor().execute({each!r})" for each in (site, *rows))
    installation.manage("shell", "-c", f"from django.db import connection; {lines}")
    installation.manage("migrate", "gateway", "--verbosity", "0")
    ids = "SELECT client_id FROM gateway_destination ORDER BY id"
    assert installation.rows(ids) == [("",), ("left",)]
    pulls = "SELECT url, username FROM gateway_pull ORDER BY id"
    assert installation.rows(pulls) == [
        ("http://pacs:8042/dicom-web", "me"),
        ("http://pacs:8042/a@b", ""),
    ]
    shown = installation.manage(
        *("shell", "-c"),
        "from pneumoscope.web.gateway.models import Pull; print(Pull.objects.get(pk=1).token)",
    )
    assert "p@ss" in shown
    assert "p@ss" not in str(installation.rows("SELECT token FROM gateway_pull"))
    installation.manage("migrate", "gateway", "0013", "--verbosity", "0")
    assert installation.rows(ids) == [("",), ("left",)]
