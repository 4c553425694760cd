"""Days as people mean them: in the time zone of the page."""

from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone


def days(field: str, *, since: date | None = None, until: date | None = None) -> Q:
    """That the moment in `field` lies within these days, both included; None: open."""
    found = Q()
    if since:
        found &= Q(**{f"{field}__gte": _midnight(since)})
    if until:
        found &= Q(**{f"{field}__lt": _midnight(until + timedelta(days=1))})
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
