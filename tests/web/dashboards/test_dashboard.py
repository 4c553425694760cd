"""The dashboard: what it counts, whom it shows it, and that its links lead to what it counted."""

import html
import json
import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pneumoscope.web.accounts.models import Membership, User
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.dashboards.cohort import Cohort
from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.totals import totals
from pneumoscope.web.dashboards.waiting import queue_of
from pneumoscope.web.reviews.models import Kind, Reading, Review
from pneumoscope.web.reviews.states import Agreement, Label, ReadingState
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Analysis, Description, Image, Study
from web.pages import image_analysed, image_failed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db

ADDRESS = "/dashboard/"


@pytest.fixture
def senior(user_of):
    return user_of(Role.SENIOR_READER)


@pytest.fixture
def client(senior, client_of):
    return client_of(senior)


def received(study, *, days_ago=0, **fields):
    Study.objects.filter(pk=study.pk).update(
        created=timezone.now() - timedelta(days=days_ago), **fields
    )
    return study


def analysed(probability=0.9, *, days_ago=0, view="PA", seconds=4, site="north", **fields):
    """A study with one result, `seconds` after its image came."""
    image = image_make(received(study_make(site=site, **fields), days_ago=days_ago))
    result = image_analysed(image, probability)
    came = timezone.now() - timedelta(days=days_ago)
    Image.objects.filter(pk=image.pk).update(created=came, queued=came, view_position=view)
    when = came + timedelta(seconds=seconds)
    Analysis.objects.filter(pk=result.pk).update(created=when)
    Image.objects.filter(pk=image.pk).update(first_result=when)
    return Analysis.objects.get(pk=result.pk)


def reviewed(result, reader, label, *, kind=Kind.READING, state=ReadingState.READ, **fields):
    reading = Reading.objects.get_or_create(analysis=result)[0]
    Reading.objects.filter(pk=reading.pk).update(state=state)
    agrees = (label not in {Label.NORMAL, Label.OTHER}) == result.positive
    values = {"agreement": Agreement.AGREE if agrees else Agreement.DISAGREE, "seconds": 9}
    values |= {"label": label, **fields}
    return Review.objects.create(reading=reading, reader=reader, kind=kind, **values)


def page_of(client, **asked):
    answer = client.get(ADDRESS, asked)
    assert answer.status_code == HTTPStatus.OK
    return answer.content.decode()


def text_of(page):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).replace("\u00a0", " ")


def cohort_of(question):
    return Cohort(question.site_keys, question.bins, question.blind)


def counted(user, **asked):
    question = Question(user, asked)
    return totals(cohort_of(question))


@pytest.mark.parametrize("role", ["administrator", "model_steward", "senior_reader"])
def test_those_who_answer_for_the_readings_see_it(role, user_of, client_of):
    assert "Dashboard" in page_of(client_of(user_of(role)))


@pytest.mark.parametrize("role", ["technologist", "auditor"])
def test_others_do_not_and_are_not_led_there(role, user_of, client_of):
    client = client_of(user_of(role))
    assert client.get(ADDRESS).status_code == HTTPStatus.FORBIDDEN
    assert f'href="{ADDRESS}"' not in client.get("/account/").content.decode()


def test_a_visitor_signs_in_first():
    answer = Client().get(ADDRESS)
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.url == f"/login/?next={ADDRESS}"


def test_another_sites_studies_do_not_exist(client, other_site, user_of, client_of):
    analysed(site=other_site.code)
    for asked in ({}, {"site": "south"}, {"site": "nowhere"}):
        page = page_of(client, **asked)
        assert "No studies in this period" in page
        assert "South" not in page
    theirs = page_of(client_of(user_of(Role.SENIOR_READER, site=other_site)))
    assert "No studies in this period" not in theirs


def test_a_site_without_the_right_is_left_out_for_who_works_at_two(senior, client, other_site):
    Membership.objects.create(user=senior, site=other_site, role=Role.TECHNOLOGIST)
    analysed(site="south")
    assert "No studies in this period" in page_of(client)
    Membership.objects.filter(site=other_site).update(role=Role.SENIOR_READER)
    assert "No studies in this period" not in page_of(client)
    assert "No studies in this period" in page_of(client, site="north")


def test_bins_count_each_study_once_by_the_day_it_came(senior):
    for days_ago in (0, 0, 3, 6, 7, 13, 14):
        analysed(days_ago=days_ago)
    found = counted(senior, days="7")
    assert [tally.received for tally in found.bins] == [1, 0, 0, 1, 0, 0, 2]
    assert found.before.received == 2
    assert [tally.received for tally in counted(senior, days="30").bins][-15:-12] == [1, 1, 0]


def test_days_begin_at_midnight_where_the_person_works(senior):
    study = analysed().image.study
    with timezone.override("Pacific/Kiritimati"):
        start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        Study.objects.filter(pk=study.pk).update(created=start)
        assert [tally.received for tally in counted(senior, days="7").bins][-2:] == [0, 1]
        Study.objects.filter(pk=study.pk).update(created=start - timedelta(microseconds=1))
        assert [tally.received for tally in counted(senior, days="7").bins][-2:] == [1, 0]


def test_what_became_of_studies(senior):
    analysed(0.9)
    analysed(0.1)
    image_rejected(image_make(study_make()))
    image_failed(image_make(study_make()), "corrupt_file", "Damaged.", "Export again.")
    image_make(study_make())
    tally = counted(senior).bins[-1]
    assert (tally.received, tally.analysed, tally.unfit, tally.pending) == (5, 2, 2, 1)
    assert (tally.suspicious.part, tally.suspicious.whole) == (1, 2)
    assert (tally.without_result.part, tally.without_result.whole) == (2, 4)


def test_groups_by_site_age_sex_and_view(senior, other_site):
    Membership.objects.create(user=senior, site=other_site, role=Role.MODEL_STEWARD)
    analysed(0.9, age_years=3, sex="F", view="AP")
    analysed(0.1, age_years=40, sex="M", site="south", view="")
    two_views = analysed(0.1, sex="<u>").image
    image_make(two_views.study, "lateral.png", view_position="LL")
    groups = counted(senior).groups
    seen = {key: {v: t.received for v, t in by.items()} for key, by in groups.items()}
    assert seen["age"] == {"1-6": 1, "18-65": 1, "": 1}
    assert seen["sex"] == {"F": 1, "M": 1, "<u>": 1}
    assert seen["view"] == {"AP": 1, "": 1, "PA": 1, "LL": 1}
    assert sorted(seen["site"].values()) == [1, 2]
    assert groups["age"]["1-6"].suspicious.part == 1


def test_what_was_typed_groups_as_it_filters(senior):
    study = analysed(age_years=3, sex="F", view="").image.study
    Description.objects.create(study=study, age_years=40, sex="M", view_position="AP")
    groups = counted(senior).groups
    assert [list(groups[key]) for key in ("age", "sex", "view")] == [["18-65"], ["M"], ["AP"]]
    assert Filters(senior, {"age": "18-65", "sex": "M", "view": "AP"}).studies().get() == study


def test_who_is_right_by_readers_and_by_whom_they_leave_it_to(senior, reader, user_of):
    """Called and found; a decision counts before the readers, doubt and open dispute not at all."""
    third = user_of(Role.ADMINISTRATOR)
    reviewed(analysed(0.9), reader, Label.BACTERIAL)
    reviewed(analysed(0.9), reader, Label.OTHER)
    reviewed(analysed(0.1), reader, Label.NORMAL)
    reviewed(analysed(0.1), reader, Label.VIRAL, superseded=timezone.now())
    reviewed(analysed(0.1), reader, "", agreement=Agreement.UNSURE)
    disputed = analysed(0.9)
    reviewed(disputed, reader, Label.NORMAL)
    reviewed(disputed, senior, Label.PNEUMONIA, state=ReadingState.DISPUTED)
    decided = analysed(0.1)
    for person, label in ((reader, Label.NORMAL), (senior, Label.VIRAL)):
        reviewed(decided, person, label)
    adjudicated = {"kind": Kind.ADJUDICATION, "state": ReadingState.ADJUDICATED}
    reviewed(decided, third, Label.BACTERIAL, **adjudicated)
    site = next(iter(counted(senior).groups["site"].values()))
    assert site.found == {
        (True, True): 1,
        (True, False): 1,
        (False, False): 1,
        (False, True): 1,
        (False, None): 2,
        (True, None): 1,
    }
    assert (site.sensitivity.part, site.sensitivity.whole) == (1, 2)
    assert (site.specificity.part, site.specificity.whole) == (1, 2)
    assert (site.agreement.part, site.agreement.whole) == (4, 7)


def test_shares_of_too_few_are_not_shown_and_it_says_so(client, reader):
    for number in range(12):
        result = analysed(0.9 if number < 10 else 0.1)
        reviewed(result, reader, Label.PNEUMONIA if number < 11 else Label.NORMAL)
    text = text_of(page_of(client, days="7"))
    assert "91 % (62–98 %; n 11)" in text
    assert "not shown: n 1" in text
    assert "Shares of fewer than 10 are not shown" in text


def test_times_to_result_and_to_the_first_review(client, reader, senior):
    for seconds in (2, 4, 90):
        result = analysed(seconds=seconds)
        for person, minutes in ((reader, 30), (senior, 300)):
            review = reviewed(result, person, Label.PNEUMONIA)
            at = result.created + timedelta(minutes=minutes)
            Review.objects.filter(pk=review.pk).update(created=at)
    text = text_of(page_of(client, days="7"))
    assert "Time to result 4.0 s half within this; nine in ten within 1.5 min" in text
    assert "30 min 30 min 3" in text


def test_the_queue_now_and_by_the_hour(senior):
    now = timezone.now()
    slow = image_make(study_make())
    Image.objects.filter(pk=slow.pk).update(queued=now - timedelta(hours=5))
    done = analysed().image
    hours_ago = {"queued": now - timedelta(hours=9), "first_result": now - timedelta(hours=7)}
    Image.objects.filter(pk=done.pk).update(**hours_ago)
    queue = queue_of(senior.sites_with("dashboard.view"))
    assert queue.now == 1
    assert queue.oldest == now - timedelta(hours=5)
    # The two hours of the one that is done, the five of the other; the marks are full hours.
    assert queue.depths == [0] * 15 + [1, 1] + [0, 0] + [1] * 5


LINK = re.compile(r'href="(/\?[^"]+)"')


def test_every_link_asks_the_worklist_what_it_understands(client, senior, other_site):
    Membership.objects.create(user=senior, site=other_site, role=Role.SENIOR_READER)
    senior = User.objects.get(pk=senior.pk)  # knows of the new site
    analysed(0.9, age_years=3, sex="F", view="AP")
    image_rejected(image_make(study_make(site="south")))
    for asked in ({"days": "365"}, {"days": "7", "site": "south"}):
        links = {html.unescape(link) for link in LINK.findall(page_of(client, **asked))}
        assert len(links) > 7
        for link in links:
            given = dict(part.split("=") for part in link[2:].split("&"))
            filters = Filters(senior, given)
            assert {name for name in filters.asked if name != "sort"} == set(given) - {"sort"}
            assert asked.get("site") in {None, given.get("site")}


def test_a_link_leads_to_the_studies_that_were_counted(client, senior):
    for days_ago in (0, 1, 1, 5, 8):
        analysed(days_ago=days_ago)
    page = page_of(client, days="7")
    data = json.loads(re.search(r'id="plots"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    volume = data["volume"]
    tops = next(each["values"] for each in volume["series"] if each["colour"] == "rest")
    for link, count in zip(volume["links"], tops, strict=True):
        given = dict(part.split("=") for part in link[2:].split("&"))
        assert Filters(senior, given).studies().count() == count


def test_the_number_of_queries_is_fixed(client, senior, other_site, reader):
    def queries(**asked):
        with CaptureQueriesContext(connection) as seen:
            page_of(client, **asked)
        return len(seen)

    analysed()
    queries()
    few = queries()
    Membership.objects.create(user=senior, site=other_site, role=Role.SENIOR_READER)
    for number in range(12):
        result = analysed(0.1 * (number % 10), days_ago=number, site="south", age_years=number)
        reviewed(result, reader, Label.NORMAL)
    assert few == queries() == queries(days="365") == queries(days="7", site="south")
    assert few == 11


@pytest.mark.parametrize("days", ["0", "-1", "31", "x", "1e9", "7; drop", ""])
def test_nonsense_in_the_address_is_the_usual_period(client, days):
    analysed(days_ago=20)
    page = page_of(client, days=days, site="<script>")
    assert 'href="?days=30" aria-current="page"' in page
    assert "<script>alert" not in page


def test_text_from_a_header_stays_text_and_nothing_is_inline(client, site):
    site.name = "</script><b>North"
    site.save()
    analysed(sex="</script><b>", view="<b>")
    page = page_of(client)
    assert "<b>" not in page
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page)
    assert not re.search(r'<script(?![^>]*\ssrc=)(?! id="plots" type="application/json")', page)
    assert "Research use only – not a medical device" in page


def test_the_page_is_small_even_for_a_year(client):
    for days_ago in range(0, 360, 30):
        analysed(days_ago=days_ago)
    assert len(page_of(client, days="365")) < 150_000


def groups_told(client, **asked):
    """By label: whether the row's results are told."""
    answer = client.get(ADDRESS, asked)
    rows = [group for each in answer.context["divisions"] for group in each.groups]
    return {group.label: group.told for group in rows}


@pytest.mark.parametrize("role", ["senior_reader", "administrator"])
def test_who_reads_blind_is_told_no_result_of_that_site(role, site, reader, user_of, client_of):
    site.reads_blind = True
    site.save()
    for _ in range(12):
        reviewed(analysed(0.9), reader, Label.PNEUMONIA)
    person = user_of(role)
    group = counted(person).groups["site"][site.pk]
    assert (group.received, group.analysed) == (12, 12)
    assert not group.called
    assert not group.said
    assert not group.found
    client = client_of(person)
    page = page_of(client)
    text = text_of(page)
    assert "You read blinded at North hospital" in text
    assert "100 %" not in text
    assert 'id="suspicious"' not in page
    assert 'id="agreement"' not in page
    assert "result=" not in page
    assert set(groups_told(client).values()) == {False}


def test_who_does_not_review_there_is_told(site, user_of, client_of):
    site.reads_blind = True
    site.save()
    for _ in range(12):
        analysed(0.9)
    page = page_of(client_of(user_of(Role.MODEL_STEWARD)))
    assert 'id="suspicious"' in page
    assert "You read blinded" not in text_of(page)


def test_of_two_sites_one_blind_the_others_results_are_counted(
    senior, client, site, other_site, reader
):
    Membership.objects.create(user=senior, site=other_site, role=Role.SENIOR_READER)
    site.reads_blind = True
    site.save()
    for number in range(12):
        reviewed(analysed(0.9), reader, Label.PNEUMONIA)
        reviewed(analysed(0.1 if number else 0.9, site="south"), reader, Label.NORMAL)
    tally = counted(User.objects.get(pk=senior.pk)).bins[-1]
    assert (tally.received, tally.suspicious.part, tally.suspicious.whole) == (24, 1, 12)
    assert tally.agreement.whole == 12
    told = groups_told(client)
    assert (told["North hospital"], told["South hospital"], told["All studies"]) == (
        False,
        True,
        True,
    )
    # The worklist would not filter by results either.
    page = page_of(client)
    assert 'id="suspicious"' in page
    assert "result=" not in page
    assert "disagreement=" not in page


def studies_behind(senior, link):
    given = dict(part.split("=") for part in html.unescape(link).partition("?")[2].split("&"))
    return Filters(senior, given).studies()


def test_groups_not_known_and_reasons_lead_to_their_studies(client, senior):
    unknown = analysed(view="").image.study
    known = analysed(age_years=3, sex="F", view="PA").image.study
    Description.objects.create(study=unknown)
    analysed(age_years=3, sex="<u>", view="XX")
    for code in ("corrupt_file", "corrupt_file", "no_pixels"):
        image_failed(image_make(study_make(age_years=3, sex="F")), code, "Damaged.", "Again.")
    image_rejected(image_make(study_make(age_years=3, sex="F")))
    context = client.get(ADDRESS).context
    groups = [group for each in context["divisions"] for group in each.groups]
    assert all(
        studies_behind(senior, group.link).count() == group.tally.received for group in groups
    )
    assert [group.label for group in groups].count("Not known") == 2
    for reason in context["reasons"]:
        assert str(studies_behind(senior, reason.link).count()) == reason.count
    assert len(context["reasons"]) == 3
    [figure] = [each for each in context["figures"] if each.plot == "without-result"]
    assert studies_behind(senior, figure.link).count() == 4
    assert known not in Filters(senior, {"age": "unknown"}).studies()
