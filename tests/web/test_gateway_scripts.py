"""A name in any script leaves by every way as it came: Latin-1, Cyrillic, Japanese, Hindi."""

import csv
import io
import json

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from interop.dicoms import ROOT
from interop.fhir_server import validate
from interop.findings import NAMES, as_file
from pneumoscope.interop.encapsulated_pdf import make_encapsulated_pdf
from pneumoscope.interop.fhir import resources
from pneumoscope.interop.hl7v2 import parse
from pneumoscope.interop.hl7v2_result import Parties, result_message
from pneumoscope.interop.objects import OBJECTS
from pneumoscope.interop.reported import dicom_name, person_names
from pneumoscope.web.gateway.events import event_told
from pneumoscope.web.gateway.models import Delivery
from pneumoscope.web.gateway.outbox import analyses_tell
from pneumoscope.web.gateway.telling import finding, reported_study
from pneumoscope.web.reviews.report_pdf import report_pdf
from pneumoscope.web.studies.models import Analysis
from web.outgoing import destination_make, dicom_result
from web.pages import report_make

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("script", NAMES)]
STUDY = f"{ROOT}.1.2"


@pytest.fixture
def analysis(site, script):
    """A positive result of a patient named in this script, told."""
    destination_make(site)
    made = dicom_result(site, PatientName=NAMES[script], SpecificCharacterSet=script.split("\\"))
    analyses_tell()
    return Analysis.objects.get(pk=made.pk)


def names_in(answer):
    """The person names of a DICOM JSON answer, as DICOM writes them."""
    [dataset] = [Dataset.from_json(each) for each in answer.json()]
    return str(dataset.PatientName)


@pytest.mark.parametrize("kind", [*OBJECTS, "pdf"])
def test_by_every_object(analysis, script, kind):
    if kind == "pdf":
        pdf = report_pdf(report_make(analysis.image.study), named=True)
        made = make_encapsulated_pdf(finding(analysis), pdf, title="Report")
    else:
        made = OBJECTS[kind](finding(analysis))
    read = dcmread(io.BytesIO(as_file(made)))
    assert read.SpecificCharacterSet == made.SpecificCharacterSet
    assert read.PatientName == PersonName(NAMES[script])


def test_by_fhir_and_by_hl7(analysis, script):
    told = reported_study(analysis)
    [patient] = [each for each in resources(told) if each["resourceType"] == "Patient"]
    validate(json.loads(json.dumps(patient, ensure_ascii=False)))
    groups = NAMES[script].split("=")
    assert [each["family"] for each in patient["name"]] == [
        group.partition("^")[0] for group in groups
    ]
    message = parse(result_message(told, Parties("RIS")))
    said = message.first("PID")
    shown = [said.text(5, repetition=place) for place in range(1, said.repetitions(5) + 1)]
    assert shown == [each["family"] for each in patient["name"]]
    assert dicom_name(person_names(NAMES[script])) == NAMES[script]


def test_by_dicomweb(analysis, script, reader, api_of):
    api = api_of(reader)
    assert names_in(api.get("/dicomweb/studies")) == NAMES[script]
    assert names_in(api.get(f"/dicomweb/studies/{STUDY}/metadata")) == NAMES[script]
    family = NAMES[script].partition("^")[0]
    for asked in (f"{family}*", NAMES[script].partition("=")[0] + "*", f"*{family[1:]}*"):
        assert names_in(api.get("/dicomweb/studies", {"PatientName": asked})) == NAMES[script]


def test_not_at_all_by_webhook_and_by_table(analysis, script, reader, client_of):
    told = json.dumps(event_told(Delivery.objects.get()), ensure_ascii=False)
    answer = client_of(reader).get("/worklist.csv")
    table = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(table)))) == 1
    for part in NAMES[script].replace("=", "^").split("^"):
        assert part not in told
        assert part not in table
