import json
import re
import time
import uuid
import xml.etree.ElementTree as ET
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interop import studies
from interop.fhir_server import fhir_server, validate
from interop.listening import closed_port, http_server, tcp_server
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.core.types import (
    Analysis,
    DicomHeader,
    Milliseconds,
    Prediction,
    Radiograph,
)
from pneumoscope.interop import codes, fhir, fhir_bundle
from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.fhir_audit import Access, audit_event
from pneumoscope.interop.fhir_client import SHARED, push
from pneumoscope.interop.fhir_elements import tidy
from pneumoscope.interop.fhir_subject import merged_patients
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.reported import HeldInstance, reported

some = settings(max_examples=30, deadline=None)
KINDS = {
    "positive": studies.positive(),
    "negative": studies.negative(),
    "rejected": studies.rejected(),
    "anonymous": studies.positive(
        **{name: "" for name in studies.FACTS if not name.endswith("date")}
    ),
}


def by_type(study, resource_type):
    return [each for each in fhir.resources(study) if each["resourceType"] == resource_type]


@pytest.mark.parametrize("study", KINDS.values(), ids=KINDS)
def test_every_resource_is_valid_and_says_what_it_is_for(study):
    resources = fhir.resources(study)
    for resource in resources:
        validate(resource)
        assert RESEARCH_USE_ONLY in resource["text"]["div"]
    validate(fhir_bundle.transaction(resources))
    [report] = by_type(study, "DiagnosticReport")
    assert RESEARCH_USE_ONLY in report["conclusion"]
    assert report["language"] == "en"


@pytest.mark.parametrize("study", KINDS.values(), ids=KINDS)
def test_every_reference_leads_to_a_resource_of_the_same_result(study):
    resources = fhir.resources(study)
    known = {f"{each['resourceType']}/{each['id']}" for each in resources}
    referred = set(re.findall(r'"reference": "([^"]+)"', json.dumps(resources)))
    assert referred <= known
    bundle = fhir_bundle.transaction(resources)
    urns = {entry["fullUrl"] for entry in bundle["entry"]}
    assert set(re.findall(r'"reference": "([^"]+)"', json.dumps(bundle))) <= urns


def test_a_positive_result_tells_finding_probability_and_place():
    region, probability, finding = by_type(studies.positive(), "Observation")
    assert finding["code"]["coding"][0]["code"] == codes.PNEUMONIA.value
    assert finding["valueCodeableConcept"]["coding"][0]["display"] == "Present"
    assert len(finding["hasMember"]) == 2
    assert probability["valueQuantity"]["value"] == 0.8731
    assert probability["valueQuantity"]["code"] == "1"
    assert probability["interpretation"][0]["coding"][0]["code"] == "POS"
    assert probability["referenceRange"][0]["high"]["value"] == 0.42
    assert region["bodySite"]["coding"][0]["code"] == "281394001:272741003=24028007"
    assert region["bodySite"]["text"] == "right lower zone"


def test_a_negative_result_is_absent_and_keeps_its_remark():
    study = studies.negative()
    _, finding = by_type(study, "Observation")
    assert finding["valueCodeableConcept"]["coding"][0]["display"] == "Absent"
    [report] = by_type(study, "DiagnosticReport")
    assert "conclusionCode" not in report
    assert study.quality.reasons[0].message in report["conclusion"]


def test_an_uncertain_result_says_so():
    prediction = Prediction(0.45, 0.42, True, None, "balanced", True, (0.3, 0.6))
    study = studies.positive(prediction=prediction, regions=())
    _, finding = by_type(study, "Observation")
    assert [each["coding"][0]["code"] for each in finding["interpretation"]] == ["POS", "IND"]
    assert "second reader" in study.conclusion


def test_a_fresh_analysis_is_told_with_what_its_header_says():
    header = DicomHeader(
        study_instance_uid="1.2.3", modality="CR", patient_id="4711", patient_name="Doe^Jane"
    )
    told = studies.positive()
    analysis = Analysis(
        status="analysed",
        radiograph=Radiograph(np.zeros((8, 8), np.float32), "dicom", dicom=header),
        quality=told.quality,
        model=told.model,
        milliseconds=Milliseconds(1, 1, 1, 3),
        prediction=told.prediction,
        regions=told.regions,
    )
    study = reported(analysis, result_id="r", issued=studies.ISSUED, patient_name="Roe^Jane")
    assert (study.study_instance_uid, study.modality, study.patient_id) == ("1.2.3", "CR", "4711")
    assert (study.patient_name, study.accession_number) == ("Roe^Jane", "")
    assert study.prediction == told.prediction


def test_numbers_that_look_alike_get_more_decimals():
    close = studies.negative(prediction=Prediction(0.4196, 0.42, False, None))
    assert "probability 0.4196, below the threshold of 0.4200." in close.conclusion


def test_a_rejected_radiograph_has_a_reason_and_no_number():
    study = studies.rejected()
    [finding] = by_type(study, "Observation")
    assert finding["status"] == "cancelled"
    assert finding["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    assert "lateral" in finding["note"][0]["text"]
    assert by_type(study, "DiagnosticReport")[0]["status"] == "cancelled"
    assert not any(key.startswith("value") for key in finding)
    assert "robability" not in json.dumps(fhir.resources(study))


@pytest.mark.parametrize("name", studies.NAMES.values(), ids=studies.NAMES)
def test_names_arrive_in_their_script(name):
    [patient] = by_type(studies.positive(patient_name=name), "Patient")
    validate(patient)
    families = [each["family"] for each in patient["name"]]
    assert families == [group.split("^")[0] for group in name.split("=")]
    if "=" in name:
        written = [each.get("extension") for each in patient["name"]]
        assert [each and each[0]["valueCode"] for each in written] == [None, "IDE", "SYL"]


@some
@given(st.text(max_size=60), st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_any_text_gives_valid_resources(name, patient_id, procedure):
    if not tidy(patient_id):
        patient_id = ""
    study = studies.positive(
        patient_name=name, patient_id=patient_id, procedure_text=procedure, site=name
    )
    for resource in fhir.resources(study):
        validate(resource)
        json.dumps(resource, ensure_ascii=False).encode()
        ET.fromstring(resource["text"]["div"])  # noqa: S314 - our own


def test_a_narrative_escapes_what_comes_from_outside():
    study = studies.positive(patient_id="<script>alert(1)</script>")
    [patient] = by_type(study, "Patient")
    assert "<script" not in patient["text"]["div"]


def test_the_same_result_is_the_same_and_another_is_another():
    first = {each["id"] for each in fhir.resources(studies.positive())}
    assert first == {each["id"] for each in fhir.resources(studies.positive())}
    other = {each["id"] for each in fhir.resources(studies.positive(result_id="another"))}
    shared = {
        each["id"]
        for each in fhir.resources(studies.positive())
        if each["resourceType"] in {"Patient", "Device", "ImagingStudy"}
    }
    assert first & other == shared


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        fhir.resources(studies.positive(issued=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_the_capability_statement_is_valid():
    statement = fhir_bundle.capability_statement(
        base_url="https://pneumoscope.example/fhir", version="0.1.0", date=studies.ISSUED
    )
    validate(statement)
    served = {each["type"] for each in statement["rest"][0]["resource"]}
    assert served >= {each["resourceType"] for each in fhir.resources(studies.positive())}


def test_a_searchset_is_valid_with_and_without_finds():
    for found in (fhir.resources(studies.positive()), []):
        validate(
            fhir_bundle.searchset(
                found,
                base_url="https://x.example/fhir/",
                own_url="https://x.example/fhir/Patient",
                total=len(found),
            )
        )
    validate(fhir_bundle.operation_outcome("not-found", "No such resource"))


def access(**changes):
    return Access(
        **{
            "event_id": uuid.UUID(int=7),
            "interaction": "read",
            "recorded": studies.ISSUED,
            "client": "192.0.2.7",
            "server": "https://pneumoscope.example/fhir",
            "about": ("DiagnosticReport/1", "DiagnosticReport/2"),
            "user": "dr.house",
            "patient_id": "2",
        }
        | changes
    )


@pytest.mark.parametrize(
    ("interaction", "profile", "action", "roles"),
    [
        ("create", "PatientCreate", "C", ["110153", "110152", "AUT"]),
        ("read", "PatientRead", "R", ["110152", "110153", "IRCP"]),
        ("search", "PatientQuery", "E", ["110153", "110152", "IRCP"]),
    ],
)
def test_an_audit_event_follows_balp(interaction, profile, action, roles):
    event = audit_event(access(interaction=interaction))
    validate(event)
    assert event["meta"]["profile"][0].endswith(f"IHE.BasicAudit.{profile}")
    assert (event["action"], event["outcome"]) == (action, "0")
    assert [agent["type"]["coding"][0]["code"] for agent in event["agent"]] == roles
    assert [agent["requestor"] for agent in event["agent"]] == [False, False, True]
    assert {entity["type"]["code"] for entity in event["entity"]} == {"1", "2"}


def test_a_failed_access_claims_no_profile():
    event = audit_event(access(failure="403", patient_id="", user=""))
    validate(event)
    assert "profile" not in event["meta"]
    assert event["outcome"] == "8"


def test_a_push_arrives_once_however_often_it_is_sent():
    with fhir_server() as (server, kept):
        peer = HttpPeer(f"{server.url}/fhir", token="secret")
        first = push(peer, fhir.resources(studies.positive()))
        assert push(peer, fhir.resources(studies.positive())) == first
        assert len(kept) == len(first) == 8
        push(peer, fhir.resources(studies.negative(result_id="second")))
        assert sum(place.startswith("Patient/") for place in kept) == 1
        [report, *_] = [each for place, each in kept.items() if place.startswith("Diag")]
        assert all(each["reference"] in kept for each in report["result"])
        assert server.requests[0].headers["authorization"] == "Bearer secret"


def kept_of(kept, resource_type):
    return [each for each in kept.values() if each["resourceType"] == resource_type]


def test_a_corrected_patient_is_corrected_where_it_is_ours_and_the_hospitals_own_stays():
    first = studies.positive(patient_name="Do^J")
    corrected = studies.positive(patient_corrected=True)
    with fhir_server() as (server, kept):
        peer = HttpPeer(server.url)
        push(peer, fhir.resources(first))
        push(peer, fhir.resources(corrected), renew=True)
        [patient] = kept_of(kept, "Patient")
        assert patient["name"][0]["family"] == "Müller"
        [place] = [place for place in kept if place.startswith("Patient/")]
        kept[place] = patient | {"address": [{"city": "Lyon"}], "name": [{"family": "Legal"}]}
        push(peer, fhir.resources(corrected), renew=True)
        assert kept[place]["name"] == [{"family": "Legal"}]
        assert len(kept) == 8


def test_after_a_merge_everything_is_the_surviving_patients():
    before, after = (
        studies.positive(patient_id="4713"),
        studies.positive(patient_corrected=True, merged_patient_ids=("4712", "4713")),
    )
    with fhir_server() as (server, kept):
        peer = HttpPeer(server.url)
        push(peer, fhir.resources(before))
        former = merged_patients(after)
        for _ in range(2):
            places = push(peer, fhir.resources(after), renew=True, former=former)
            assert len(places) == len(fhir.resources(after))
        numbers = {each["identifier"][0]["value"]: each for each in kept_of(kept, "Patient")}
        assert set(numbers) == {"4711", "4713"}  # of 4712 the server had never heard
        validate(numbers["4713"])
        own = next(place for place, each in kept.items() if each is numbers["4711"])
        assert (numbers["4713"]["active"], numbers["4713"]["link"]) == (
            False,
            [{"other": {"reference": own}, "type": "replaced-by"}],
        )
        for kind in ("Observation", "DiagnosticReport", "ImagingStudy"):
            assert {each["subject"]["reference"] for each in kept_of(kept, kind)} == {own}
        assert len(kept) == 9


@pytest.mark.parametrize("answer", [(403, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}")])
def test_who_may_not_search_still_sends(answer):
    status, body = answer
    with fhir_server() as (real, kept):

        def respond(request):
            if request.method == "GET":
                return status, {}, body
            sent = HttpPeer(real.url).exchange(
                "POST", body=request.body, headers={"Content-Type": "application/fhir+json"}
            )
            return sent.status, {}, sent.body

        with http_server(respond) as server:
            push(HttpPeer(server.url), fhir.resources(studies.positive()))
        assert len(kept) == 8


def test_a_study_names_all_its_images_by_series():
    images = [
        HeldInstance("1.2.1", "1.2.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "DX"),
        HeldInstance("1.2.1", "1.2.1.2", "1.2.840.10008.5.1.4.1.1.1.1", "DX"),
        HeldInstance("1.2.2", "1.2.2.1", "1.2.840.10008.5.1.4.1.1.1", "CR"),
        HeldInstance("1.2.2", "1.2.2.2", "", "CR"),
        HeldInstance("", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.1", "CR"),
    ]
    [imaging] = by_type(studies.positive(held=tuple(images)), "ImagingStudy")
    validate(imaging)
    told = {each["uid"]: [i["uid"] for i in each["instance"]] for each in imaging["series"]}
    assert told == {"1.2.1": ["1.2.1.1", "1.2.1.2"], "1.2.2": ["1.2.2.1"]}


@pytest.mark.parametrize("study", KINDS.values(), ids=KINDS)
def test_what_others_may_keep_too_says_what_we_know_of_it_and_no_more(study):
    for kind, names in SHARED.items():
        for resource in by_type(study, kind):
            assert set(resource) <= names | {"resourceType", "id", "meta", "text"}


def test_a_servers_reason_is_told():
    with fhir_server() as (server, kept):
        [broken] = by_type(studies.positive(), "Patient")
        with pytest.raises(DeliveryRejected, match="gender"):
            push(HttpPeer(server.url), [broken | {"gender": ["m"]}])
        assert not kept


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {}, CredentialsRefused),
        (403, {}, CredentialsRefused),
        (404, {}, DeliveryRejected),
        (412, {}, DeliveryRejected),
        (301, {"Location": "http://192.0.2.1/"}, DeliveryRejected),
        (429, {"Retry-After": "120"}, PeerBusy),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, PeerBusy),
        (500, {"Retry-After": "soon"}, PeerBusy),
    ],
)
def test_each_status_is_a_named_error(status, headers, error):
    with (
        http_server(lambda request: (status, headers, b"<b>why</b>\x00")) as server,
        pytest.raises(error, match="why") as raised,
    ):
        push(HttpPeer(server.url), [])
    assert raised.value.transient is (error is PeerBusy)
    if status in (429, 503):
        assert raised.value.retry_after == (120 if status == 429 else 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"resourceType": "Bundle"}',
        b"[" * 100_000,
        b"\xff",
        b'{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{}}]}',
    ],
)
def test_an_answer_that_is_no_transaction_response_is_transient(body):
    with (
        http_server(lambda request: (200, {}, body)) as server,
        pytest.raises(UnreadableAnswer),
    ):
        push(HttpPeer(server.url), [])


def test_peers_that_are_away_hang_close_early_or_talk_nonsense():
    with pytest.raises(PeerUnreachable):
        push(HttpPeer(f"http://127.0.0.1:{closed_port()}"), [])
    with pytest.raises(DeliveryRejected):
        push(HttpPeer("fhir.example/r4"), [])

    def garble(connection):
        connection.recv(65536)
        connection.sendall(b"\x0bMSH|^~\\&|\x1c\r")

    def hang(connection):
        connection.settimeout(5)
        while connection.recv(65536):
            pass

    def break_off(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")

    for behave in (hang, garble, break_off, lambda connection: connection.recv(65536)):
        with tcp_server(behave) as port, pytest.raises(PneumoscopeError) as raised:
            push(HttpPeer(f"http://127.0.0.1:{port}", answer_seconds=0.3), [])
        assert raised.value.transient


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "]
)
def test_an_answer_in_drops_is_not_waited_for(head):
    """Each drop comes in time; the whole does not."""
    ended = []

    def drip(connection):
        connection.recv(65536)
        connection.sendall(head)
        try:
            for _ in range(400):
                connection.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            ended.append(True)

    with tcp_server(drip) as port, pytest.raises(PeerUnreachable, match="in time"):
        push(HttpPeer(f"http://127.0.0.1:{port}", connect_seconds=0.3, answer_seconds=0.3), [])
    assert ended


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("soon", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0.0),
    ],
)
def test_a_busy_server_says_when_to_come_back(said, seconds):
    with (
        http_server(lambda request: (503, {"Retry-After": said}, b"")) as server,
        pytest.raises(PeerBusy) as raised,
    ):
        push(HttpPeer(server.url), [])
    assert raised.value.retry_after == seconds


def test_an_endless_answer_is_cut():
    def pour(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with tcp_server(pour) as port, pytest.raises(UnreadableAnswer, match="over"):
        push(HttpPeer(f"http://127.0.0.1:{port}", max_bytes=1_000_000), [])
