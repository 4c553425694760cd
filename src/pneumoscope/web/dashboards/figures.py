"""The five figures: each with its meaning, and what it was in as many days before."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pneumoscope.web.dashboards import words
from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.shares import Share
from pneumoscope.web.dashboards.tallies import Tally
from pneumoscope.web.dashboards.times import Spread
from pneumoscope.web.studies.conditions import NO_RESULT
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
    received, were = now.received, before.received
    (took, value), (had_taken, was) = _time(time_now), _time(time_before)
    return [
        Figure(
            "volume",
            _("Studies received"),
            words.count(received),
            _("%(count)s a day") % {"count": words.number(received / question.period)},
            *_trend(received, were, words.count(received), words.count(were)),
            question.worklist(sort="newest"),
        ),
        Figure(
            "result-time",
            _("Time to result"),
            value,
            _("half within this; nine in ten within %(time)s")
            % {"time": words.duration(time_now.ninth)}
            if time_now
            else _("no results"),
            *_trend(took, had_taken, value, was),
            question.worklist(sort="newest"),
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
            question.worklist(state=NO_RESULT, sort="newest"),
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
        *_trend(now.value, before.value, words.share(now), words.share(before)),
        link,
    )


def _trend(now: float | None, before: float | None, value: str, was: str) -> tuple[str, str]:
    """Which way it went, as far as the words tell, and from what."""
    if now is None or before is None:
        return "", was
    return "same" if value == was else "up" if now > before else "down", was


def _time(spread: Spread | None) -> tuple[float | None, str]:
    return (spread.median, words.duration(spread.median)) if spread else (None, words.NOTHING)
