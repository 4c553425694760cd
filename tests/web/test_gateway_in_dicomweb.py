"""/dicomweb by dicomweb-client, as a viewer would; and as those who may not."""

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from interop.dicoms import ROOT, dicom_make, file_of
from pneumoscope.interop.dicomweb import Part, multipart_write
from pneumoscope.web.accounts.models import Membership
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway import dicomweb_query, dicomweb_views, held_headers
from pneumoscope.web.gateway.dicomweb_answers import series_found, studies_found
from pneumoscope.web.gateway.models import Arrival, HeldHeader, KnownPatient
from pneumoscope.web.studies.models import Image, Study

STUDIES = "/dicomweb/studies"


def post(client, files, *, path=STUDIES):
    parts = [Part("application/dicom", data) for data in files]
    content_type, pieces = multipart_write(parts, "application/dicom")
    return client.generic("POST", path, b"".join(pieces), content_type=content_type)


@pytest.fixture
def api(reader, api_of):
    return api_of(reader)


@pytest.fixture
def names():
    return {"study_instance_uid": f"{ROOT}.1.2", "series_instance_uid": f"{ROOT}.1.3"}


@pytest.mark.django_db(transaction=True)
def test_dicomweb_client_stores_searches_and_retrieves(live_server, api, names):
    session = requests.Session()
    session.headers["Authorization"] = api._credentials["HTTP_AUTHORIZATION"]
    client = DICOMwebClient(url=f"{live_server.url}/dicomweb", session=session)
    sent = dicom_make(1, side=64, SpecificCharacterSet="ISO_IR 144", PatientName="Люкceмбypг")
    response = client.store_instances([sent, dicom_make(2)])
    assert len(response.ReferencedSOPSequence) == 2

    (study,) = client.search_for_studies(search_filters={"PatientID": "P1"})
    assert study["00100010"]["Value"] == [{"Alphabetic": "Люкceмбypг"}]
    assert study["0020000D"]["Value"] == [names["study_instance_uid"]]
    (series,) = client.search_for_series(names["study_instance_uid"])
    assert series["0020000E"]["Value"] == [names["series_instance_uid"]]
    (instance,) = client.search_for_instances(**names)
    uid = instance["00080018"]["Value"][0]
    assert uid == sent.SOPInstanceUID
    assert len(client.search_for_instances()) == 2

    (metadata,) = client.retrieve_series_metadata(**names)
    assert metadata["00280010"]["Value"] == [64]
    got = client.retrieve_instance(**names, sop_instance_uid=uid)
    assert (got.PatientName, got.PixelData) == (sent.PatientName, sent.PixelData)
    (whole,) = client.retrieve_study(names["study_instance_uid"])
    assert whole.PixelData == sent.PixelData
    (frame,) = client.retrieve_instance_frames(
        **names, sop_instance_uid=uid, frame_numbers=[1], media_types=("application/octet-stream",)
    )
    assert frame == sent.PixelData
    # dicomweb-client leaves the port out of Host, so that the address it is told lacks it too.
    place = metadata["7FE00010"]["BulkDataURI"].partition("/dicomweb")[2]
    assert client.retrieve_bulkdata(f"{client.base_url}{place}") == [sent.PixelData]


@pytest.mark.django_db
def test_what_is_not_kept_is_told_part_by_part(api, settings):
    settings.PNEUMOSCOPE_MAX_FILE_BYTES = 3000
    answer = post(api, [file_of(dicom_make()), b"nonsense", file_of(dicom_make(2, side=99))])
    assert answer.status_code == 202
    body = answer.json()
    assert len(body["00081199"]["Value"]) == 1
    reasons = [item["00081197"]["Value"][0] for item in body["00081198"]["Value"]]
    assert reasons == [0xC000, 0xA700]
    assert post(api, [b"nonsense"]).status_code == 409


@pytest.mark.django_db
def test_another_study_than_the_addressed_one_is_not_stored(api):
    answer = post(api, [file_of(dicom_make())], path=f"{STUDIES}/1.2.3")
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]
    assert not Image.objects.exists()


@pytest.mark.django_db
def test_stored_twice_is_one_image(api):
    for _ in range(2):
        assert post(api, [file_of(dicom_make())]).status_code == 200
    assert Image.objects.count() == 1
    assert sorted(Arrival.objects.values_list("outcome", flat=True)) == ["analyse", "duplicate"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ('multipart/related; type="application/dicom"; boundary=x', b"", 400),
        ('multipart/related; type="application/dicom"; boundary=x', b"no boundary", 400),
        ('multipart/related; type="application/dicom"; boundary=x', b"--x\r\n\r\nhalf", 400),
        ('multipart/related; type="application/dicom+json"; boundary=x', b"--x--", 400),
        ("application/json", b"{}", 415),
    ],
)
def test_malformed_requests_are_problems(api, content_type, body, status):
    answer = api.generic("POST", STUDIES, body, content_type=content_type)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_searching(api):
    post(api, [file_of(dicom_make(n, PatientName=f"Doe^{n}")) for n in (1, 2, 3)])
    post(api, [file_of(dicom_make(4, StudyDate="20200101", PatientName="Roe (x)"))])

    def found(**parameters):
        answer = api.get(STUDIES, parameters)
        assert answer.status_code in {200, 204}
        return [s["00100020"]["Value"][0] for s in answer.json()] if answer.content else []

    assert sorted(found()) == ["P1", "P2", "P3", "P4"]
    assert sorted(found(PatientName="doe*")) == ["P1", "P2", "P3"]
    assert found(PatientName="Roe (?)") == ["P4"]
    assert found(**{"00100020": "P2"}) == ["P2"]
    assert found(StudyDate="20200101") == found(StudyDate="-20201231") == ["P4"]
    assert len(found(StudyDate="20260101-20261231")) == 3
    assert found(StudyInstanceUID=f"{ROOT}.1.2,{ROOT}.9.9") == ["P1"]
    assert found(ModalitiesInStudy="CT") == []
    assert len(found(limit=2)) == 2
    assert len(found(limit=2, offset=3)) == 1
    ignored = api.get(STUDIES, {"Nonsense": "1"})
    assert ignored["Warning"].startswith("299")
    assert len(ignored.json()) == 4


OHIF_STUDIES = {
    "limit": "101",
    "offset": "0",
    "fuzzymatching": "true",
    "includefield": "00081030,00080060,00080090,00100030",
}
OHIF_SERIES = {"includefield": "0008103E,00080021"}


@pytest.mark.django_db
def test_searching_as_ohif_does(api):
    """The parameters of OHIF's study list and of its series panel (its DicomWebDataSource, qido),
    with `supportsWildcard` and `supportsFuzzyMatching` as docs/integration/ohif.md sets them."""
    described = {"StudyDescription": "Thorax, zwei Ebenen", "SeriesDescription": "pa"}
    sent = [dicom_make(n, PatientName=f"Doe {n}^Jane") for n in (1, 2)]
    sent.append(dicom_make(3, PatientName="Doe 3^Jane", SeriesDate="20260103", **described))
    post(api, [file_of(each) for each in sent])
    post(api, [file_of(dicom_make(4, PatientName="Дое^Анна", SpecificCharacterSet="ISO_IR 192"))])

    def found(**parameters):
        answer = api.get(STUDIES, OHIF_STUDIES | parameters)
        assert "Warning" not in answer
        return [s["00100020"]["Value"][0] for s in answer.json()] if answer.content else []

    assert sorted(found()) == ["P1", "P2", "P3", "P4"]
    assert found(PatientName="*ane*", limit=2) + found(offset=2, limit=2, PatientName="*ane*") == [
        "P3",
        "P2",
        "P1",
    ]
    assert found(**{"00100020": "*2*"}) == found(AccessionNumber="*A2*") == ["P2"]
    assert found(StudyDescription="*thorax*") == ["P3"]
    assert len(found(ModalitiesInStudy="CR,DX")) == len(found(ModalitiesInStudy="CR\\DX")) == 4
    assert found(ModalitiesInStudy="CR,CT") == []
    assert len(found(StudyDate="19700102-20261231")) == 4
    assert len(found(StudyInstanceUID=f"{ROOT}.1.2\\{ROOT}.2.2")) == 2
    for typed in ("jane doe 2", "Doe^Jane^2", "2, J*"):
        assert found(PatientName=typed) == ["P2"]
    assert found(PatientName="анна") == ["P4"]
    assert found(PatientName="ane") == []
    (study,) = api.get(STUDIES, OHIF_STUDIES | {"StudyInstanceUID": f"{ROOT}.3.2"}).json()
    assert study["00081030"]["Value"] == ["Thorax, zwei Ebenen"]
    assert study["00100030"]["Value"] == ["20200101"]
    assert study["00080090"] == {"vr": "PN"}
    (series,) = api.get(f"{STUDIES}/{ROOT}.3.2/series", OHIF_SERIES).json()
    assert series["0020000E"]["Value"] == [f"{ROOT}.3.3"]
    assert series["0008103E"]["Value"] == ["pa"]
    assert series["00080021"]["Value"] == ["20260103"]
    assert series["00200011"]["Value"] == [1]


def full(number: int, **elements: object):
    """With a value of every attribute that PS3.18 tables 10.6.3-3 to -5 name."""
    request = Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureID = "SPS1", "RP1"
    stated = {
        "SpecificCharacterSet": "ISO_IR 192",
        "TimezoneOffsetFromUTC": "+0530",
        "ReferringPhysicianName": "शर्मा^अनिल",
        "StudyDescription": "Brustkorb",
        "SeriesDescription": "胸部",
        "PerformedProcedureStepStartDate": "20260102",
        "PerformedProcedureStepStartTime": "101010.5",
        "RequestAttributesSequence": [request],
    }
    return dicom_make(number, **stated | elements)


def keywords(model: dict) -> set[str]:
    return {keyword_for_tag(int(tag, 16)) for tag in model}


REQUIRED = {
    "studies": (
        "StudyDate StudyTime AccessionNumber InstanceAvailability ModalitiesInStudy RetrieveURL "
        "ReferringPhysicianName TimezoneOffsetFromUTC PatientName PatientID PatientBirthDate "
        "PatientSex StudyInstanceUID StudyID NumberOfStudyRelatedSeries SpecificCharacterSet "
        "NumberOfStudyRelatedInstances"
    ),
    "series": (
        "Modality TimezoneOffsetFromUTC SeriesDescription RetrieveURL SeriesInstanceUID "
        "SeriesNumber NumberOfSeriesRelatedInstances PerformedProcedureStepStartDate "
        "PerformedProcedureStepStartTime RequestAttributesSequence SpecificCharacterSet"
    ),
    "instances": (
        "SOPClassUID SOPInstanceUID InstanceAvailability TimezoneOffsetFromUTC RetrieveURL "
        "InstanceNumber Rows Columns BitsAllocated NumberOfFrames SpecificCharacterSet"
    ),
}


@pytest.mark.django_db
def test_all_attributes_of_the_tables_are_answered(api):
    post(api, [file_of(full(1, NumberOfFrames="1"))])
    for level, names in REQUIRED.items():
        (found,) = api.get(f"/dicomweb/{level}").json()
        stated = {keyword_for_tag(int(tag, 16)) for tag, each in found.items() if "Value" in each}
        assert set(names.split()) <= stated, level
        # A search that names no study answers the study's too.
        assert set(REQUIRED["studies"].split()) <= stated
    (series,) = api.get(f"{STUDIES}/{ROOT}.1.2/series").json()
    assert "PatientName" not in keywords(series)
    (request,) = series["00400275"]["Value"]
    assert request["00400009"]["Value"] == ["SPS1"]
    assert series["0008103E"]["Value"] == ["胸部"]


@pytest.mark.django_db
def test_what_only_headers_say_is_searched_too(api):
    post(api, [file_of(full(1)), file_of(dicom_make(2, StudyTime="120000", StudyID="7"))])

    def found(level="studies", **parameters):
        answer = api.get(f"/dicomweb/{level}", parameters)
        assert "Warning" not in answer
        return [s["0020000D"]["Value"][0] for s in answer.json()] if answer.content else []

    one, two = [f"{ROOT}.1.2"], [f"{ROOT}.2.2"]
    assert found(StudyTime="10-11") == found(StudyTime="1011") == one
    assert found(StudyTime="1130-") == found(StudyID="7") == two
    assert found(ReferringPhysicianName="शर्मा*") == one
    assert found(ReferringPhysicianName="अनिल", fuzzymatching="true") == one
    assert found("series", SeriesNumber="1", SeriesDescription="胸*") == one
    assert found("series", **{"00400275.00401001": "RP1"}) == one
    assert found("series", **{"RequestAttributesSequence.ScheduledProcedureStepID": "X"}) == []
    assert found("series", PerformedProcedureStepStartDate="20260101-20260131") == one
    assert found("instances", InstanceNumber="2") == two


@pytest.mark.django_db
def test_the_patient_is_answered_as_corrected(api, site):
    post(api, [file_of(dicom_make())])
    KnownPatient.objects.create(site=site, patient_id="P1", birth_date="2019-12-31")
    (study,) = api.get(STUDIES).json()
    assert study["00100030"]["Value"] == ["20191231"]


@pytest.mark.django_db
def test_what_a_search_cannot_do_is_said(api, monkeypatch):
    sent = [dicom_make(n) for n in (1, 2, 3)]
    post(api, [file_of(each) for each in sent])
    for parameters in ({"includefield": "PatientWeight"}, {"PatientBirthDate": "20200101"}):
        answer = api.get(STUDIES, parameters)
        assert answer["Warning"].startswith("299"), parameters
        assert len(answer.json()) == 3
    assert "Warning" not in api.get(STUDIES, {"includefield": "all"})
    # Each of repeated parameters counts.
    assert "Warning" in api.get(f"{STUDIES}?includefield=PatientWeight&includefield=StudyID")
    for module in (dicomweb_query, dicomweb_views):
        monkeypatch.setattr(module, "MOST", 2)
    assert "additional" in api.get(STUDIES)["Warning"]
    assert len(api.get(STUDIES).json()) == 2


@pytest.mark.django_db
def test_more_headers_than_can_be_read_at_once(api, monkeypatch):
    post(api, [file_of(dicom_make(n)) for n in (1, 2, 3)])
    monkeypatch.setattr(held_headers, "READ_AT_ONCE", 2)
    refused = api.get(STUDIES, {"StudyID": "1"})
    assert (refused.status_code, refused.json()["code"]) == (413, "search_too_broad")
    assert len(api.get(STUDIES, {"StudyID": "1"}).json()) == 3


@pytest.mark.django_db
def test_a_header_that_cannot_be_read_answers_what_the_tables_know(api):
    number = b"\x20\x00\x11\x00IS\x02\x00"
    damaged = file_of(dicom_make(2)).replace(number + b"1 ", number + b"x ")
    post(api, [file_of(dicom_make(1)), damaged])
    image = Image.objects.get(sop_instance_uid=f"{ROOT}.1.1")
    image.file.storage.delete(image.file.name)
    studies = api.get(STUDIES).json()
    assert sorted("Value" in each["00080030"] for each in studies) == [False, True]
    (series,) = api.get(f"{STUDIES}/{ROOT}.2.2/series").json()
    assert (series["00200011"], series["00080060"]["Value"]) == ({"vr": "IS"}, ["DX"])
    assert not HeldHeader.objects.filter(image=image).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "parameters",
    [
        {"PatientName": "a b c d e f", "fuzzymatching": "true"},
        {"StudyDate": "yesterday"},
        {"limit": "x"},
        {"offset": "-1"},
        {"offset": "9" * 30},
        {"PatientID": "\x00"},
        {"PatientName": "*a*b*c*d*"},
        {"StudyTime": "noon"},
        {"StudyID": "\x00"},
    ],
)
def test_a_search_that_makes_no_sense_is_a_problem(api, parameters):
    answer = api.get(STUDIES, parameters)
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_request"


def addresses():
    series = f"{STUDIES}/{ROOT}.1.2/series/{ROOT}.1.3"
    instance = f"{series}/instances/{ROOT}.1.1"
    within = [f"{STUDIES}/{ROOT}.1.2", series, instance]
    return [
        *within,
        *(f"{each}/metadata" for each in within),
        f"{instance}/frames/1",
        f"{instance}/bulkdata/7FE00010",
        f"{instance}/rendered",
        f"{instance}/thumbnail",
    ]


SEARCHES = [
    STUDIES,
    "/dicomweb/series",
    "/dicomweb/instances",
    f"{STUDIES}/{ROOT}.1.2/series",
    f"{STUDIES}/{ROOT}.1.2/instances",
    f"{STUDIES}/{ROOT}.1.2/series/{ROOT}.1.3/instances",
]


@pytest.fixture
def held(api):
    post(api, [file_of(dicom_make())])
    image = Image.objects.get()
    picture = default_storage.save("renditions/aa/x.jpg", ContentFile(b"jpeg"))
    Image.objects.update(rendered=picture, thumbnail=picture)
    return image


@pytest.mark.django_db
@pytest.mark.parametrize("url", [*addresses(), *SEARCHES])
def test_each_address_lets_in_whom_it_should(url, held, user_of, api_of, other_site):
    def status(user=None):
        return api_of(user).get(url).status_code

    assert status() == 401
    assert status(user_of("model_steward")) == 403
    assert status(user_of("reader")) == 200
    assert status(user_of("reader", site=other_site)) == (204 if url in SEARCHES else 404)


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer"])
def test_a_token_comes_by_either_name(scheme, held, api):
    word = api._credentials["HTTP_AUTHORIZATION"].partition(" ")[2]
    answer = Client().get(STUDIES, headers={"Authorization": f"{scheme} {word}"})
    assert answer.status_code == 200
    forged = Client().get(STUDIES, headers={"Authorization": f"{scheme} {word}x"})
    assert (forged.status_code, forged["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.django_db
def test_who_may_not_upload_may_not_store(user_of, api_of):
    assert post(api_of(), [file_of(dicom_make())]).status_code == 401
    assert post(api_of(user_of("auditor")), [file_of(dicom_make())]).status_code == 403


@pytest.mark.django_db
def test_who_may_not_upload_where_they_work_now_may_not_store(reader, other_site, client_of):
    """A right at another of their sites does not help."""
    Membership.objects.create(user=reader, site=other_site, role=Role.MODEL_STEWARD)
    client = client_of(reader)
    client.post("/account/site/", {"site": other_site.pk})
    assert post(client, [file_of(dicom_make())]).status_code == 403
    assert not Arrival.objects.exists()


@pytest.mark.django_db
def test_what_is_not_there(held, api):
    instance = f"{STUDIES}/{ROOT}.1.2/series/{ROOT}.1.3/instances/{ROOT}.1.1"
    for url in (f"{STUDIES}/1.2.3", f"{instance}/frames/2", f"{instance}/bulkdata/00420011"):
        assert api.get(url).status_code == 404
    for wanted in ("²", ",".join(["1"] * 1001), "9" * 5000, "1,,1"):
        assert api.get(f"{instance}/frames/{wanted}").status_code == 400
    Image.objects.update(rendered="")
    assert api.get(f"{instance}/rendered").status_code == 503


@pytest.mark.django_db
def test_retrievals_are_recorded(held, api, reader):
    assert b"".join(api.get(f"{STUDIES}/{ROOT}.1.2").streaming_content)
    event = Event.objects.filter(action="study.export").get()
    assert (event.actor, event.object_id) == (reader, str(Study.objects.get().pk))


@pytest.mark.django_db
def test_the_stored_file_is_what_was_sent(held):
    with held.file.open("rb") as file:
        assert file.read() == file_of(dicom_make())


@pytest.mark.django_db
def test_what_is_deleted_while_it_is_searched_is_left_out(held):
    found, nothing = Image.objects.all(), Image.objects.none()
    first = slice(0, 5)
    assert studies_found(found, first, "r", held=nothing) == []
    assert series_found(found, first, "r", held=nothing, whole=True) == []
