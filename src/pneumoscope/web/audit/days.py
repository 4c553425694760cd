"""Days as people mean them: in the time zone of the page."""

from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

# Nearer to the ends of the calendar a midnight may lie outside of it, seen from another time zone.
_FIRST, _LAST = date(1, 1, 3), date(9999, 12, 28)


def days(field: str, *, since: date | None = None, until: date | None = None) -> Q:
    """That the moment in `field` lies within these days, both included; None: open."""
    found = Q()
    if since:
        found &= Q(**{f"{field}__gte": _midnight(max(since, _FIRST))})
    if until:
        found &= Q(**{f"{field}__lt": _midnight(min(until, _LAST) + timedelta(days=1))})
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
