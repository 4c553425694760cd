"""The five figures: each with its meaning, and what it was in as many days before."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pneumoscope.web.dashboards import words
from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.shares import Share
from pneumoscope.web.dashboards.tallies import Tally
from pneumoscope.web.dashboards.times import Spread
from pneumoscope.web.studies.states import State


@dataclass(frozen=True, slots=True)
class Figure:
    """plot: the key of the plot that shows how it went. trend: up, down, same; empty: unknown."""

    plot: str
    title: str
    value: str
    meaning: str
    trend: str
    before: str
    link: str


def figures(
    question: Question,
    now: Tally,
    before: Tally,
    time_now: Spread | None,
    time_before: Spread | None,
) -> list[Figure]:
    return [
        Figure(
            "volume",
            _("Studies received"),
            words.count(now.received),
            _("%(count)s a day") % {"count": words.number(now.received / question.period)},
            *_trend(now.received, before.received, words.count(before.received)),
            question.worklist(sort="newest"),
        ),
        Figure(
            "result-time",
            _("Time to result"),
            words.duration(time_now.median) if time_now else words.NOTHING,
            _("half within this; nine in ten within %(time)s")
            % {"time": words.duration(time_now.ninth)}
            if time_now
            else _("no results"),
            *_trend(
                time_now and time_now.median,
                time_before and time_before.median,
                words.duration(time_before.median) if time_before else words.NOTHING,
            ),
            question.worklist(state=State.ANALYSED, sort="newest"),
        ),
        _share(
            "suspicious",
            _("Suspicious"),
            ngettext("of %(count)s result", "of %(count)s results", now.suspicious.whole),
            now.suspicious,
            before.suspicious,
            question.worklist(result="suspicious"),
        ),
        _share(
            "without-result",
            _("Without a result"),
            ngettext("of %(count)s study", "of %(count)s studies", now.without_result.whole),
            now.without_result,
            before.without_result,
            question.worklist(state=State.REJECTED, sort="newest"),
        ),
        _share(
            "agreement",
            _("Agreement with readers"),
            ngettext("of %(count)s review", "of %(count)s reviews", now.agreement.whole),
            now.agreement,
            before.agreement,
            question.worklist(state=State.ANALYSED, sort="newest"),
        ),
    ]


def _share(plot: str, title: str, meaning: str, now: Share, before: Share, link: str) -> Figure:
    of_how_many = meaning % {"count": words.count(now.whole)}
    if now.interval:
        of_how_many = f"{of_how_many}, {words.interval(now)}"
    elif now.whole:
        of_how_many = _("too few for a percentage")
    return Figure(
        plot,
        title,
        words.share(now),
        of_how_many,
        *_trend(now.value, before.value, words.share(before)),
        link,
    )


def _trend(now: float | None, before: float | None, word: str) -> tuple[str, str]:
    """Which way it went, and from what."""
    if now is None or before is None:
        return "", word
    return ("same" if now == before else "up" if now > before else "down"), word
