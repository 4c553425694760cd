"""The worklist: order, search, paging, rows that turn into results, uploads."""

import gzip
import re
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from pneumoscope.web.accounts.models import Membership
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.services import Opinion, review_create
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Image, SavedView, Study
from pneumoscope.web.studies.worklist import PAGE_SIZE, moment_word, page_of
from web.pages import image_analysed, image_failed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>.png"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


def names(page):
    return re.findall(r'data-says="([^:"]+)', page.content.decode())


def analysed(name, probability, **fields):
    image = image_make(study_make(**fields), name)
    image_analysed(image, probability)
    return image


def test_suspicious_first_then_newest_and_pending_on_top(client):
    analysed("old-suspicious", 0.9)
    analysed("old-clear", 0.1)
    analysed("new-suspicious", 0.5)
    analysed("new-clear", 0.2)
    image_make(study_make(), "waiting")
    by_suspicion = ["waiting", "new-suspicious", "old-suspicious", "new-clear", "old-clear"]
    assert names(client.get("/")) == by_suspicion
    newest = ["waiting", "new-clear", "new-suspicious", "old-clear", "old-suspicious"]
    assert names(client.get("/", {"sort": "newest"})) == newest


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("result", "suspicious", ["bright"]),
        ("result", "unlikely", ["dark", "grey"]),
        ("result", "uncertain", ["grey"]),
        ("state", "REJECTED", ["lateral"]),
        ("state", "FAILED", ["broken"]),
        ("state", "PENDING", ["waiting"]),
        ("age", "1-6", ["bright"]),
        ("sex", "F", ["dark"]),
        ("view", "AP", ["grey"]),
        ("source", "dicom", []),
        ("site", "north", ["bright", "broken", "dark", "grey", "lateral", "waiting"]),
        ("site", "elsewhere", ["bright", "broken", "dark", "grey", "lateral", "waiting"]),
        ("since", "2999-01-01", []),
        ("until", "2001-01-01", []),
        ("assigned", "me", ["bright"]),
        ("assigned", "nobody", ["broken", "dark", "grey", "lateral", "waiting"]),
    ],
)
def test_filters_show_what_they_say(client, reader, name, value, expected):
    analysed("bright", 0.9, age_years=1.0, assigned_to=reader)
    analysed("dark", 0.1, age_years=6.0, sex="F")
    grey = analysed("grey", 0.3)
    Image.objects.filter(pk=grey.pk).update(view_position="AP")
    image_rejected(image_make(study_make(), "lateral"))
    image_failed(image_make(study_make(), "broken"), "corrupt_file", "Damaged.", "Export again.")
    image_make(study_make(), "waiting")
    assert sorted(names(client.get("/", {name: value}))) == expected


def test_a_filter_that_is_not_understood_is_named(client):
    analysed("bright", 0.9)
    page = client.get("/", {"age": "elsewhere", "since": "soon"})
    assert names(page) == ["bright"]
    assert "not narrowed by: Age, Received from" in page.content.decode()
    assert "A filter was not understood" not in client.get("/", {"age": "1-6"}).content.decode()


def test_a_reason_is_chosen_by_its_words_and_one_that_is_not_on_the_list_stands(client):
    image_failed(image_make(study_make(), "odd"), "of_old", "Was.", "Is.")
    assert '<option value="lateral_view">Lateral view</option>' in client.get("/").content.decode()
    page = client.get("/", {"reason": "of_old"})
    assert names(page) == ["odd"]
    assert '<option value="of_old" selected>Of old</option>' in page.content.decode()


def test_who_reviewed_and_who_disagrees(client, reader, user_of):
    senior = user_of("senior_reader")

    def said(name, *words):
        analysis = analysed(name, 0.9).analysis
        for person, agreement, label in words:
            opinion = Opinion(agreement=agreement, label=label)
            kind = Kind.READING
            review_create(acting_user=person, analysis=analysis, kind=kind, opinion=opinion)
        return analysis

    said("agreed", (reader, "agree", "pneumonia"))
    said("disputed", (reader, "agree", "pneumonia"), (senior, "disagree", "normal"))
    said("unread")
    changed = said("changed", (senior, "disagree", "normal"))
    opinion = Opinion(agreement="agree", label="pneumonia")
    standing = changed.reading.reviews.get().pk
    review_create(
        acting_user=senior,
        analysis=changed,
        kind=Kind.READING,
        opinion=opinion,
        supersedes=standing,
    )

    def found(**asked):
        return sorted(names(client.get("/", asked)))

    assert found(reviewed=":me") == ["agreed", "disputed"]
    assert found(reviewed=senior.username) == ["changed", "disputed"]
    assert found(reviewed=":nobody") == ["unread"]
    assert found(reviewed="stranger") == ["agreed", "changed", "disputed", "unread"]
    assert found(disagreement="model") == ["disputed"]
    assert found(disagreement="readers") == ["disputed"]
    assert found(disagreement="readers", reviewed=":nobody") == []


def test_search_by_file_and_patient_and_a_way_back_when_nothing_matches(client):
    analysed("a.png", 0.9, patient_id="4711")
    analysed("b.png", 0.9)
    assert names(client.get("/", {"q": "A.PN"})) == ["a.png"]
    assert names(client.get("/", {"q": "4711"})) == ["a.png"]
    study = str(Image.objects.get(source_name="b.png").study_id)
    assert names(client.get("/", {"q": study})) == ["b.png"]
    nothing = client.get("/", {"q": "<i>none\x00"}).content.decode()
    assert "No study matches" in nothing
    assert "&lt;i&gt;none" in nothing
    assert "Show all studies" in nothing


@pytest.mark.parametrize(
    "query",
    [
        "?after=x",
        "?after=9.9.9",
        "?after=2.99999999999999999999.00",
        f"?after=99999999999999999999.1.{'0' * 32}",
        "?sort=no&result=no&since=x",
    ],
)
def test_nonsense_in_the_address_still_shows_a_page(client, query):
    analysed("a.png", 0.9)
    assert names(client.get(f"/{query}")) == ["a.png"]


# Of a full page; each filter may first ask how many it would find.
QUERIES = {
    "": 10,
    "sort=newest": 10,
    "result=suspicious&state=ANALYSED&source=upload": 10,
    "q=chest": 11,
    "q=chest+doe+4711": 13,
    "age=1-6": 13,
    "sex=F": 13,
    "view=AP": 13,
    "reason=corrupt_file": 11,
    "reviewed=:nobody": 11,
    "disagreement=model": 11,
    "assigned=me": 10,
    "since=2026-01-01&until=2100-01-01": 10,
}


def test_the_number_of_queries_does_not_grow_with_the_rows(client, django_assert_max_num_queries):
    for number in range(3):
        analysed(f"{number}.png", 0.9)
    client.get("/")
    with django_assert_max_num_queries(9) as three:
        client.get("/")
    for number in range(3, PAGE_SIZE + 2):
        image_make(study_make(), f"{number}.png")
    with django_assert_max_num_queries(10) as many:
        page = client.get("/")
    assert len(names(page)) == PAGE_SIZE
    # What does not fit on one page is counted.
    assert len(many) == len(three) + 1
    assert "after=" in page.content.decode()
    for asked, most in QUERIES.items():
        with django_assert_max_num_queries(most):
            assert client.get(f"/?{asked}").status_code == 200


@pytest.mark.parametrize("sort", ["suspicious", "newest"])
def test_pages_follow_each_other_without_a_gap_or_a_repeat(reader, sort, other_site):
    """Also for who reads at two sites, and where studies came at the same moment."""
    Membership.objects.create(user=reader, site=other_site, role="reader")
    for number in range(7):
        where = "south" if number in {2, 5} else "north"
        analysed(f"{number}", 0.9 if number % 2 else 0.1, site=where)
    same_moment = Study.objects.values_list("created", flat=True)[0]
    Study.objects.filter(pk__in=list(Study.objects.values_list("pk", flat=True)[:4])).update(
        created=same_moment
    )
    filters = Filters(reader, {"sort": sort})
    whole, none = page_of(filters)
    assert none == ""
    seen, after = [], ""
    while True:
        page, after = page_of(filters, after, size=2)
        seen += page
        if not after:
            break
    assert seen == whole
    assert len(seen) == 7
    key = (
        (lambda s: (s.urgency, s.created, s.pk))
        if sort == "suspicious"
        else (lambda s: (s.created, s.pk))
    )
    assert seen == sorted(seen, key=key, reverse=True)


def test_a_view_is_kept_found_again_and_forgotten(client, user_of, client_of):
    kept = client.post("/views/", {"name": SCRIPT, "query": "result=suspicious&state=nonsense"})
    assert kept.url == "/?result=suspicious"
    page = client.get("/").content.decode()
    assert 'href="?result=suspicious">&lt;script&gt;' in page
    other = client_of(user_of("technologist"))
    assert "&lt;script&gt;" not in other.get("/").content.decode()
    view = SavedView.objects.get()
    other.post("/views/", {"forget": view.pk})
    assert SavedView.objects.exists()
    client.post("/views/", {"forget": view.pk})
    assert not SavedView.objects.exists()
    assert "has no name" in client.post("/views/", {"name": " "}, follow=True).content.decode()


def test_a_pending_row_is_answered_only_when_it_has_changed(client):
    image = image_make(study_make(), "waiting")
    page = client.get("/").content.decode()
    token = re.search(r'data-pending="([^"]+)"', page).group(1)
    assert client.get("/rows/", {"row": token}).content.strip() == b""
    image_analysed(image, 0.91)
    answer = client.get("/rows/", {"row": f"{token},nonsense,{'f' * 32}.RECEIVED.1.0"})
    row = answer.content.decode()
    assert 'hx-swap-oob="true"' in row
    assert "Likely pneumonia" in row
    assert "data-pending" not in row


def test_text_from_a_file_name_stays_text(client):
    study = study_make(patient_id=SCRIPT, patient_name=SCRIPT, sex="<u>")
    image = image_make(study, SCRIPT, view_position="<u>")
    image_analysed(image)
    image_failed(image_make(study_make(), SCRIPT), "corrupt_file", SCRIPT, SCRIPT)
    for url in ("/", "/?q=script", f"/studies/{study.pk}/", f"/images/{image.pk}/panel/"):
        page = client.get(url).content.decode()
        assert "<script>alert" not in page
        assert "<u>" not in page
        assert "&lt;script&gt;alert(1)" in page
    revealed = client.post(f"/studies/{study.pk}/patient/").content.decode()
    assert "<script" not in revealed


def test_pages_carry_no_inline_style_or_script(client, reader):
    image = image_make(study_make())
    image_analysed(image)
    for url in ("/", f"/studies/{image.study_id}/", "/models/", "/nowhere/"):
        page = client.get(url, follow=True).content.decode()
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)
        assert "Research use only – not a medical device" in page


@pytest.mark.usefixtures("model")
def test_without_scripts_an_upload_leads_back_to_the_worklist_and_says_what_failed(
    client, radiograph
):
    parts = [SimpleUploadedFile("empty.png", b""), SimpleUploadedFile("chest.jpg", radiograph)]
    answer = client.post(reverse("studies:upload"), {"file": parts})
    assert answer.status_code == 302
    page = client.get(answer.url).content.decode()
    assert "chest.jpg" in page
    assert "empty.png: The file is empty." in page


def test_an_empty_worklist_names_the_next_step(client, user_of, client_of):
    assert "Choose files" in client.get("/").content.decode()
    steward = client_of(user_of("model_steward")).get("/").content.decode()
    assert "Choose files" not in steward
    assert "with the right to upload" in steward


def test_words_travel_compressed_and_pictures_as_they_are(client):
    for number in range(PAGE_SIZE):
        analysed(f"ward-{number}.png", 0.9)
    answer = client.get("/", headers={"accept-encoding": "gzip"})
    page = gzip.decompress(answer.content).decode()
    assert page.count('data-says="ward-') == PAGE_SIZE
    assert len(answer.content) < len(page) / 5
    [picture] = set(re.findall(r'src="([^"]+thumbnail[^"]*)"', page)[:1])
    answer = client.get(picture, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_what_others_send_comes_without_a_reload(client, other_site):
    since = moment_word()
    analysed("before", 0.9)
    Study.objects.update(created=timezone.now() - timedelta(minutes=5))
    assert client.get("/rows/", {"since": since}).content.strip() == b""
    analysed("bright", 0.9)
    analysed("dark", 0.1)
    image_make(study_make(site=other_site.code), "elsewhere")
    answer = client.get("/rows/", {"since": since}, headers=HTMX)
    assert names(answer) == ["dark", "bright"]
    assert 'hx-swap-oob="afterbegin:#rows"' in answer.content.decode()
    assert "3 studies" in answer.content.decode()
    assert int(answer.headers["X-Pneumoscope-Since"]) >= int(since)
    filtered = client.get("/rows/", {"since": since, "result": "suspicious"}, headers=HTMX)
    assert names(filtered) == ["bright"]


@pytest.mark.parametrize("since", ["", "soon", "-1", "9" * 40, "99999999999"])
def test_no_moment_brings_nothing(client, since):
    analysed("bright", 0.9)
    assert client.get("/rows/", {"since": since}).content.strip() == b""


def test_only_the_first_page_waits_for_others(client, monkeypatch):
    monkeypatch.setattr("pneumoscope.web.studies.views.page_of", partial(page_of, size=1))
    analysed("one", 0.9)
    analysed("two", 0.9)
    first = client.get("/")
    assert "data-since" in first.content.decode()
    second = client.get("/", {"after": first.context["after"]})
    assert "data-since" not in second.content.decode()
