"""How many images wait for their result: now, and at each full hour of the last day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet, Value
from django.db.models.functions import Floor
from django.utils import timezone

from pneumoscope.web.dashboards.times import Seconds
from pneumoscope.web.studies.models import Image
from pneumoscope.web.studies.states import PENDING, State

HOURS = 24
# An image that was done after a longer wait than this is not in the hours.
LOOKED_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """`oldest`: since when the first waits. `depths`: how many waited at each of the `hours`."""

    now: int
    oldest: datetime | None
    hours: list[datetime]
    depths: list[int]


def queue_of(sites: list[int]) -> Queue:
    """Three queries. Images that failed are left out of the hours: when they did is not kept."""
    here = Image.objects.filter(site__in=sites).order_by()
    # The moment says nothing new; it leads the database to the index of state and moment.
    waiting = here.filter(state__in=PENDING, queued__lte=timezone.now())
    now = waiting.aggregate(now=Count("pk"), oldest=Min("queued"))
    hours = full_hours(timezone.localtime())
    return Queue(**now, hours=hours, depths=_depths(waiting, _done(here, hours[0]), hours))


def full_hours(now: datetime) -> list[datetime]:
    """The last HOURS of them, an hour apart also where clocks were changed: counted in UTC."""
    last = now.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    hours = [last - timedelta(hours=HOURS - 1 - place) for place in range(HOURS)]
    return [hour.astimezone(now.tzinfo) for hour in hours]


def _done(here: QuerySet[Image], since: datetime) -> QuerySet[Any]:
    """Images that had their first result since then."""
    done = here.filter(state__in=[State.ANALYSED, State.REJECTED], queued__gte=since - LOOKED_BACK)
    return done.filter(first_result__gte=since)


def _depths(waiting: QuerySet[Any], done: QuerySet[Any], hours: list[datetime]) -> list[int]:
    """An image waits at the hours after the one in which it came, to the one in which it went."""
    came, went = _hour("queued", hours), _hour("first_result", hours)
    still = waiting.annotate(came=came, went=Value(HOURS - 1))
    spans = [
        *still.values_list("came", "went").annotate(count=Count("pk")),
        *done.annotate(came=came, went=went)
        .values_list("came", "went")
        .annotate(count=Count("pk")),
    ]
    depths = [0] * HOURS
    for first, last, count in spans:
        for place in range(max(0, int(first) + 1), min(int(last), HOURS - 1) + 1):
            depths[place] += count
    return depths


def _hour(moment: str, hours: list[datetime]) -> Floor:
    """How many full hours after the first of them; negative before it."""
    return Floor(Seconds(moment, Value(hours[0])) / 3600.0)
