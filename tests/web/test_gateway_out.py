"""From a finished analysis to a real archive: once, whatever ends in the middle."""

import gc
import threading
from contextlib import contextmanager

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from interop.fhir_server import fhir_server, validate
from interop.findings import NAMES
from interop.listening import closed_port, http_server, tcp_server
from pneumoscope.interop.hl7v2 import parse
from pneumoscope.interop.hl7v2_ack import acknowledge
from pneumoscope.interop.mllp import MllpServer
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway import postman as delivering_process
from pneumoscope.web.gateway import sending
from pneumoscope.web.gateway.delivering import (
    LONGEST_PAUSE_SECONDS,
    LONGEST_WISH_SECONDS,
    delivery_attempt,
    delivery_claim,
    is_silent,
    pause_seconds,
)
from pneumoscope.web.gateway.models import Delivery, FhirEntry, Told, ToldReport
from pneumoscope.web.gateway.models.deliveries import TRANSITIONS, Stage
from pneumoscope.web.gateway.outbox import analyses_tell, reports_tell
from pneumoscope.web.reviews.reporting import SECTIONS, addendum_create, report_save
from pneumoscope.web.studies.models import Analysis
from web.installation import wait_until
from web.outgoing import (
    deliver_all,
    destination_make,
    dicom_result,
    is_all_delivered,
    postman,
    stages,
    to_orthanc,
)
from web.pages import report_make

# pynetdicom leaves the socket of a connection that failed to the garbage collector.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _sockets_are_collected_here():
    yield
    gc.collect()


@contextmanager
def mllp_server():
    """Takes every message. Yields the port and what came."""
    messages = []

    def answer(data):
        messages.append(data)
        return acknowledge(parse(data))

    server = MllpServer(("127.0.0.1", 0), answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1], messages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def instances(orthanc):
    """SOP Instance UID → modality, of all that the archive holds."""
    found = {}
    for key in orthanc.ask("/instances"):
        tags = orthanc.ask(f"/instances/{key}/simplified-tags")
        assert tags["SOPInstanceUID"] not in found
        found[tags["SOPInstanceUID"]] = tags["Modality"]
    return found


def test_a_positive_result_arrives_in_the_images_study(site, orthanc):
    destination = to_orthanc(site, orthanc)
    analysis = dicom_result(site)
    assert deliver_all(destination) == [None] * 5
    assert sorted(instances(orthanc).values()) == ["KO", "OT", "PR", "SEG", "SR"]
    [study] = orthanc.ask("/studies")
    tags = orthanc.ask(f"/studies/{study}")["MainDicomTags"]
    assert tags["StudyInstanceUID"] == analysis.image.study.study_instance_uid


@pytest.mark.django_db(transaction=True)
def test_an_archive_killed_in_the_middle_gets_everything_once(site, orthanc, settings):
    settings.PNEUMOSCOPE_RETRY_SECONDS = 0.05
    to_orthanc(site, orthanc)
    for number in range(1, 4):
        dicom_result(site, number)
    with postman():
        wait_until(lambda: Delivery.objects.filter(stage="DELIVERED").count() >= 3)
        orthanc.kill()
        dicom_result(site, 4)
        wait_until(lambda: Delivery.objects.filter(stage="RETRY").exists())
        orthanc.start()
        wait_until(is_all_delivered)
    assert len(instances(orthanc)) == 4 * 5
    assert len(orthanc.ask("/studies")) == 4


def test_sent_again_it_is_the_same_object(site, orthanc):
    destination = to_orthanc(site, orthanc)
    dicom_result(site)
    deliver_all(destination)
    before = instances(orthanc)
    # As if the process had ended between the archive's answer and our note of it.
    Delivery.objects.update(stage="PENDING", delivered=None, due=timezone.now())
    assert deliver_all(destination) == [None] * 5
    assert instances(orthanc) == before


def test_over_dicomweb_and_only_what_is_wanted(site, orthanc):
    destination = destination_make(
        site, "stow", url=orthanc.dicomweb_url, secret="", objects_sent=["sr", "seg"]
    )
    dicom_result(site)
    dicom_result(site, 2, 0.05)
    dicom_result(site, 3, None)
    assert deliver_all(destination) == [None] * 4
    assert sorted(instances(orthanc).values()) == ["SEG", "SR", "SR", "SR"]


def test_a_study_of_three_images_stays_one_study(site, orthanc):
    """PA, its repeat in AP, and a lateral that is not suitable."""
    destination = to_orthanc(site, orthanc)
    same = {"StudyInstanceUID": "1.2.3.4", "PatientID": "P"}
    for number, probability in ((1, 0.9), (2, 0.1), (3, None)):
        dicom_result(site, number, probability, **same)
    assert deliver_all(destination) == [None] * 8
    assert sorted(instances(orthanc).values()) == ["KO", "OT", "OT", "PR", "SEG", "SR", "SR", "SR"]
    assert len(orthanc.ask("/studies")) == 1


@pytest.mark.parametrize("character_set", NAMES)
def test_names_in_any_script_reach_every_peer(site, orthanc, character_set):
    name = NAMES[character_set]
    destination = to_orthanc(site, orthanc, objects_sent=["sr"])
    with fhir_server() as (fhir, kept), mllp_server() as (port, messages):
        peers = [
            destination,
            destination_make(site, "fhir", url=fhir.url),
            destination_make(site, "hl7", host="127.0.0.1", port=port, receiving_application="RIS"),
        ]
        dicom_result(site, PatientName=name, SpecificCharacterSet=character_set.split("\\"))
        assert [deliver_all(peer) for peer in peers] == [[None]] * 3
    [key] = orthanc.ask("/instances")
    archived = orthanc.ask(f"/instances/{key}/simplified-tags")["PatientName"]
    assert archived.split("=")[0] == name.split("=")[0]
    [patient] = [each for each in kept.values() if each["resourceType"] == "Patient"]
    family = name.split("=")[0].split("^")[0]
    assert family in {each["family"] for each in patient["name"]}
    assert family in parse(messages[0]).first("PID").text(5)


def test_a_refused_object_is_given_up_and_the_others_are_not(site):
    answers = iter([(400, {}, b"no such order")])
    with http_server(lambda request: next(answers, (204, {}, b""))) as server:
        destination = destination_make(site, url=server.url)
        dicom_result(site)
        dicom_result(site, 2)
        [refused, well] = deliver_all(destination)
    assert (refused.code, well) == ("delivery_rejected", None)
    assert stages() == ["DEAD", "DELIVERED"]


@pytest.mark.parametrize(
    "behave",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"\x00garbage" * 100),
        lambda connection: (connection.recv(10), connection.close()),
    ],
    ids=["closes", "garbage", "closes early"],
)
@pytest.mark.parametrize("protocol", ["dicom", "hl7", "webhook", "fhir", "stow"])
def test_a_peer_that_misbehaves_is_tried_again(site, behave, protocol):
    with tcp_server(behave) as port:
        destination = destination_make(
            site,
            protocol,
            host="127.0.0.1",
            port=port,
            ae_title="PACS",
            receiving_application="RIS",
            url=f"http://127.0.0.1:{port}",
            objects_sent=["sr"],
        )
        dicom_result(site)
        [failure] = deliver_all(destination)
    assert failure.transient
    assert stages() == ["RETRY"]
    assert Delivery.objects.get().due > timezone.now()


@pytest.mark.django_db
def test_a_result_whose_file_is_gone_is_given_up_and_the_next_one_goes(site):
    """It is no reason to leave the peer alone for a while."""
    destination = destination_make(
        site, "dicom", host="127.0.0.1", port=closed_port(), ae_title="X"
    )
    image = dicom_result(site).image
    image.file.storage.delete(image.file.name)
    failures = deliver_all(destination)
    assert {each.code for each in failures} == {"cannot_send"}
    assert not any(is_silent(each) for each in failures)
    assert set(stages()) == {Stage.DEAD}


@pytest.mark.django_db(transaction=True)
def test_a_peer_that_hangs_holds_up_nobody_else(site, settings, monkeypatch):
    monkeypatch.setattr(sending, "PATIENCE_SECONDS", 3.0)
    hanging = threading.Event()

    def hang(connection):
        hanging.set()
        connection.settimeout(10)
        while connection.recv(4096):
            pass

    with tcp_server(hang) as port, http_server(lambda request: (204, {}, b"")) as server:
        destination_make(site, "hl7", host="127.0.0.1", port=port, receiving_application="RIS")
        well = destination_make(site, url=server.url)
        dicom_result(site)
        with postman():
            wait_until(hanging.is_set)
            dicom_result(site, 2)
            wait_until(lambda: stages(destination=well) == ["DELIVERED"] * 2)
            assert "DELIVERED" not in stages(destination__protocol="hl7")


@pytest.mark.parametrize("step", ["analyses_tell", "readings_tell", "reports_tell", "records_tell"])
@pytest.mark.django_db(transaction=True)
def test_a_step_that_always_fails_holds_up_no_delivery(site, monkeypatch, step):
    def fail():
        raise KeyError("regions")

    with http_server(lambda request: (204, {}, b"")) as server:
        destination_make(site, url=server.url)
        dicom_result(site)
        analyses_tell()
        monkeypatch.setattr(delivering_process, step, fail)
        with postman():
            wait_until(is_all_delivered)


def test_whoever_lost_the_claim_writes_nothing(site):
    with http_server(lambda request: (204, {}, b"")) as server:
        destination = destination_make(site, url=server.url)
        dicom_result(site)
        analyses_tell()
        slow = delivery_claim(destination.pk)
        assert delivery_claim(destination.pk) is None
        Delivery.objects.update(due=timezone.now())
        taken_over = delivery_claim(destination.pk)
        delivery_attempt(slow)
        assert stages() == ["SENDING"]
        delivery_attempt(taken_over)
    assert stages() == ["DELIVERED"]
    first, again = server.requests
    assert first.body == again.body
    assert Event.objects.filter(action="result.deliver").count() == 1


def test_who_is_told_what(site, other_site):
    late = dicom_result(site, 9)
    everything = destination_make(site, name="all")
    suspicious = destination_make(site, name="alarm", results="positive")
    scored = destination_make(site, name="scored", results="scored")
    destination_make(site, name="off", enabled=False)
    destination_make(other_site, name="elsewhere")
    made = [dicom_result(site, 1), dicom_result(site, 2, 0.1), dicom_result(site, 3, None)]
    while analyses_tell():
        pass
    told = {
        each: set(Delivery.objects.filter(destination=each).values_list("analysis", flat=True))
        for each in (everything, suspicious, scored)
    }
    keys = [each.pk for each in made]
    assert told == {everything: set(keys), suspicious: {keys[0]}, scored: set(keys[:2])}
    assert not Delivery.objects.filter(analysis=late).exists()
    assert delivery_claim(everything.pk).urgent
    assert Delivery.objects.filter(destination__name__in=["off", "elsewhere"]).count() == 0


def test_one_result_that_cannot_be_told_does_not_hold_up_the_next(site):
    destination = destination_make(site)
    broken = dicom_result(site)
    Analysis.objects.filter(pk=broken.pk).update(record={})
    dicom_result(site, 2)
    while analyses_tell():
        pass
    assert Told.objects.get(pk=broken.pk).failure == "KeyError"
    assert Delivery.objects.filter(destination=destination).count() == 1


def test_one_report_that_cannot_be_told_does_not_hold_up_the_next(site, reader):
    analyses = [dicom_result(site, number) for number in (1, 2)]
    while analyses_tell():
        pass
    for analysis in analyses:
        study = analysis.image.study
        study.refresh_from_db()
        report = report_make(study)
        words = {name: getattr(report, name) for name in SECTIONS}
        report_save(
            acting_user=reader, study=study, sections=words, revision=report.revision, sign=True
        )
    broken, well = analyses
    Analysis.objects.filter(pk=broken.pk).update(record={})
    reports_tell()
    assert [told.report.analysis_id for told in ToldReport.objects.all()] == [well.pk]


@given(st.integers(1, 200), st.none() | st.floats(0, 1e9))
def test_pauses_grow_and_end(failures, wished):
    pause = pause_seconds(failures, wished)
    assert 0 < pause <= max(LONGEST_PAUSE_SECONDS, LONGEST_WISH_SECONDS)
    assert pause >= min(wished or 0, LONGEST_WISH_SECONDS)


def test_every_step_between_stages_is_in_the_table():
    assert set(TRANSITIONS) == set(Stage.values)
    assert {target for targets in TRANSITIONS.values() for target in targets} == set(Stage.values)


def test_a_signed_report_follows_and_again_with_its_addendum(site, orthanc, reader):
    destination = to_orthanc(site, orthanc, objects_sent=["pdf"])
    study = dicom_result(site).image.study
    study.refresh_from_db()
    report = report_make(study)
    report.refresh_from_db()
    reports_tell()
    assert deliver_all(destination) == []
    words = {name: getattr(report, name) for name in SECTIONS}
    report_save(
        acting_user=reader, study=study, sections=words, revision=report.revision, sign=True
    )
    reports_tell()
    reports_tell()
    assert deliver_all(destination) == [None]
    [first] = instances(orthanc)
    addendum_create(acting_user=reader, study=study, text="Seen with the clinician.")
    reports_tell()
    assert deliver_all(destination) == [None]
    assert len(instances(orthanc)) == 2
    assert first in instances(orthanc)
    assert len(orthanc.ask("/studies")) == 1


def test_resources_and_messages_are_final_once_a_person_has_signed(site, reader):
    with fhir_server() as (fhir, kept), mllp_server() as (port, messages):
        peers = [
            destination_make(site, "fhir", url=fhir.url),
            destination_make(site, "hl7", host="127.0.0.1", port=port, receiving_application="RIS"),
        ]
        study = dicom_result(site).image.study
        assert [deliver_all(peer) for peer in peers] == [[None]] * 2
        study.refresh_from_db()
        with translation.override("pt-br"):
            report = report_make(study)
        words = {name: getattr(report, name) for name in SECTIONS}
        words["impression"] = "Pneumonia – right lower zone.\nFollow up."
        report_save(acting_user=reader, study=study, sections=words, revision=2, sign=True)
        reports_tell()
        assert [deliver_all(peer) for peer in peers] == [[None]] * 2
        [final] = [each for each in kept.values() if each["resourceType"] == "DiagnosticReport"]
        validate(final)
        addendum_create(acting_user=reader, study=study, text="Seen with the clinician.")
        reports_tell()
        assert [deliver_all(peer) for peer in peers] == [[None]] * 2
        [appended] = [each for each in kept.values() if each["resourceType"] == "DiagnosticReport"]
    assert (final["status"], appended["status"]) == ("final", "appended")
    assert (final["language"], appended["language"]) == ("pt-BR", "pt-BR")
    assert final["performer"][0] == {"display": reader.get_username()}
    assert final["conclusion"].startswith("Pneumonia – right lower zone.")
    assert "not read by a person" not in final["conclusion"]
    [entry] = FhirEntry.objects.filter(resource_type="DiagnosticReport")
    assert entry.status == "appended"
    preliminary, signed, added = map(parse, messages)
    statuses = [each.first("OBR").text(25) for each in (preliminary, signed, added)]
    assert statuses == ["P", "F", "F"]
    assert len({each.control_id for each in (preliminary, signed, added)}) == 3
    assert len({each.first("OBR").text(3) for each in (preliminary, signed, added)}) == 1
    [impression, *_] = [
        each for each in signed.segments if each.name == "OBX" and each.text(2) == "TX"
    ]
    assert impression.text(5) == "Pneumonia - right lower zone.\nFollow up."
    assert (impression.text(11), impression.text(16, 2)) == ("F", reader.get_username())
