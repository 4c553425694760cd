"""What is done with several studies at once: export, assign, delete; by right, at one's site."""

import csv
import io

import pytest
from django.core.files.storage import default_storage

from pneumoscope.web.accounts.models import Membership
from pneumoscope.web.audit.models import Event
from pneumoscope.web.reviews.models import Kind, Report
from pneumoscope.web.reviews.reporting import report_save, sections_written
from pneumoscope.web.reviews.services import Opinion, review_create
from pneumoscope.web.studies.models import Image, Study
from web.incoming import arrival_make
from web.pages import image_analysed, image_make, report_make, site_make, study_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def studies(site):
    found = []
    for number in range(2):
        study = study_make(patient_id=f"=47{number}", patient_name="Doe^Jane", sex="=F")
        image_analysed(image_make(study, "Doe.png"))
        found.append(Study.objects.get(pk=study.pk))
    return found


def do(client, what, studies, *, follow=False, **more):
    data = {"do": what, "study": [s.pk for s in studies], **more}
    return client.post("/selection/", data, follow=follow)


def lines(answer):
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_chosen_studies_as_csv_without_patients_and_on_record(client_of, reader, studies):
    answer = do(client_of(reader), "export", studies[:1])
    [line] = lines(answer)
    assert line["study"] == str(studies[0].pk)
    assert line["patient"].startswith("P-")
    assert line["sex"] == "'=F"
    assert float(line["probability"]) == pytest.approx(0.91)
    assert len(line["model_hash"]) == 64
    assert "not a medical device" in line["notice"]
    assert "Doe" not in str(line)
    assert "=47" not in str(line)
    assert Event.objects.get(action="study.export").study == studies[0].pk


def test_all_that_a_filter_finds_as_csv(client_of, reader, studies, other_site):
    study_make(site="south")
    client = client_of(reader)
    assert len(lines(client.get("/worklist.csv"))) == 2
    assert lines(client.get("/worklist.csv", {"result": "unlikely"})) == []
    event = Event.objects.get(action="study.export")
    assert (event.site, event.detail) == (reader.site, {"by": []})


def test_an_export_is_on_record_where_the_studies_are(client_of, reader, studies, other_site):
    Membership.objects.create(user=reader, site=other_site, role="reader")
    study_make(site="south")
    client_of(reader).get("/worklist.csv")
    events = Event.objects.filter(action="study.export")
    assert {event.site.code for event in events} == {"north", "south"}
    client_of(reader).get("/")
    listed = Event.objects.filter(action="study.list")
    assert {event.site.code: event.detail["count"] for event in listed} == {"north": 2, "south": 1}


def test_a_filter_that_is_not_understood_exports_nothing(client_of, reader, studies):
    assert client_of(reader).get("/worklist.csv", {"since": "x"}).status_code == 400
    assert not Event.objects.filter(action="study.export").exists()


def test_assigning_to_somebody_who_reads_here(client_of, reader, user_of, studies, other_site):
    senior = user_of("senior_reader")
    client = client_of(reader)
    do(client, "assign", studies, reader=senior.pk)
    assert {s.assigned_to for s in Study.objects.all()} == {senior}
    assert Event.objects.filter(action="study.assign").count() == 2
    assert "for senior_reader-north" in client.get("/").content.decode()
    for stranger in (user_of("auditor"), user_of("reader", site=other_site)):
        do(client, "assign", studies, reader=stranger.pk)
        assert {s.assigned_to for s in Study.objects.all()} == {None}


def test_deleting_takes_files_and_leaves_what_another_site_has(
    client_of, user_of, studies, django_capture_on_commit_callbacks
):
    [first, second] = studies
    image = first.images.get()
    shared = second.images.get()
    elsewhere = image_make(study_make(site="south"))
    Image.objects.filter(pk=elsewhere.pk).update(sha256=shared.sha256, file=shared.file.name)
    with django_capture_on_commit_callbacks(execute=True):
        do(client_of(user_of("administrator")), "delete", studies)
    assert Study.objects.count() == 1
    for name in (image.file.name, image.rendered.name, image.thumbnail.name):
        assert not default_storage.exists(name)
    assert default_storage.exists(shared.file.name)
    assert Event.objects.filter(action="study.delete").count() == 2


@pytest.mark.parametrize(
    ("outcome", "kept"), [("waiting", True), ("failed", True), ("duplicate", False)]
)
def test_a_file_that_still_has_to_be_taken_in_stays(
    client_of, user_of, django_capture_on_commit_callbacks, outcome, kept
):
    image = image_make(study_make())
    arrival_make(site=site_make("south"), file=image.file.name, outcome=outcome, reason="disk")
    with django_capture_on_commit_callbacks(execute=True):
        do(client_of(user_of("administrator")), "delete", [image.study])
    assert not Image.objects.exists()
    assert default_storage.exists(image.file.name) is kept


def test_what_is_signed_or_reviewed_is_kept_and_a_draft_is_not(client_of, user_of, reader, studies):
    [signed, reviewed] = studies
    drafted = study_make()
    analysis = image_analysed(image_make(drafted))
    drafted.refresh_from_db()
    report_make(drafted)
    sections = sections_written(signed.headline)
    report_save(acting_user=reader, study=signed, sections=sections, revision=0, sign=True)
    review_create(
        acting_user=reader,
        analysis=reviewed.headline,
        kind=Kind.READING,
        opinion=Opinion(agreement="agree", label="pneumonia"),
    )
    client = client_of(user_of("administrator"))
    page = do(client, "delete", [*studies, drafted], follow=True).content.decode()
    assert "2 studies kept: a signed report or a review rests on it." in page
    assert set(Study.objects.all()) == {signed, reviewed}
    assert not Report.objects.filter(analysis=analysis.pk).exists()
    assert default_storage.exists(signed.images.get().file.name)


@pytest.mark.parametrize(
    ("what", "role"),
    [("export", "technologist"), ("assign", "technologist"), ("delete", "reader")],
)
def test_each_action_needs_its_right(client_of, user_of, studies, what, role):
    assert do(client_of(user_of(role)), what, studies).status_code == 403
    assert Study.objects.count() == 2


@pytest.mark.parametrize("what", ["export", "assign", "delete"])
def test_another_site_s_studies_are_out_of_reach(client_of, user_of, studies, what, other_site):
    stranger = user_of("administrator", site=other_site)
    answer = do(client_of(stranger), what, studies, reader=stranger.pk)
    if what == "export":
        assert lines(answer) == []
    assert Study.objects.filter(assigned_to=None).count() == 2


@pytest.mark.parametrize("data", [{}, {"do": "export"}, {"do": "no", "study": "x"}])
def test_nothing_chosen_says_so(client_of, reader, studies, data):
    page = client_of(reader).post("/selection/", data, follow=True).content.decode()
    assert "No study was chosen" in page
