"""What the database counted, added up by bin and by group."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from pneumoscope.web.dashboards.cohort import Cohort
from pneumoscope.web.dashboards.periods import BEFORE
from pneumoscope.web.dashboards.readings import Readings
from pneumoscope.web.dashboards.tallies import Tally

ATTRIBUTES = ("site", "age", "sex", "view")


@dataclass(frozen=True, slots=True)
class Totals:
    """before: of the days before the first bin. groups: by attribute, then by its value.
    first_words: results by bin and by the seconds to the first review."""

    bins: list[Tally]
    before: Tally
    groups: dict[str, defaultdict[Any, Tally]]
    first_words: Counter[tuple[Any, ...]]


def totals(cohort: Cohort) -> Totals:
    """Three queries. A study with two views is in the groups of both."""
    by: defaultdict[int, Tally] = defaultdict(Tally)
    groups = {attribute: defaultdict(Tally) for attribute in ATTRIBUTES}

    def tallies(place: int, *values: Any) -> list[Tally]:
        now = zip(groups.values(), values, strict=False) if place != BEFORE else ()
        return [by[place], *(tallies[value] for tallies, value in now)]

    for (place, *values, state, called), count in cohort.states().items():
        for tally in tallies(place, *values):
            tally.studies(state, called, count)
    for (view, state, called), count in cohort.views().items():
        groups["view"][view].studies(state, called, count)
    readings = Readings.of(cohort.words())
    for (place, *values, agreement), count in readings.agreements.items():
        for tally in tallies(place, *values):
            tally.said[agreement] += count
    for (*values, truth, called), count in readings.calls.items():
        for tally in tallies(0, *values)[1:]:
            tally.found[called, truth] += count
    bins = [by[place] for place in range(len(cohort.bins.starts))]
    return Totals(bins, by[BEFORE], groups, readings.times)


def times_by_bin(counted: Counter[tuple[Any, ...]], bins: int) -> list[Counter[float]]:
    """Of each bin, and last of all before them."""
    by: defaultdict[int, Counter[float]] = defaultdict(Counter)
    for (place, took), count in counted.items():
        by[place][took] += count
    return [by[place] for place in [*range(bins), BEFORE]]
