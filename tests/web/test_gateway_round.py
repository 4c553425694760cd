"""A study of three images by every step: sent, decided, analysed, told to archive and server."""

import gc
import io
from urllib.request import urlopen

import highdicom
import pytest
from pydicom import dcmread

from interop.dicoms import ROOT, file_of
from interop.fhir_server import fhir_server
from pneumoscope.interop.objects import OBJECTS
from pneumoscope.web.gateway.intake import arrival_take_in
from pneumoscope.web.gateway.models import Arrival
from pneumoscope.web.gateway.models.arrivals import Outcome, Way
from pneumoscope.web.gateway.receiving import file_stored
from pneumoscope.web.studies.analysing import image_analyse
from pneumoscope.web.studies.models import Analysis, Image, Study
from web.outgoing import deliver_all, destination_make, to_orthanc

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PA, REPEAT, LATERAL = (f"{ROOT}.3.{number}" for number in (1, 2, 3))


@pytest.fixture(autouse=True)
def _sockets_are_collected_here():
    yield
    gc.collect()


@pytest.fixture
def arrive(site):
    """arrive(bytes) → the arrival, taken in."""

    def make(data):
        with file_stored(data) as file:
            row = Arrival.objects.create(site=site, way=Way.STORE, sender="X", file=file)
        arrival_take_in(row.pk)
        row.refresh_from_db()
        return row

    return make


@pytest.fixture
def archive(site, orthanc):
    return to_orthanc(site, orthanc)


@pytest.fixture
def fhir(site):
    """A destination, and what its server keeps."""
    with fhir_server() as (server, kept):
        yield destination_make(site, "fhir", url=server.url), kept


@pytest.fixture
def study(model, dicom_radiograph, arrive, archive, fhir):
    """PA, its repeat in AP, and a lateral of one patient, analysed by the model that ships."""
    for uid, view in ((PA, "PA"), (REPEAT, "AP"), (LATERAL, "LL")):
        dataset = dcmread(io.BytesIO(dicom_radiograph))
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
        dataset.ViewPosition = view
        assert arrive(file_of(dataset)).outcome == Outcome.ANALYSE
    for image in Image.objects.order_by("created"):
        image_analyse(image.pk)
    return Study.objects.get()


def held(orthanc):
    """Every file that the archive has."""
    for key in orthanc.ask("/instances"):
        with urlopen(f"{orthanc.url}/instances/{key}/file", timeout=60) as answer:  # noqa: S310
            yield answer.read()


def of_type(kept, resource_type):
    return [each for each in kept.values() if each["resourceType"] == resource_type]


def test_each_image_has_its_result_under_one_study(study, orthanc, archive, fhir):
    server, kept = fhir
    assert set(deliver_all(archive)) == set(deliver_all(server)) == {None}
    results = {each.image.sop_instance_uid: each for each in Analysis.objects.all()}
    assert set(results) == {PA, REPEAT, LATERAL}
    assert results[PA].positive
    assert results[REPEAT].positive
    assert results[LATERAL].probability is None

    files = list(held(orthanc))
    made = [dcmread(io.BytesIO(each)) for each in files]
    assert {each.StudyInstanceUID for each in made} == {study.study_instance_uid}
    by_modality = {
        wanted: [file for file, each in zip(files, made, strict=True) if each.Modality == wanted]
        for wanted in ("SR", "SEG")
    }
    reports = [highdicom.sr.srread(io.BytesIO(file)) for file in by_modality["SR"]]
    assert {evidence(each) for each in reports} == set(results)
    masks = [highdicom.seg.segread(io.BytesIO(file)) for file in by_modality["SEG"]]
    assert len(masks) == 2
    assert all(each.number_of_segments > 0 for each in masks)

    [imaging] = of_type(kept, "ImagingStudy")
    told = {each["uid"] for series in imaging["series"] for each in series["instance"]}
    assert told == set(results)
    assert len(of_type(kept, "Patient")) == 1
    statuses = sorted(each["status"] for each in of_type(kept, "DiagnosticReport"))
    assert statuses == ["cancelled", "preliminary", "preliminary"]


def evidence(report):
    """The SOP Instance UID of the image that a structured report is about."""
    [study] = report.CurrentRequestedProcedureEvidenceSequence
    [series] = study.ReferencedSeriesSequence
    [instance] = series.ReferencedSOPSequence
    return instance.ReferencedSOPInstanceUID


def test_what_the_archive_sends_back_is_not_analysed_again(study, orthanc, archive, arrive):
    deliver_all(archive)
    back = [arrive(each) for each in held(orthanc)]
    assert len(back) == 2 * len(OBJECTS) + 1
    assert {each.outcome for each in back} == {Outcome.PASS}
    assert {each.reason for each in back} == {
        "Passed over: Pneumoscope made it of a result itself."
    }
    for image in Image.objects.all():
        image_analyse(image.pk)
    assert Analysis.objects.count() == 3
    assert deliver_all(archive) == []
