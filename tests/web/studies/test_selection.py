"""What is done with several studies at once: export, assign, delete; by right, at one's site."""

import csv
import io

import pytest
from django.core.files.storage import default_storage

from pneumoscope.web.audit.models import Event
from pneumoscope.web.studies.models import Image, Study
from web.pages import image_analysed, image_make, study_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def studies(site):
    found = []
    for number in range(2):
        study = study_make(patient_id=f"=47{number}", patient_name="Doe^Jane", sex="=F")
        image_analysed(image_make(study, "Doe.png"))
        found.append(Study.objects.get(pk=study.pk))
    return found


def do(client, what, studies, **more):
    return client.post("/selection/", {"do": what, "study": [s.pk for s in studies], **more})


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
    assert Event.objects.filter(action="study.export").last().detail == {"by": []}


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
