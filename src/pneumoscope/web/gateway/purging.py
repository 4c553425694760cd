"""What has been of use long enough: notes of messages taken, and of instances that came in."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from pneumoscope.web.gateway.models import Arrival, Hl7Message
from pneumoscope.web.gateway.models.arrivals import Outcome

# A long table is not locked for long: writers get their turn between two batches.
_BATCH = 1000
_DONE = (Outcome.ANALYSE, Outcome.PASS, Outcome.DUPLICATE)


def old_notes_delete(days: int) -> tuple[int, int]:
    """Delete notes older than `days`; returns how many of messages and of arrivals.

    Arrivals that wait or failed stay until a person has seen to them; images, studies, orders and
    the audit trail are never touched.
    """
    before = timezone.now() - timedelta(days=days)
    messages = _delete(Hl7Message.objects.filter(at__lt=before))
    return messages, _delete(Arrival.objects.filter(at__lt=before, outcome__in=_DONE))


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        deleted += rows.model.objects.filter(pk__in=keys).delete()[0]
    return deleted
