"""Other systems' tokens and secrets: encrypted where they lie, and of no use with another key."""

import pytest
from django.db import connection

from pneumoscope.web.gateway.models import Destination, Pull
from web.incoming import pull_make
from web.installation import Installation
from web.outgoing import deliver_all, destination_make, dicom_result

SECRETS = "SELECT secret FROM gateway_destination"
TOKENS = "SELECT token FROM gateway_pull"


def stored(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [value for (value,) in cursor.fetchall()]


@pytest.mark.django_db
def test_what_lies_in_the_database_is_not_the_secret(site):
    made = destination_make(site, secret="s3cret ключ")
    pull_make(site=site, url="https://pacs.example", method="web", token="t0ken")
    pull_make("open", site=site, url="https://pacs.example", method="web")
    [secret] = stored(SECRETS)
    tokens = stored(TOKENS)
    assert "s3cret" not in secret
    assert "t0ken" not in str(tokens)
    assert "" in tokens
    made.refresh_from_db()
    assert made.secret == "s3cret ключ"
    made.save()
    assert stored(SECRETS) != [secret]
    assert Destination.objects.get().secret == "s3cret ключ"
    assert set(Pull.objects.values_list("token", flat=True)) == {"t0ken", ""}


@pytest.mark.django_db
def test_with_another_key_it_cannot_be_read_and_nothing_is_signed(site, settings):
    destination = destination_make(site)
    settings.SECRET_KEY, before = "another", settings.SECRET_KEY
    assert Destination.objects.get().secret == ""
    dicom_result(site)
    [failure] = deliver_all(destination)
    assert failure.code == "secret_lost"
    settings.SECRET_KEY_FALLBACKS = [before]
    assert Destination.objects.get().secret == "s3cret"


def test_what_lay_open_is_encrypted_by_the_upgrade_and_opened_by_the_way_back(tmp_path):
    """Slow: each step is a process of its own, as an upgrade is."""
    installation = Installation(tmp_path)
    installation.manage("migrate", "gateway", "0006", "--verbosity", "0")
    site = (
        "INSERT INTO accounts_site (id, name, code, time_zone, active, operating_point)"
        " VALUES (1, 'North', 'north', 'UTC', 1, '')"
    )
    destination = (
        "INSERT INTO gateway_destination (id, name, protocol, enabled, results, objects_sent, host,"
        " tls, ae_title, url, secret, receiving_application, receiving_facility, character_set,"
        " patient_id_system, created, site_id) VALUES (1, 'X', 'webhook', 1, 'all', '[]', '', 0,"
        " '', 'u', 's3cret', '', '', '', '', '2026-01-01', 1)"
    )
    lines = "; ".join(f"connection.cursor().execute({each!r})" for each in (site, destination))
    installation.manage("shell", "-c", f"from django.db import connection; {lines}")
    installation.manage("migrate", "gateway", "0007", "--verbosity", "0")
    [(encrypted,)] = installation.rows(SECRETS)
    assert "s3cret" not in encrypted
    installation.manage("migrate", "gateway", "0006", "--verbosity", "0")
    assert installation.rows(SECRETS) == [("s3cret",)]


def test_on_the_way_back_no_key_becomes_a_secret_and_no_record_a_result(tmp_path):
    """Slow: each step is a process of its own, as an upgrade is."""
    installation = Installation(tmp_path)
    installation.manage("migrate", "--verbosity", "0")
    made = """
from django.utils import timezone
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.models import Delivery, Destination
site = Site.objects.create(name="North", code="north")
common = {"site": site, "protocol": "fhir", "url": "https://f.example", "secret": "s3cret"}
Destination.objects.create(name="plain", **common)
signs = {"token_url": "https://t.example", "client_id": "us", "client_proof": "ES384"}
collects = {"results": "none", "audit_since": timezone.now()}
arr = Destination.objects.create(name="signs", **common, **signs, **collects)
event = Event.objects.create(action="fhir.read", site=site)
Delivery.objects.create(destination=arr, event=event, site=site, kind="audit")
"""
    installation.manage("shell", "-c", made)
    installation.manage("migrate", "gateway", "0011", "--verbosity", "0")
    columns = "SELECT name, enabled, results, secret = '' FROM gateway_destination ORDER BY id"
    assert installation.rows(columns) == [("plain", 1, "all", 0), ("signs", 0, "positive", 1)]
    assert installation.rows("SELECT count(*) FROM gateway_delivery") == [(0,)]
