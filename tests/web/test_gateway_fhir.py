"""/fhir: valid resources, found by what they are searched by, for those who may export."""

import pytest
from django.test import Client

from interop.fhir_server import fhir_server, validate
from interop.findings import NAMES
from pneumoscope.web.accounts.roles import Scope
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.outbox import analyses_tell
from pneumoscope.web.people.services import token_create
from web.outgoing import deliver_all, destination_make, dicom_result

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(reader):
    """ask(path, …) → status and body, with a token that may read."""

    def make(person=reader, scheme="Bearer"):
        token = token_create(
            acting_user=None, person=person, site=person.site, name="t", scope=Scope.READ
        )

        def get(path, **query):
            answer = Client().get(
                f"/fhir/{path}", query, headers={"Authorization": f"{scheme} {token}"}
            )
            assert answer["Content-Type"].startswith("application/fhir+json")
            validate(answer.json())
            return answer.status_code, answer.json()

        return get

    return make


@pytest.fixture
def results(site):
    made = [
        dicom_result(site, 1, 0.91),
        dicom_result(
            site, 2, 0.1, PatientName=NAMES["ISO_IR 192"], SpecificCharacterSet="ISO_IR 192"
        ),
        dicom_result(site, 3, None),
    ]
    analyses_tell()
    return made


def found(body):
    return [entry["resource"] for entry in body.get("entry", [])]


def test_every_type_is_searched_and_read(ask, results):
    get = ask()
    counts = {
        "Patient": 3,
        "Device": 1,
        "ImagingStudy": 3,
        "DiagnosticReport": 3,
        "Provenance": 3,
    }
    for kind, count in counts.items():
        status, body = get(kind)
        assert (status, body["total"], len(found(body))) == (200, count, count)
        for resource in found(body):
            assert get(f"{kind}/{resource['id']}") == (200, resource)
    _, observations = get("Observation", _count=50)
    assert {each["status"] for each in found(observations)} == {"preliminary", "cancelled"}


def test_searches(ask, results):
    get = ask()
    [hindi] = [each for each in found(get("Patient")[1]) if each["identifier"][0]["value"] == "P2"]
    assert hindi["name"][0]["family"] == "शर्मा"
    patient = hindi["id"]
    for query in (
        {"identifier": "P2"},
        {"identifier": f"{hindi['identifier'][0]['system']}|P2"},
        {"_id": patient},
    ):
        assert found(get("Patient", **query)[1]) == [hindi]
    assert get("Patient", identifier="http://elsewhere|P2")[1]["total"] == 0
    for reference in (patient, f"Patient/{patient}", f"http://testserver/fhir/Patient/{patient}"):
        assert get("DiagnosticReport", patient=reference)[1]["total"] == 1
    assert get("DiagnosticReport", status="cancelled")[1]["total"] == 1
    assert get("DiagnosticReport", status="preliminary,cancelled", issued="ge2020")[1]["total"] == 3
    assert get("DiagnosticReport", issued="lt2020-05")[1]["total"] == 0
    assert get("ImagingStudy", started="2026-01-02")[1]["total"] == 3
    assert get("ImagingStudy", started="gt2026-01-02")[1]["total"] == 0
    [study] = found(get("ImagingStudy", identifier="A1")[1])
    uid = study["identifier"][0]["value"]
    assert found(get("ImagingStudy", identifier=f"urn:dicom:uid|{uid}")[1]) == [study]
    [report] = found(get("DiagnosticReport", patient=patient)[1])
    assert get("DiagnosticReport", identifier=report["identifier"][0]["value"])[1]["total"] == 1
    assert get("Provenance", target=f"DiagnosticReport/{report['id']}")[1]["total"] == 1


def test_pages(ask, results):
    get = ask()
    _, body = get("Patient", _count=2)
    assert (len(found(body)), body["total"]) == (2, 3)
    [link] = [link["url"] for link in body["link"] if link["relation"] == "next"]
    _, rest = get(link.partition("/fhir/")[2])
    assert len(found(rest)) == 1
    assert [link["relation"] for link in rest["link"]] == ["self"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("Patient", {"name": "Doe"}, 400),
        ("DiagnosticReport", {"issued": "yesterday"}, 400),
        ("DiagnosticReport", {"issued": "2026-13-45"}, 400),
        ("Patient", {"_count": "many"}, 400),
        ("Medication", {}, 404),
        ("Patient/no-such-id", {}, 404),
        ("Patient/6a1d5a0e-8b3c-5e52-9d0c-3f6f0b6a7c11", {}, 404),
        ("a/b/c/d", {}, 404),
        ("AuditEvent", {}, 403),
        # PostgreSQL takes no NUL in a text.
        ("DiagnosticReport", {"status": "a\0b"}, 400),
        ("ImagingStudy", {"identifier": "\0"}, 400),
    ],
)
def test_errors_are_outcomes(ask, path, query, status):
    answer, body = ask()(path, **query)
    assert (answer, body["resourceType"]) == (status, "OperationOutcome")


def test_who_may(ask, results, user_of, other_site):
    for path in ("Patient", "AuditEvent"):
        anonymous = Client().get(f"/fhir/{path}")
        assert (anonymous.status_code, anonymous["WWW-Authenticate"]) == (401, "Bearer")
        assert anonymous.json()["issue"][0]["code"] == "login"
    assert ask(user_of("technologist"))("Patient")[0] == 403
    assert ask(user_of("reader", site=other_site))("Patient")[1]["total"] == 0
    assert ask(scheme="Token")("Patient")[0] == 200
    status, statement = Client().get("/fhir/metadata").status_code, Client().get("/fhir/metadata")
    validate(statement.json())
    assert (status, statement.json()["fhirVersion"]) == (200, "4.0.1")


def test_looks_are_recorded_and_told_to_auditors(ask, results, user_of, client_of):
    get = ask()
    [report] = found(get("DiagnosticReport", identifier="urn:uuid:" + str(_id(get)))[1])
    events = Event.objects.filter(action__startswith="fhir.")
    assert events.filter(action="fhir.read", study=results[0].image.study_id).exists()
    assert "urn:uuid" not in str(list(events.values_list("detail", flat=True)))
    body = client_of(user_of("auditor")).get("/fhir/AuditEvent", {"_count": 50}).json()
    validate(body)
    assert body["total"] == events.count()
    one = body["entry"][0]["resource"]
    looks = [entry["resource"] for entry in body["entry"]]
    referred = {
        entity["what"]["reference"]
        for look in looks
        for entity in look["entity"]
        if "what" in entity
    }
    assert f"DiagnosticReport/{report['id']}" in referred
    first = client_of(user_of("auditor")).get("/fhir/AuditEvent", {"_count": 1}).json()
    [more] = [link["url"] for link in first["link"] if link["relation"] == "next"]
    second = client_of(user_of("auditor")).get(more).json()
    assert second["entry"][0]["resource"] == looks[1]
    again = client_of(user_of("auditor")).get(f"/fhir/AuditEvent/{one['id']}").json()
    assert again == one
    assert report["resourceType"] == "DiagnosticReport"
    for each in referred:
        assert get(each)[0] == 200


def test_what_was_created_elsewhere_is_told_to_auditors(site, ask, user_of, client_of):
    with fhir_server() as (server, _):
        destinations = [destination_make(site), destination_make(site, "fhir", url=server.url)]
        dicom_result(site)
        deliver_all(destinations[1])
    [event] = Event.objects.filter(action="result.deliver")
    body = client_of(user_of("auditor")).get("/fhir/AuditEvent").json()
    validate(body)
    [entry] = body["entry"]
    told = entry["resource"]
    assert told["id"] == event.detail["id"]
    assert told["meta"]["profile"][0].endswith("PatientCreate")
    assert [agent["network"]["address"] for agent in told["agent"]] == [
        "http://testserver/fhir",
        server.url,
    ]
    for entity in told["entity"]:
        assert ask()(entity["what"]["reference"])[0] == 200


def _id(get):
    reports = found(get("DiagnosticReport")[1])
    return next(each["id"] for each in reports if each.get("conclusionCode"))


def test_a_look_names_its_patient_also_where_a_later_study_came(site, ask, user_of, client_of):
    for number in (1, 2):
        dicom_result(site, number, PatientID="P1")
    analyses_tell()
    get = ask()
    [patient] = found(get("Patient")[1])
    reports = found(get("DiagnosticReport")[1])
    assert len(reports) == 2
    for report in reports:
        get(f"DiagnosticReport/{report['id']}")
    query = {"patient": f"Patient/{patient['id']}", "_count": 50}
    looks = found(client_of(user_of("auditor")).get("/fhir/AuditEvent", query).json())
    assert len(looks) >= 4
    for look in looks:
        named = [entity["what"]["reference"] for entity in look["entity"]]
        assert f"Patient/{patient['id']}" in named


def test_looks_are_searched_by_what_is_asked_and_not_by_less(ask, results, user_of, client_of):
    get = ask()
    [one, other] = [each["id"] for each in found(get("Patient")[1])][:2]
    for each in (one, other):
        get(f"Patient/{each}")

    def count(**query):
        body = client_of(user_of("auditor")).get("/fhir/AuditEvent", query).json()
        validate(body)
        return body["total"]

    assert count(patient="nobody") == count(patient="") == count(_id="nothing") == 0
    assert 0 < count(patient=one) < count(patient=f"{one}, {other}") < count()
    [first, second] = Event.objects.filter(action="fhir.read").values_list("detail__id", flat=True)[
        :2
    ]
    assert count(_id=f"{first},{second}") == 2
    assert client_of(user_of("auditor")).get("/fhir/AuditEvent", {"_id": "\0"}).status_code == 400
