"""Everything on the page: asked of the database in a fixed number of queries."""

from dataclasses import dataclass
from typing import Any

from pneumoscope.web.dashboards import charts, words
from pneumoscope.web.dashboards.cohort import Cohort
from pneumoscope.web.dashboards.figures import figures
from pneumoscope.web.dashboards.groups import divisions
from pneumoscope.web.dashboards.periods import TOGETHER
from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.shares import LEAST
from pneumoscope.web.dashboards.tallies import Tally
from pneumoscope.web.dashboards.times import Spread
from pneumoscope.web.dashboards.totals import times_by_bin, totals
from pneumoscope.web.dashboards.waiting import queue_of
from pneumoscope.web.studies.states import State
from pneumoscope.web.studies.templatetags.reading import code_words


@dataclass(frozen=True, slots=True)
class Reason:
    """Why studies have no result; share: of the most frequent reason's studies, for a bar."""

    words: str
    state: str
    count: str
    share: float
    link: str


def overview(question: Question) -> dict[str, Any]:
    """The page's context."""
    cohort = Cohort(question.site_keys, question.bins, question.blind)
    found, bins, step = totals(cohort), len(question.bins.starts), TOGETHER[question.period]
    wide = [Tally.total(found.bins[place : place + step]) for place in range(0, bins, step)]
    now = Tally.total(found.bins)
    *results, results_before = times_by_bin(cohort.result_times(), bins)
    reviews = times_by_bin(found.first_words, bins)[:-1]
    plots = [
        charts.volume(question, found.bins),
        charts.result_time(question, results),
        *([charts.suspicious(question, wide)] if question.tells_results else []),
        charts.without_result(question, found.bins),
        *([charts.agreement(question, wide)] if question.tells_results else []),
        charts.review_time(question, reviews),
        charts.waiting(question, queue_of(question.site_keys)),
    ]
    times = Spread.of(results), Spread.of([results_before])
    shown = {plot.key for plot in plots}
    return {
        "question": question,
        "least": LEAST,
        "now": now,
        "figures": [
            figure
            for figure in figures(question, now, found.before, *times)
            if figure.plot in shown
        ],
        "plots": plots,
        "data": {plot.key: plot.data for plot in plots if plot.drawn},
        "reasons": _reasons(question, cohort),
        "divisions": divisions(question, found),
    }


def _reasons(question: Question, cohort: Cohort) -> list[Reason]:
    """The most frequent first."""
    found = cohort.reasons().most_common()
    return [
        Reason(
            code_words(code),
            State(state).label,
            words.count(count),
            count / found[0][1],
            question.worklist(state=state, reason=code, sort="newest"),
        )
        for (state, code), count in found
    ]
