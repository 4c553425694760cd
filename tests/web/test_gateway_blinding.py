"""At a site that reads blind a result leaves by no protocol before the reader's own word."""

import pytest
from rest_framework.test import APIClient

from interop.dicoms import ROOT, file_of
from pneumoscope.interop.objects import OBJECTS
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.gateway.outbox import analyses_tell
from pneumoscope.web.gateway.telling import finding
from pneumoscope.web.people.services import token_create
from pneumoscope.web.studies.blinding import impression_create
from pneumoscope.web.studies.models import Analysis, Image, Source
from pneumoscope.web.studies.services import study_receive
from web.outgoing import destination_make, dicom_result

pytestmark = pytest.mark.django_db
STUDY = f"/dicomweb/studies/{ROOT}.1.2"
STATED = ("Observation", "DiagnosticReport", "Provenance")


@pytest.fixture
def analysis(site):
    """Of an image whose five objects have come back from the archive that they were sent to."""
    site.reads_blind = True
    site.save()
    destination_make(site)
    made = dicom_result(site)
    analyses_tell()
    analysis = Analysis.objects.get(pk=made.pk)
    for kind, make in OBJECTS.items():
        data = file_of(make(finding(analysis)))
        study_receive(
            data=data, source_name=f"{kind}.dcm", source=Source.DICOM, actor=None, site=site
        )
    return analysis


@pytest.fixture
def asked(site):
    """asked(person) → a program with the person's token."""

    def make(person):
        token = token_create(acting_user=None, person=person, site=site, name="t", scope=Scope.READ)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return api

    return make


def said(person, analysis):
    impression_create(acting_user=person, analysis=analysis, finding="unsure", confidence=None)


def instances(api, path="/dicomweb/instances"):
    return {each["00080018"]["Value"][0] for each in api.get(path).json()}


def told(api):
    """How many resources there are of each type that states a result."""
    return [api.get(f"/fhir/{kind}").json()["total"] for kind in STATED]


@pytest.mark.parametrize("role", [Role.READER, Role.SENIOR_READER, Role.ADMINISTRATOR])
def test_objects_of_a_hidden_result_come_after_the_impression(role, analysis, user_of, asked):
    person = user_of(role)
    api = asked(person)
    image = analysis.image.sop_instance_uid
    assert instances(api) == instances(api, f"{STUDY}/instances") == {image}
    [study] = api.get("/dicomweb/studies").json()
    assert (study["00080061"]["Value"], study["00201208"]["Value"]) == (["DX"], [1])
    assert len(api.get(f"{STUDY}/metadata").json()) == 1
    for each in Image.objects.exclude(pk=analysis.image_id):
        series = f"{STUDY}/series/{each.series_instance_uid}"
        assert api.get(f"{series}/instances").status_code == 204
        for rest in ("", "/metadata"):
            assert api.get(f"{series}{rest}").status_code == 404
            path = f"{series}/instances/{each.sop_instance_uid}{rest}"
            assert api.get(path).status_code == 404
    said(person, analysis)
    assert instances(api) == instances(api, f"{STUDY}/instances")
    assert len(instances(api)) == 1 + len(OBJECTS)
    assert len(api.get(f"{STUDY}/metadata").json()) == 1 + len(OBJECTS)
    [study] = api.get("/dicomweb/studies").json()
    assert set(study["00080061"]["Value"]) == {"DX", "SR", "PR", "OT", "SEG", "KO"}


def test_a_capture_that_was_read_is_what_the_reader_has_to_see(analysis, reader, asked):
    capture = Image.objects.get(modality="OT")
    Analysis.objects.filter(pk=analysis.pk).update(image=capture)
    assert capture.sop_instance_uid in instances(asked(reader))


@pytest.mark.parametrize("role", [Role.READER, Role.SENIOR_READER, Role.ADMINISTRATOR])
def test_resources_of_a_hidden_result_come_after_the_impression(role, analysis, user_of, asked):
    person = user_of(role)
    api = asked(person)
    assert told(api) == [0, 0, 0]
    assert [api.get(f"/fhir/{kind}").json()["total"] for kind in ("Patient", "ImagingStudy")] == [
        1,
        1,
    ]
    entries = analysis.fhir_entries.filter(resource_type__in=STATED)
    addresses = [f"/fhir/{each.resource_type}/{each.resource_id}" for each in entries]
    assert {api.get(address).status_code for address in addresses} == {404}
    said(person, analysis)
    assert {api.get(address).status_code for address in addresses} == {200}
    assert all(told(api))


def test_nobody_says_it_for_another(analysis, reader, user_of, asked):
    said(user_of(Role.SENIOR_READER), analysis)
    assert told(asked(reader)) == [0, 0, 0]
    assert len(instances(asked(reader))) == 1


def test_a_refused_radiograph_hides_nothing(analysis, site, reader, asked):
    dicom_result(site, 2, None)
    analyses_tell()
    assert asked(reader).get("/fhir/DiagnosticReport").json()["total"] == 1


def test_where_nobody_reads_blind_everything_is_there(analysis, site, reader, asked):
    site.reads_blind = False
    site.save()
    assert all(told(asked(reader)))
    assert len(instances(asked(reader))) == 1 + len(OBJECTS)


def test_deliveries_do_not_say_what_was_found(analysis, user_of, client_of):
    """A mask is made of suspicious results alone."""
    person = user_of(Role.ADMINISTRATOR)
    client = client_of(person)
    page = client.get("/outgoing/deliveries/")
    assert list(page.context["deliveries"]) == []
    assert "read blinded" in page.content.decode()
    said(person, analysis)
    page = client.get("/outgoing/deliveries/")
    assert len(page.context["deliveries"]) == 1
