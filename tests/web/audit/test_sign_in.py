import pytest

from pneumoscope.web.audit.models import Event

pytestmark = pytest.mark.django_db


def test_signing_in_and_out_leaves_events(client, reader):
    client.post("/login/", {"login": reader.username, "password": "wrong one"})
    client.post("/login/", {"login": reader.username, "password": "secret"})
    client.post("/logout/")
    events = (
        Event.objects.filter(action__startswith="user.")
        .order_by("pk")
        .values_list("action", "actor", "address")
    )
    assert list(events) == [
        ("user.login_failed", None, "127.0.0.1"),
        ("user.login", reader.pk, "127.0.0.1"),
        ("user.logout", reader.pk, "127.0.0.1"),
    ]


def test_what_was_typed_at_a_failed_attempt_is_kept_nowhere(client, db):
    client.post("/login/", {"login": "my-password", "password": "x"})
    event = Event.objects.get()
    assert "my-password" not in str([getattr(event, field.name) for field in event._meta.fields])
