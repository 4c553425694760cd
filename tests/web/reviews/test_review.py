"""Reviews: kept, superseded and never changed; two at once; a second reader, and who decides."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.audit.models import Event
from pneumoscope.web.people.services import person_create
from pneumoscope.web.reviews.errors import NotIndependent, ReadingClosed, ReviewChanged
from pneumoscope.web.reviews.forms import LONGEST_SECONDS, opened_now, seconds_since
from pneumoscope.web.reviews.models import Kind, Reading, Review
from pneumoscope.web.reviews.services import Opinion, review_create
from web.pages import image_analysed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db
AGREE = Opinion(agreement="agree", label="pneumonia")
DISAGREE = Opinion(agreement="disagree", label="normal", comment="Motion")
DRAWN = "[[[20, 160], [60, 160], [60, 200], [20, 200]]]"


@pytest.fixture
def analysis(site):
    with transaction.atomic():
        return image_analysed(image_make(study_make(patient_id="4711")))


@pytest.fixture
def second(site):
    return person_create(
        acting_user=None, username="second", password="secret", role=Role.READER, site=site
    )


@pytest.fixture
def senior(user_of):
    return user_of(Role.SENIOR_READER)


def say(user, analysis, opinion=AGREE, *, kind=Kind.READING, supersedes=None):
    return review_create(
        acting_user=user, analysis=analysis, kind=kind, opinion=opinion, supersedes=supersedes
    )


def state(analysis):
    return Reading.objects.get(analysis=analysis).state


def form(agreement="agree", **fields):
    return {"kind": "reading", "agreement": agreement, "opened": opened_now()} | fields


def save_url(analysis):
    return reverse("reviews:review_save", args=[analysis.pk])


def text_of(client, analysis):
    return client.get(reverse("reviews:review", args=[analysis.pk])).content.decode()


def test_a_review_is_kept_with_who_when_how_long_and_on_which_model(reader, client_of, analysis):
    client = client_of(reader)
    data = form("disagree", label="normal", erased=["0"], comment="A skin fold")
    assert client.post(save_url(analysis), data).status_code == 302
    review = Review.objects.get()
    assert (review.reader, review.agreement, review.label) == (reader, "disagree", "normal")
    assert (review.erased_zones, review.comment) == (["right lower zone"], "A skin fold")
    assert review.seconds < LONGEST_SECONDS
    assert state(analysis) == "SECOND_WANTED"
    event = Event.objects.get(action="review.write")
    assert event.study == analysis.image.study_id
    assert event.detail["model"] == analysis.model_version.bundle_hash
    assert "A skin fold" in text_of(client, analysis)


def test_another_word_supersedes_and_the_first_stays(reader, analysis):
    first = say(reader, analysis, DISAGREE)
    say(reader, analysis, AGREE, supersedes=first.pk)
    first.refresh_from_db()
    assert first.superseded is not None
    assert first.label == "normal"
    assert state(analysis) == "READ"
    assert Review.objects.filter(superseded=None).count() == 1


def test_two_pages_of_one_reader_do_not_write_over_each_other(reader, client_of, analysis):
    Site.objects.update(time_zone="Africa/Nairobi")
    client = client_of(reader)
    client.post(save_url(analysis), form())
    answer = client.post(save_url(analysis), form("disagree", label="normal", comment="Kept"))
    page = answer.content.decode()
    assert "Not saved" in page
    assert re.search(r"You saved a review at \d\d:\d\d EAT", page)
    assert "Kept</textarea>" in page  # nothing typed is lost
    assert f'name="supersedes" value="{Review.objects.get().pk}"' in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"agreement": ""}, "required"),
        ({"agreement": "disagree"}, "Say what the image shows instead."),
        ({"agreement": "disagree", "label": "pneumonia"}, "Say what the image shows instead."),
        ({"agreement": "agree", "label": "normal"}, "choose Disagree"),
        ({"agreement": "agree", "label": "cancer"}, "not one of the available"),
        ({"agreement": "agree", "erased": ["9"]}, None),
        ({"agreement": "agree", "comment": "x" * 2001}, "at most 2000"),
        ({"agreement": "agree", "opened": "forged"}, ""),
    ],
)
def test_a_form_that_says_nothing_is_said_so(reader, client_of, analysis, data, words):
    answer = client_of(reader).post(save_url(analysis), form() | data)
    if words == "":
        assert Review.objects.get().seconds == LONGEST_SECONDS
        return
    assert not Review.objects.exists()
    assert (words or "form") in answer.content.decode()


def test_seconds_are_whole_and_a_forged_time_is_none():
    assert seconds_since(opened_now()) in {0, 1}
    assert seconds_since("1:2:3") == LONGEST_SECONDS


def test_a_second_reader_sees_no_first_word_before_their_own(reader, second, client_of, analysis):
    say(reader, analysis, DISAGREE)
    page = text_of(client_of(second), analysis)
    assert "Motion" not in page
    assert "Another reader has reviewed this image." in page
    say(second, analysis)
    assert "Motion" in text_of(client_of(second), analysis)
    assert state(analysis) == "DISPUTED"


def test_a_senior_who_did_not_read_decides(reader, second, senior, client_of, analysis):
    decide = {"kind": Kind.ADJUDICATION}
    with pytest.raises(ReadingClosed):
        say(senior, analysis, **decide)
    say(reader, analysis, DISAGREE)
    say(second, analysis)
    page = text_of(client_of(senior), analysis)
    assert "Adjudication" in page
    assert "Motion" in page
    assert 'value="unsure"' not in page
    client_of(senior).post(save_url(analysis), form("disagree", label="viral", kind="adjudication"))
    assert state(analysis) == "ADJUDICATED"
    with pytest.raises(ReadingClosed):
        say(second, analysis, supersedes=Review.objects.get(reader=second).pk)
    assert "viral pneumonia" in text_of(client_of(reader), analysis)


def test_nobody_decides_about_their_own_reading(reader, senior, analysis):
    say(reader, analysis, DISAGREE)
    say(senior, analysis)
    with pytest.raises(NotIndependent):
        say(senior, analysis, kind=Kind.ADJUDICATION)


def test_a_reader_does_not_decide(reader, second, client_of, user_of, analysis):
    say(second, analysis, DISAGREE)
    say(user_of(Role.ADMINISTRATOR), analysis)
    answer = client_of(reader).post(save_url(analysis), form(kind="adjudication"))
    assert answer.status_code == 404
    assert state(analysis) == "DISPUTED"


def test_the_database_holds_one_live_review_and_one_decision(reader, senior, analysis):
    review = say(reader, analysis)
    again = {"reading": review.reading, "reader": reader, "agreement": "agree", "seconds": 1}
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(label="pneumonia", **again)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(label="cancer", **again | {"reader": senior})
    decision = again | {"label": "normal", "kind": Kind.ADJUDICATION, "reader": senior}
    Review.objects.create(**decision)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(**decision | {"reader": reader})


def test_no_review_of_a_rejected_radiograph(reader, client_of, site):
    rejected = image_rejected(image_make(study_make()))
    answer = client_of(reader).get(reverse("reviews:review", args=[rejected.pk]))
    assert answer.status_code == 404


def test_a_script_in_a_comment_stays_text(reader, client_of, analysis):
    client = client_of(reader)
    client.post(save_url(analysis), form(comment="<script>alert(1)</script>"))
    assert "<script>alert(1)" not in text_of(client, analysis)
    assert "&lt;script&gt;alert(1)" in text_of(client, analysis)


def test_who_only_looks_sees_the_state_and_no_form(reader, user_of, client_of, analysis):
    say(reader, analysis, DISAGREE)
    page = text_of(client_of(user_of(Role.TECHNOLOGIST)), analysis)
    assert "Second reader wanted" in page
    assert "<form" not in page


def test_the_list_holds_what_waits_at_one_s_own_sites(
    reader, second, senior, user_of, client_of, other_site, analysis
):
    say(reader, analysis, DISAGREE)
    link = f"/studies/{analysis.image.study_id}/"
    url = reverse("reviews:readings")
    assert link in client_of(reader).get(url).content.decode()
    elsewhere = client_of(user_of(Role.SENIOR_READER, site=other_site))
    assert link not in elsewhere.get(url, {"show": "second"}).content.decode()
    assert "Nothing waits here." in client_of(senior).get(url).content.decode()
    say(second, analysis)
    assert link in client_of(senior).get(url).content.decode()


def test_the_list_says_how_much_waits_and_what_one_has_read_oneself(
    reader, second, senior, client_of, analysis
):
    say(reader, analysis, DISAGREE)
    tabs = {value: count for value, _, count in client_of(senior).get("/reviews/").context["tabs"]}
    assert tabs == {"adjudication": None, "second": 1, "done": None}
    assert ">yours<" in client_of(reader).get("/reviews/").content.decode()
    assert ">yours<" not in client_of(second).get("/reviews/").content.decode()


def test_the_list_goes_on_page_by_page(reader, client_of, monkeypatch, site):
    monkeypatch.setattr("pneumoscope.web.reviews.views.PAGE_SIZE", 2)
    for _ in range(3):
        say(reader, image_analysed(image_make(study_make())), DISAGREE)
    client = client_of(reader)
    first = client.get("/reviews/").context
    second = client.get("/reviews/", {"after": first["older"]}).context
    found = [reading.pk for page in (first, second) for reading in page["page"]]
    assert found == list(Reading.objects.values_list("pk", flat=True))
    assert not second["older"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [Kind.READING, Kind.ADJUDICATION])
def test_two_at_once_one_stands_and_the_other_is_told(kind, reader, second, user_of, analysis):
    seniors = [user_of(Role.SENIOR_READER), user_of(Role.ADMINISTRATOR)]
    if kind == Kind.ADJUDICATION:
        say(reader, analysis, DISAGREE)
        say(second, analysis)
    people = [reader] * 4 if kind == Kind.READING else seniors * 2

    def save(person):
        try:
            say(person, analysis, kind=kind)
        except ReviewChanged as error:
            return str(error)
        else:
            return "saved"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(save, people))
    assert outcomes.count("saved") == 1
    assert all("saved a review at" in each or each == "saved" for each in outcomes)
    assert Review.objects.filter(kind=kind, superseded=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_readers_at_once_both_stand(reader, second, senior, user_of, analysis):
    people = [reader, second, senior, user_of(Role.ADMINISTRATOR)]

    def save(person):
        try:
            return say(person, analysis, AGREE if person in {reader, senior} else DISAGREE).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(save, people))
    standing = Review.objects.filter(superseded=None)
    assert {each.pk for each in standing} == keys
    assert {each.reader for each in standing} == set(people)
    assert state(analysis) == "DISPUTED"
    assert Event.objects.filter(action="review.write").count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_is_one_review(reader, client_of, analysis):
    clients = [client_of(reader) for _ in range(3)]
    data = form("disagree", label="other", comment="A skin fold", drawn=DRAWN)

    def send(client):
        try:
            return client.post(save_url(analysis), data)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(send, clients))
    review = Review.objects.get()
    assert [each["zone"] for each in review.drawn_regions] == ["right lower zone"]
    assert sorted(each.status_code for each in answers) == [200, 200, 302]
    for answer in answers:
        if answer.status_code == 200:  # what was sent second is still in its form
            assert b"You saved a review at" in answer.content
            assert b"A skin fold</textarea>" in answer.content
            assert DRAWN.encode() in answer.content
    assert Event.objects.filter(action="review.write").count() == 1
