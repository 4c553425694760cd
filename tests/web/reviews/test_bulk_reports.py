"""The reports of chosen studies in one zip: those that there are, and that this person may take."""

import io
import zipfile

import pytest

from pneumoscope.web.audit.models import Event
from web.pages import image_analysed, image_make, report_make, study_make

pytestmark = pytest.mark.django_db
HERE = "/reports/"


@pytest.fixture
def studies(site):
    """Two with a report here, one without, one with a report elsewhere."""
    found = []
    for where, reported in (("north", True), ("north", True), ("north", False), ("south", True)):
        study = study_make(site=where, patient_name="Doe^Jane")
        image_analysed(image_make(study))
        study.refresh_from_db()
        if reported:
            report_make(study)
        found.append(study)
    return found


def take(client, studies, query="", **more):
    return client.post(f"{HERE}{query}", {"study": [study.pk for study in studies]}, **more)


def test_reports_come_as_one_file_and_each_is_on_record(client_of, reader, studies):
    answer = take(client_of(reader), studies)
    assert answer.headers["Cache-Control"] == "no-store"
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert set(archive.namelist()) == {f"report-{study.pk}.pdf" for study in studies[:2]}
    assert all(archive.read(name).startswith(b"%PDF-") for name in archive.namelist())
    events = Event.objects.filter(action="report.export")
    assert {event.study for event in events} == {study.pk for study in studies[:2]}


def test_without_any_it_says_so_and_the_filter_stays(client_of, reader, studies):
    answer = take(client_of(reader), studies[2:], "?q=doe", follow=True)
    assert answer.redirect_chain == [("/?q=doe", 302)]
    assert "None of the chosen studies has a report yet." in answer.content.decode()
    assert not Event.objects.filter(action="report.export").exists()


def test_a_result_that_is_hidden_stays_so(client_of, reader, studies, site):
    site.reads_blind = True
    site.save()
    assert take(client_of(reader), studies).status_code == 302
