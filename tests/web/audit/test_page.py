"""The trail as auditors read it: found by what they know, in pages, exported, and audited."""

import csv
import io
import uuid

import pytest
from django.db import connection
from django.urls import reverse

from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.audit.views import PAGE_SIZE
from web.pages import study_make

pytestmark = pytest.mark.django_db
PAGE = "/audit/"


@pytest.fixture
def auditor(user_of):
    return user_of("auditor")


@pytest.fixture
def client(auditor, client_of):
    return client_of(auditor)


def looks(reader, study):
    return event_record(action="study.view", actor=reader, target=study)


def found(client, **asked) -> list[Event]:
    rows = client.get(PAGE, asked).context["rows"]
    return [event for event, *_ in rows if event.action == "study.view"]


def test_who_saw_this_patient(client, reader, user_of):
    seen, unseen = study_make(patient_id="4711"), study_make(patient_id="4712")
    event, _ = looks(reader, seen), looks(reader, unseen)
    assert found(client, about="4711") == [event]
    assert found(client, about=event.patient) == [event]
    assert found(client, about=event.patient.lower()) == [event]
    assert found(client, about=str(seen.pk)) == [event]
    assert found(client, about="4713") == []


def test_by_person_action_and_day(client, reader, user_of):
    study, senior = study_make(), user_of("senior_reader")
    mine, theirs = looks(reader, study), looks(senior, study)
    assert found(client, person=reader.username) == [mine]
    assert found(client, person="nobody") == []
    assert found(client, action="study.view") == [theirs, mine]
    assert found(client, action="image.view") == []
    day = f"{mine.at:%Y-%m-%d}"
    assert found(client, since=day, until=day) == [theirs, mine]
    assert found(client, since="2031-01-01") == []
    assert found(client, until="2001-01-01") == []


@pytest.mark.parametrize("asked", [{"since": "x"}, {"action": "x"}, {"site": "south"}])
def test_what_is_not_understood_finds_nothing(client, reader, other_site, asked):
    looks(reader, study_make())
    assert found(client, **asked) == []


def test_another_site_s_events_do_not_exist(client, user_of, other_site):
    looks(user_of("reader", site=other_site), study_make(site="south"))
    assert found(client) == []
    assert found(client, site="south") == []


def test_pages_follow_one_another_without_gap_or_repeat(client, reader):
    study = study_make()
    events = [looks(reader, study) for _ in range(PAGE_SIZE + 20)]
    first = client.get(PAGE, {"action": "study.view"})
    second = client.get(PAGE, {"action": "study.view", "before": first.context["older"]})
    rows = [event for page in (first, second) for event, *_ in page.context["rows"]]
    assert rows == events[::-1]
    assert not second.context["older"]
    for nonsense in ("x", "99999999999999999999", "-1"):
        assert client.get(PAGE, {"before": nonsense}).status_code == 200


def test_reading_is_read_too_without_whom_it_was_about(client, auditor):
    client.get(PAGE, {"about": "4711"})
    event = Event.objects.get(action="audit.view")
    assert event.actor == auditor
    assert event.detail == {"by": ["about", "site"]}


def test_the_export_is_the_search(client, reader, auditor):
    study = study_make(patient_id="4711")
    event = looks(reader, study)
    event_record(action="test.happen", actor=reader, detail={"reason": "=1+1"})
    answer = client.get(reverse("audit:export"), {"about": "4711"})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["study"] for row in rows] == [str(study.pk)]
    assert rows[0]["person"] == reader.username
    assert rows[0]["at"] == event.at.isoformat()
    assert Event.objects.filter(action="audit.export", actor=auditor).exists()


def test_no_cell_is_a_formula(client, reader):
    reader.username = "=cmd()"
    reader.save()
    looks(reader, study_make())
    answer = client.get(reverse("audit:export"), {"action": "study.view"})
    assert "'=cmd()" in answer.getvalue().decode()


def test_an_event_about_a_person_names_them(client, reader):
    event_record(action="person.unlock", actor=None, target=reader)
    assert f'data-word="About">{reader.username}</td>' in client.get(PAGE).content.decode()


def test_markup_in_an_event_stays_text(client, reader):
    event_record(action="test.happen", actor=reader, detail={"reason": "<script>alert(1)</script>"})
    assert b"<script>alert" not in client.get(PAGE).content


@pytest.mark.parametrize(
    "asked", [{}, {"action": "study.view"}, {"about": str(uuid.uuid4())}, {"about": "4711"}]
)
def test_every_search_enters_an_index(client, reader, auditor, asked):
    """So that a page costs the same at a million rows: no sort, no scan of the table."""
    from django.http import QueryDict

    from pneumoscope.web.audit.search import Search

    query = QueryDict(mutable=True)
    query.update(asked)
    plan = Search(auditor, query).events()[:100].explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX audit_event_site_id" in plan
        assert "TEMP B-TREE" not in plan
