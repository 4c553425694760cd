"""Audit records sent to FHIR servers that collect them."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from interop.fhir_server import fhir_server, validate
from interop.listening import closed_port
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.audit_feed import records_tell
from pneumoscope.web.gateway.models import Delivery, Destination
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.outgoing import destination_save
from web.outgoing import deliver_all, destination_make, dicom_result, stages

pytestmark = pytest.mark.django_db
PUBLIC = "https://scope.example"


@pytest.fixture(autouse=True)
def public(settings):
    settings.PNEUMOSCOPE_PUBLIC_URL = PUBLIC


@pytest.fixture
def read_one(site, reader, api_of):
    """Something is read over /fhir, by a client with a token."""

    def read():
        result = dicom_result(site)
        deliver_all(destination_make(site, "webhook", name=f"hook {result.pk}"))
        entry = result.fhir_entries.get(resource_type="DiagnosticReport")
        api_of(reader).get(f"/fhir/DiagnosticReport/{entry.resource_id}")
        return entry

    return read


def test_who_read_what_is_sent_where_it_is_wanted(site, reader, read_one):
    with fhir_server() as (server, kept):
        collects = destination_make(
            site, "fhir", name="ARR", url=server.url, results="none", audit_since=timezone.now()
        )
        plain = destination_make(site, "fhir", url=server.url)
        entry = read_one()
        records_tell()
        assert not Delivery.objects.filter(destination=plain, kind="audit").exists()
        while set(deliver_all(collects)) == {None}:
            records_tell()
        before = len(kept)
        # Sent again, it is one record.
        Delivery.objects.filter(kind="audit").update(stage=Stage.PENDING, due=timezone.now())
        assert set(deliver_all(collects)) == {None}
        assert len(kept) == before
        found = [each for each in kept.values() if each["resourceType"] == "AuditEvent"]
        (read,) = (each for each in found if each["subtype"][0]["code"] == "read")
        assert {each["resourceType"] for each in kept.values()} == {"AuditEvent"}
    validate(read)
    things = {each["what"]["reference"] for each in read["entity"]}
    assert f"{PUBLIC}/fhir/DiagnosticReport/{entry.resource_id}" in things
    assert {each["who"]["display"] for each in read["agent"]} >= {reader.get_username()}


def test_what_was_created_there_is_recorded_and_sent_and_that_is_the_end(site):
    with fhir_server() as (server, kept):
        collects = destination_make(
            site, "fhir", name="ARR", url=server.url, audit_since=timezone.now()
        )
        dicom_result(site)
        assert deliver_all(collects) == [None]
        for _ in range(3):
            records_tell()
            deliver_all(collects)
        kinds = [each["resourceType"] for each in kept.values()]
    assert kinds.count("AuditEvent") == 1
    assert Event.objects.filter(action="result.deliver").count() == 1


def test_records_wait_by_themselves(site, read_one):
    """A server that is away gets the record later; what is of no use there holds up no result."""
    address = f"http://127.0.0.1:{closed_port()}/"
    collects = destination_make(
        site, "fhir", name="ARR", url=address, results="scored", audit_since=timezone.now()
    )
    read_one()
    records_tell()
    assert {each.code for each in deliver_all(collects)} == {"peer_unreachable"}
    assert set(stages(kind="audit")) == {Stage.RETRY}
    with fhir_server() as (server, kept):
        Destination.objects.filter(pk=collects.pk).update(url=server.url)
        Delivery.objects.filter(destination=collects).update(due=timezone.now())
        assert set(deliver_all(collects)) == {None}
        assert any(each["resourceType"] == "AuditEvent" for each in kept.values())


def test_without_an_address_of_ours_no_record_is_sent(site, settings, read_one):
    settings.PNEUMOSCOPE_PUBLIC_URL = ""
    with fhir_server() as (server, kept):
        destination = destination_make(
            site, "fhir", name="ARR", url=server.url, results="scored", audit_since=timezone.now()
        )
        read_one()
        records_tell()
        failed = [each for each in deliver_all(destination) if each]
        assert {each.code for each in failed} == {"own_address_unknown"}
        assert not any(each["resourceType"] == "AuditEvent" for each in kept.values())


def test_only_fhir_servers_take_records(site):
    made = Destination(site=site, name="x", protocol="webhook", url=PUBLIC, secret="s")
    made.audit_since = timezone.now()
    with pytest.raises(ValidationError) as caught:
        destination_save(acting_user=None, destination=made)
    assert set(caught.value.message_dict) == {"audit_since"}
    made.audit_since, made.results = None, "none"
    with pytest.raises(ValidationError) as caught:
        destination_save(acting_user=None, destination=made)
    assert set(caught.value.message_dict) == {"results"}


def test_the_pages_show_and_set_it(site, read_one, user_of, client_of):
    client = client_of(user_of(Role.ADMINISTRATOR))
    form = {"site": site.pk, "name": "ARR", "protocol": "fhir", "results": "all", "enabled": "on"}
    form |= {"url": "http://127.0.0.1:9/", "client_proof": "secret"}
    client.post(reverse("outgoing:destinations"), form)
    destination = Destination.objects.get()
    page = reverse("outgoing:destination", args=[destination.pk])
    assert destination.audit_since is None
    assert client.post(page, form | {"audit_since": "on"}).status_code == 302
    destination.refresh_from_db()
    since = destination.audit_since
    assert since is not None
    read_one()
    records_tell()
    assert client.get(page).context["form"]["audit_since"].value() is True
    assert "Audit record" in client.get(reverse("outgoing:deliveries")).content.decode()
    # What was chosen once counts from then on.
    client.post(page, form | {"audit_since": "on"})
    destination.refresh_from_db()
    assert destination.audit_since == since
    assert client.post(reverse("outgoing:dead_resend")).status_code == 302
