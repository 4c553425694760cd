"""Reports: written from the result, signed once, never changed, added to, taken along safely."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import translation

from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.audit.models import Event
from pneumoscope.web.reviews.errors import ReportChanged, ReportNotSigned, ReportSigned
from pneumoscope.web.reviews.models import Addendum, Report
from pneumoscope.web.reviews.report_pdf import report_pdf
from pneumoscope.web.reviews.reporting import (
    addendum_create,
    content_hash,
    report_save,
    sections_written,
)
from pneumoscope.web.studies.templatetags.reading import finding_sentence
from web.pages import image_analysed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script> <b>bold</b> & <para>"


@pytest.fixture
def study(site):
    found = study_make(patient_id="4711", patient_name="Doe^Jane", age_years=4, sex="F")
    image_analysed(image_make(found))
    found.refresh_from_db()
    return found


@pytest.fixture
def sections(study):
    return sections_written(study.headline)


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


def url(study, name="report"):
    return reverse(f"reviews:{name}", args=[study.pk])


def write(client, study, sections, *, step="save", revision=0):
    data = {**sections, "revision": revision, "step": step}
    return client.post(url(study, "report_write"), data)


def save(reader, study, sections, **options):
    options = {"revision": 0, **options}
    return report_save(acting_user=reader, study=study, sections=sections, **options)


def test_the_first_words_are_the_result_s(client, study):
    page = client.get(url(study)).content.decode().replace("\u00a0", " ")
    assert "Automated analysis: Likely pneumonia – 91 % (operating threshold 34 %)." in page
    assert "Evidence lies in: right lower zone." in page
    assert "cannot establish the cause" in page
    assert "Draft – not signed" in page
    assert "Research use only – not a medical device" in page
    assert not Report.objects.exists()
    assert Event.objects.get(action="report.view").study == study.pk


def test_a_draft_can_be_edited_and_says_what_was(client, study, sections):
    write(client, study, sections)
    write(client, study, sections | {"impression": "Pneumonia, right."}, revision=2)
    report = Report.objects.get()
    assert (report.impression, report.revision) == ("Pneumonia, right.", 3)
    assert client.get(url(study)).content.decode().count("edited by the reader") == 1
    assert client.get(url(study, "report_json")).json()["edited"] == ["impression"]


def test_signing_freezes_what_the_hash_covers(client, reader, study, sections):
    write(client, study, sections, step="sign")
    report = Report.objects.get()
    assert (report.signed_by, report.content["image"]) == (reader, study.images.get().sha256)
    assert report.content["model"]["hash"] == study.headline.model_version.bundle_hash
    assert report.content_hash == content_hash(report.content)
    answer = write(client, study, sections | {"impression": "No"}, revision=report.revision)
    page = answer.content.decode()
    assert "signed this report on" in page
    report.refresh_from_db()
    assert report.impression == sections["impression"]
    signed = client.get(url(study, "report_json")).json()
    assert (signed["status"], signed["hash"]) == ("signed", report.content_hash)
    assert "Doe" not in str(signed)


def test_nobody_saves_over_words_they_have_not_seen(client, study, sections):
    write(client, study, sections)
    write(client, study, sections | {"findings": "First"}, revision=2)
    page = write(client, study, sections | {"findings": "Second"}, revision=2).content.decode()
    assert "saved this draft at" in page
    assert "Second</textarea>" in page
    assert Report.objects.get().findings == "First"


@pytest.mark.parametrize("name", ["findings", "impression"])
def test_a_report_says_something(client, study, sections, name):
    assert "required" in write(client, study, sections | {name: " "}).content.decode()
    assert not Report.objects.exists()


def test_words_are_added_only_after_signing_and_chained(reader, client, study, sections):
    with pytest.raises(ReportNotSigned):
        addendum_create(acting_user=reader, study=study, text="Early")
    report = save(reader, study, sections, sign=True)
    client.post(url(study, "report_add"), {"text": "Called the ward."})
    addendum_create(acting_user=reader, study=study, text="Called again.")
    first, second = Addendum.objects.all()
    assert len({report.content_hash, first.content_hash, second.content_hash}) == 3
    assert "Called the ward." in client.get(url(study)).content.decode()
    client.post(url(study, "report_add"), {"text": "  "})
    assert Addendum.objects.count() == 2


def test_as_long_an_addendum_as_the_page_takes_is_kept(reader, client, study, sections):
    save(reader, study, sections, sign=True)
    typed = "a" * 1999 + "\n" + "b" * 2000
    client.post(url(study, "report_add"), {"text": typed.replace("\n", "\r\n")})
    assert [each.text for each in Addendum.objects.all()] == [typed]


def test_the_database_holds_no_half_signature(reader, study, sections):
    report = save(reader, study, sections)
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(signed_by=reader)
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(content_hash="ab")


def test_the_pdf_is_the_same_bytes_and_names_whom_it_may(reader, study, sections):
    report = save(reader, study, sections, sign=True)
    pdf = report_pdf(report, named=True)
    assert pdf.startswith(b"%PDF")
    assert pdf == report_pdf(report, named=True)
    assert pdf != report_pdf(report, named=False)


def test_a_script_stays_text_on_page_paper_and_in_json(reader, client, study):
    hostile = dict.fromkeys(("indication", "technique", "findings", "impression"), SCRIPT)
    study.patient_name = study.accession_number = SCRIPT[:16]
    study.save()
    save(reader, study, hostile)
    assert b"<script>alert(1)" not in client.get(url(study)).content
    assert client.get(url(study, "report_pdf")).status_code == 200
    assert client.get(url(study, "report_json")).json()["content"]["findings"] == SCRIPT
    write(client, study, hostile, step="sign", revision=2)
    client.post(url(study, "report_add"), {"text": SCRIPT})
    assert b"<script>alert(1)" not in client.get(url(study)).content
    pdf = client.get(url(study, "report_pdf"))
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf["Cache-Control"] == "no-store"
    assert Event.objects.filter(action="report.export").count() == 3


@pytest.mark.parametrize("language", ["es", "hi"])
def test_a_report_keeps_the_language_of_whoever_started_it(
    language, reader, user_of, client_of, study
):
    reader.language = language
    reader.save()
    first, second = client_of(reader), client_of(user_of(Role.SENIOR_READER))
    with translation.override(language):
        words = sections_written(study.headline)
        said = finding_sentence(study.headline)
    write(first, study, words)
    assert Report.objects.get().language == language
    page = second.get(url(study)).content.decode()
    assert f'lang="{language}"' in page
    assert "edited by the reader" not in page
    write(second, study, words, step="sign", revision=2)
    content = Report.objects.get().content
    assert (content["language"], content["result"]) == (language, said)
    assert said in content["findings"]
    with translation.override(language):
        paper = report_pdf(Report.objects.get(), named=True)
    assert second.get(url(study, "report_pdf")).content == paper
    with translation.override("fr"):
        assert report_pdf(Report.objects.get(), named=True) == paper


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_every_sentence_ends_once(language, study):
    study.headline.record["uncertain"] = True
    with translation.override(language):
        words = sections_written(study.headline)
    sentences = "\n".join(filter(None, words.values())).splitlines()
    assert len(sentences) == 5
    assert all(re.search(r"[^.।][.।]$", each) for each in sentences)


@pytest.mark.django_db(transaction=True)
def test_papers_made_at_once_are_as_made_alone(reader, study, sections):
    joined = sections | {"findings": "क्षत्रिय स्तर ज्ञान"}
    report = save(reader, study, joined)
    alone = report_pdf(report, named=True)

    def again(_):
        try:
            return report_pdf(report, named=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(again, range(4))) == {alone}


def test_no_report_without_a_result(client, site):
    rejected = study_make()
    image_rejected(image_make(rejected))
    assert client.get(url(rejected)).status_code == 404


def test_who_only_looks_reads_and_does_not_write(reader, user_of, client_of, study, sections):
    technologist = client_of(user_of(Role.TECHNOLOGIST))
    assert "Nobody has written" in technologist.get(url(study)).content.decode()
    save(reader, study, sections, sign=True)
    page = technologist.get(url(study)).content.decode()
    assert "Signed by reader-north" in page
    assert "<textarea" not in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("drafted", [False, True])
def test_signed_twice_at_once_there_is_one_signature(drafted, reader, user_of, study, sections):
    revision = save(reader, study, sections).revision if drafted else 0
    people = [reader, user_of(Role.SENIOR_READER)] * 2

    def sign(person):
        try:
            save(person, study, sections, revision=revision, sign=True)
        except (ReportSigned, ReportChanged) as error:
            return str(error)
        else:
            return "signed"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(sign, people))
    assert outcomes.count("signed") == 1
    assert sum("signed this report on" in each for each in outcomes) == 3
    assert Event.objects.filter(action="report.sign").count() == 1
