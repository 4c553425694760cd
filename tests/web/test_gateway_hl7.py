"""Orders and patients from the hospital: kept once, studies brought in line, either side first."""

import ssl
from datetime import date

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from interop import hl7_messages
from interop.fhir_server import fhir_server
from interop.listening import certificate_make, closed_port
from pneumoscope.interop.delivery import DeliveryError
from pneumoscope.interop.hl7v2_ack import read_acknowledgement
from pneumoscope.interop.mllp import MllpPeer, deliver
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.delivering import delivery_attempt, delivery_claim
from pneumoscope.web.gateway.hl7_in import hl7_listener, message_answer
from pneumoscope.web.gateway.models import Delivery, FhirEntry, Hl7Message, KnownPatient, Order
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.outbox import analyses_tell
from pneumoscope.web.gateway.telling import finding, reported_study
from pneumoscope.web.gateway.tls import TlsFilesUnusable
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.studies.models import Analysis, Study
from web.outgoing import deliver_all, destination_make, dicom_image, dicom_result
from web.pages import report_make

pytestmark = pytest.mark.django_db


def verdict(message):
    data = message if isinstance(message, bytes) else message.encode()
    return read_acknowledgement(message_answer(data)).verdict


def study_of(analysis):
    return Analysis.objects.get(pk=analysis.pk).image.study


@pytest.mark.parametrize("order_first", [True, False])
def test_an_order_meets_its_study(site, order_first):
    if order_first:
        assert verdict(hl7_messages.ORM) == "AA"
    analysis = dicom_result(site, PatientID="4711", AccessionNumber="ACC-1")
    analyses_tell()
    if not order_first:
        assert verdict(hl7_messages.ORM) == "AA"
    order = Order.objects.get()
    assert (order.study, order.placer_order_number) == (study_of(analysis), "ORD-1")
    assert order.indication == "Cough; Fever; cough \\ fever; Pneumonia, unspecified"
    told = reported_study(analysis)
    assert (told.order_number, told.procedure_text) == ("ORD-1", "Chest PA & lateral")


def test_the_indication_stands_on_the_study_page(site, reader, client_of):
    assert verdict(hl7_messages.ORM.replace("Fever", "<b>Fever")) == "AA"
    analysis = dicom_result(site, PatientID="4711", AccessionNumber="ACC-1")
    page = reverse("studies:study", args=[analysis.image.study_id])
    assert "Indication" not in client_of(reader).get(page).content.decode()
    analyses_tell()
    shown = client_of(reader).get(page).content.decode()
    assert "<dt>Indication</dt><dd>Cough; &lt;b&gt;Fever" in shown


def test_an_order_of_another_patient_is_not_tied(site):
    dicom_result(site, PatientID="somebody else", AccessionNumber="ACC-1")
    assert verdict(hl7_messages.ORM) == "AA"
    assert Order.objects.get().study is None


def test_a_message_sent_again_changes_nothing(site):
    assert verdict(hl7_messages.ORM) == "AA"
    later = hl7_messages.ORM.replace("MSG1", "MSG1b").replace("ORC|NW", "ORC|CA")
    assert verdict(later) == "AA"
    assert verdict(hl7_messages.ORM) == "AA"
    assert Order.objects.get().control == "CA"
    assert Hl7Message.objects.count() == 2


def test_a_message_at_fault_is_refused_and_nothing_of_it_kept(site):
    broken = hl7_messages.OMI.replace("ORC|CA|ORD-2\rOBR|1|ORD-2|", "ORC|CA|\rOBR|1||").replace(
        "ACC-2", ""
    )
    assert verdict(broken) == "AE"
    assert verdict(b"no message") == "AR"
    assert not Order.objects.exists()
    assert not Hl7Message.objects.exists()


def test_an_update_corrects_name_sex_and_birth_date(site):
    analysis = dicom_result(site, PatientID="4711", PatientName="Do^J", PatientSex="F")
    update = hl7_messages.A08.replace('Doe^Jane^""||""', "山田^太郎||19570301")
    assert verdict(update) == "AA"
    study = study_of(analysis)
    assert (study.patient_name, study.sex) == ("山田^太郎", "M")
    told = reported_study(Analysis.objects.get(pk=analysis.pk))
    assert told.patient_birth_date == date(1957, 3, 1)
    source = finding(Analysis.objects.get(pk=analysis.pk)).source
    assert (str(source.PatientName), source.PatientBirthDate) == ("山田^太郎", "19570301")
    event = Event.objects.get(action="study.patient_correct")
    assert event.detail == {"of": ["patient_name", "sex"]}
    assert event.study == study.pk


@pytest.mark.parametrize("merged_first", [True, False])
def test_after_a_merge_results_are_the_surviving_patients(site, merged_first):
    if merged_first:
        assert verdict(hl7_messages.A40) == "AA"
    analysis = dicom_result(site, PatientID="4713")
    analyses_tell()
    if not merged_first:
        before = FhirEntry.objects.get(resource_type="Patient").resource_id
        assert verdict(hl7_messages.A40) == "AA"
        assert FhirEntry.objects.get(resource_type="Patient").resource_id != before
    study = study_of(analysis)
    assert (study.patient_id, study.patient_name) == ("4711", "Doe^Jane")
    fresh = Analysis.objects.get(pk=analysis.pk)
    assert reported_study(fresh).patient_id == "4711"
    assert finding(fresh).source.PatientID == "4711"
    # The objects stay the same objects: only the patient in them is corrected.
    assert finding(fresh).uid("SR") == finding(analysis).uid("SR")


def patients(kept):
    """Number → Patient resource."""
    found = [each for each in kept.values() if each["resourceType"] == "Patient"]
    return {each["identifier"][0]["value"]: each for each in found}


def test_a_server_that_has_the_result_hears_of_the_correction(site):
    with fhir_server() as (server, kept):
        destination = destination_make(site, "fhir", url=server.url)
        dicom_result(site, PatientID="4711", PatientName="Do^J")
        assert deliver_all(destination) == [None]
        for born in ("19570301", "19570302"):
            update = hl7_messages.A08.replace('Jane^""||""', f"Jane||{born}")
            assert verdict(update.replace("MSG3", born)) == "AA"
            assert deliver_all(destination) == [None]
            [patient] = patients(kept).values()
            assert patient["name"][0]["given"] == ["Jane"]
            assert patient["birthDate"].replace("-", "") == born
        assert verdict(update.replace("MSG3", "again")) == "AA"
        assert deliver_all(destination) == []


def test_a_server_that_has_the_result_hears_of_the_merge(site):
    with fhir_server() as (server, kept):
        destination = destination_make(site, "fhir", url=server.url)
        dicom_result(site, PatientID="4713")
        assert deliver_all(destination) == [None]
        assert verdict(hl7_messages.A40) == "AA"
        assert deliver_all(destination) == [None]
    assert set(patients(kept)) == {"4711", "4713"}
    [kept_as] = [place for place, each in kept.items() if each is patients(kept)["4711"]]
    assert patients(kept)["4713"]["link"][0]["other"] == {"reference": kept_as}
    [report] = [each for each in kept.values() if each["resourceType"] == "DiagnosticReport"]
    assert report["subject"] == {"reference": kept_as}


def test_a_correction_while_a_result_is_sent_sends_it_again(site):
    with fhir_server() as (server, kept):
        destination = destination_make(site, "fhir", url=server.url)
        dicom_result(site, PatientID="4713")
        analyses_tell()
        on_its_way = delivery_claim(destination.pk)
        assert verdict(hl7_messages.A40) == "AA"
        assert delivery_attempt(on_its_way) is None
        row = Delivery.objects.get()
        assert (row.stage, row.error_code) == (Stage.RETRY, "patient_corrected")
        Delivery.objects.update(due=timezone.now())
        assert deliver_all(destination) == [None]
        [report] = [each for each in kept.values() if each["resourceType"] == "DiagnosticReport"]
        assert kept[report["subject"]["reference"]]["identifier"][0]["value"] == "4711"


def test_two_studies_of_one_uid_become_one(site):
    same = {"StudyInstanceUID": "1.2.3"}
    first = dicom_result(site, 1, PatientID="4711", **same)
    second = dicom_result(site, 2, 0.1, PatientID="4712", **same)
    assert Study.objects.count() == 2
    assert verdict(hl7_messages.A40) == "AA"
    assert study_of(first) == study_of(second) == Study.objects.get()
    assert Study.objects.get().headline == first


@pytest.mark.parametrize("reported", [[2], [1, 2]])
def test_a_merge_loses_no_report(site, reported):
    same = {"StudyInstanceUID": "1.2.3"}
    for number in (1, 2):
        study = dicom_result(site, number, PatientID=f"471{number}", **same).image.study
        if number in reported:
            study.refresh_from_db()
            report_make(study)
    assert verdict(hl7_messages.A40) == "AA"
    assert Report.objects.count() == len(reported)
    # Two reports cannot become one: then the studies stay two, and no event says otherwise.
    assert Study.objects.count() == len(reported)
    assert Event.objects.filter(action="study.patient_correct").count() == 2 - len(reported)


def test_merges_in_a_circle_come_to_an_end(site):
    assert verdict(hl7_messages.A40) == "AA"
    back = hl7_messages.A40.replace("MSG4", "MSG5").replace("4711", "x").replace("4712", "4711")
    assert verdict(back.replace("|x^", "|4712^")) == "AA"
    dicom_image(site, PatientID="4713")
    analysis = dicom_result(site, 2, PatientID="4713")
    analyses_tell()
    assert study_of(analysis).patient_id == "4712"
    assert KnownPatient.objects.get(patient_id="4712").merged_into == ""


def test_whose_site_a_message_is(site, other_site):
    assert verdict(hl7_messages.ORM.replace("|RAD|", "|SOUTH|")) == "AA"
    assert Order.objects.get().site == other_site
    with override_settings(PNEUMOSCOPE_HL7_SITE="south"):
        assert verdict(hl7_messages.OMI) == "AA"
    assert set(Order.objects.values_list("site__code", flat=True)) == {"south"}


@pytest.mark.django_db(transaction=True)
def test_over_the_wire(site):
    with hl7_listener("127.0.0.1", 0) as port:
        peer = MllpPeer("127.0.0.1", port)
        for message in hl7_messages.ALL.values():
            assert deliver(peer, message.encode()).verdict == "AA"
    assert Order.objects.count() == 2
    assert port != closed_port()


@pytest.mark.django_db(transaction=True)
def test_over_the_wire_with_tls_alone(site, settings, tmp_path):
    certificate = str(certificate_make(tmp_path))
    settings.PNEUMOSCOPE_HL7_TLS = True
    settings.PNEUMOSCOPE_LISTEN_TLS_CERTIFICATE = certificate
    order = hl7_messages.ORM.encode()
    with hl7_listener("127.0.0.1", 0) as port:
        trusting = ssl.create_default_context(cafile=certificate)
        assert deliver(MllpPeer("localhost", port, trusting), order).verdict == "AA"
        with pytest.raises(DeliveryError):
            deliver(MllpPeer("localhost", port, answer_seconds=0.5), order)
    # Authorities, where they are named, must have signed the sender's certificate too.
    settings.PNEUMOSCOPE_LISTEN_TLS_AUTHORITIES = certificate
    with hl7_listener("127.0.0.1", 0) as port:
        with pytest.raises(DeliveryError):
            deliver(MllpPeer("localhost", port, trusting), order)
        trusting.load_cert_chain(certificate)
        assert deliver(MllpPeer("localhost", port, trusting), order).verdict == "AA"
    settings.PNEUMOSCOPE_LISTEN_TLS_CERTIFICATE = ""
    with pytest.raises(TlsFilesUnusable), hl7_listener("127.0.0.1", 0):
        pass
