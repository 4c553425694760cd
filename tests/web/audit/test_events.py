import re
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from pneumoscope import web
from pneumoscope.web.audit.actions import ACTIONS
from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.services import event_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(reader) -> Event:
    return event_record(action="test.happen", actor=reader, target=reader, detail={"a": 1})


def test_an_event_knows_who_what_and_where(reader):
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    event = event_record(action="test.happen", actor=reader, target=reader, request=request)
    event.refresh_from_db()
    assert (event.actor, event.site, event.address) == (reader, reader.site, "192.0.2.7")
    assert (event.object_type, event.object_id) == ("accounts.user", str(reader.pk))


def test_the_model_refuses_changes(event):
    event.action = "test.deny"
    with pytest.raises(PermissionDenied):
        event.save()
    with pytest.raises(PermissionDenied):
        event.delete()
    with pytest.raises(PermissionDenied):
        Event.objects.update(action="test.deny")
    with pytest.raises(PermissionDenied):
        Event.objects.all().delete()


@pytest.mark.parametrize("sql", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event"])
def test_the_database_refuses_changes(event, sql):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(sql)
    assert Event.objects.get(pk=event.pk).action == "test.happen"


def test_people_with_a_past_are_not_deleted(event, reader):
    with pytest.raises(DatabaseError), transaction.atomic():
        reader.delete()


def test_every_action_has_its_words():
    """Those that are put together (f-strings) have tests where they are."""
    sources = Path(web.__file__).parent.rglob("*.py")
    written = re.findall(r'action="([^"]+)"', "".join(path.read_text() for path in sources))
    actions = {action for action in written if re.fullmatch(r"[a-z0-9]+\.[a-z_]+", action)}
    assert len(actions) > 30
    assert actions <= set(ACTIONS)
