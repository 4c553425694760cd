"""Old notes are deleted; what a person or a process still needs is not."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from pneumoscope.web.gateway.models import Arrival, Hl7Message
from pneumoscope.web.gateway.models.arrivals import Outcome, Way

pytestmark = pytest.mark.django_db


def test_old_notes_go_and_what_is_needed_stays(site, settings, capsys):
    settings.PNEUMOSCOPE_KEEP_DAYS = 30
    for age in (29, 31):
        at = timezone.now() - timedelta(days=age)
        note = Hl7Message.objects.create(site=site, sender="RIS", control_id=str(age), kind="ORM")
        Hl7Message.objects.filter(pk=note.pk).update(at=at)
        for outcome in Outcome:
            row = Arrival.objects.create(
                site=site, way=Way.STORE, sender="X", file="f", outcome=outcome, reason="r"
            )
            Arrival.objects.filter(pk=row.pk).update(at=at)
    call_command("gateway_purge")
    assert "1 of messages, 3 of arrivals" in capsys.readouterr().out
    assert list(Hl7Message.objects.values_list("control_id", flat=True)) == ["29"]
    old = Arrival.objects.filter(at__lt=timezone.now() - timedelta(days=30))
    assert set(old.values_list("outcome", flat=True)) == {Outcome.WAITING, Outcome.FAILED}
    call_command("gateway_purge", days=1)
    assert not Hl7Message.objects.exists()
    with pytest.raises(CommandError, match="bad_days"):
        call_command("gateway_purge", days=0)
