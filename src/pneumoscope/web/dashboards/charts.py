"""The seven plots: what each shows of a cohort, with which words."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from pneumoscope.web.dashboards import words
from pneumoscope.web.dashboards.plots import Plot, Row, Series, rows_of, share_series, stacked
from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.shares import Share
from pneumoscope.web.dashboards.tallies import Tally
from pneumoscope.web.dashboards.times import Spread
from pneumoscope.web.dashboards.waiting import Queue
from pneumoscope.web.reviews.states import Agreement
from pneumoscope.web.studies.conditions import IN_PROGRESS, NO_RESULT
from pneumoscope.web.studies.states import State


def volume(question: Question, tallies: Sequence[Tally]) -> Plot:
    parts = [
        ("first", _("Analysed"), [each.analysed for each in tallies]),
        ("caution", _("Without a result"), [each.unfit for each in tallies]),
        ("rest", _("In progress"), [each.pending for each in tallies]),
    ]

    def cells(place: int) -> list[str]:
        tally = tallies[place]
        numbers = (tally.received, tally.analysed, tally.unfit, tally.pending)
        return [words.count(number) for number in numbers]

    return Plot(
        key="volume",
        title=_("Studies received"),
        meaning=_("By the day on which they were received; of today, what has come so far.")
        if question.period <= 30
        else _(
            "A bar is a week, the first with the days left over; of today, what has come so far."
        ),
        unit="count",
        columns=[_("Received"), _("Studies"), *(label for _colour, label, _values in parts)],
        rows=rows_of(question, question.bins, cells),
        series=stacked(parts),
        link=question.worklist(sort="newest"),
        link_words=_("Show these studies"),
    )


def result_time(question: Question, times: Sequence[Counter[float]]) -> Plot:
    return _time(
        question,
        times,
        key="result-time",
        title=_("From receipt to result"),
        meaning=_("Of every image that was analysed, those found unfit to read among them."),
        link=question.worklist(sort="newest"),
        link_words=_("Show these studies"),
        of=_("Images"),
    )


def review_time(question: Question, times: Sequence[Counter[float]]) -> Plot:
    return _time(
        question,
        times,
        key="review-time",
        title=_("From result to first review"),
        meaning=_("Of the results that were reviewed; those that still wait are not in it."),
        link=question.worklist(state=State.ANALYSED, sort="newest"),
        link_words=_("Show the analysed studies"),
        of=_("Results"),
    )


def _time(question: Question, times: Sequence[Counter[float]], of: str, **named: str) -> Plot:
    found = [Spread.of([counted]) for counted in times]
    half, nine = _("Half within"), _("Nine in ten within")

    def cells(place: int) -> list[str]:
        spread = found[place]
        if spread is None:
            return [words.NOTHING, words.NOTHING, words.count(0)]
        return [
            words.duration(spread.median),
            words.duration(spread.ninth),
            words.count(spread.count),
        ]

    return Plot(
        **named,
        unit="seconds",
        columns=[_("Received"), half, nine, of],
        rows=rows_of(question, question.bins, cells),
        series=[
            Series("dashed", "rest", nine, [each and each.ninth for each in found]),
            Series("line", "first", half, [each and each.median for each in found]),
        ],
    )


def suspicious(question: Question, tallies: Sequence[Tally]) -> Plot:
    shares = [each.suspicious for each in tallies]
    return Plot(
        key="suspicious",
        title=_("Suspicious results"),
        meaning=_(
            # The percent sign is a percent sign. xgettext:no-python-format
            "Share of the results at or above the operating threshold, with its 95 % interval."
        ),
        unit="share",
        # The percent sign is a percent sign. xgettext:no-python-format
        columns=[_("Received"), _("Suspicious"), _("95 % interval"), _("Results")],
        rows=rows_of(
            question,
            question.wide_bins,
            lambda place: _share_cells(shares[place]),
            result="suspicious",
        ),
        series=share_series(_("Suspicious"), shares),
        link=question.worklist(result="suspicious"),
        link_words=_("Show the suspicious studies"),
    )


def without_result(question: Question, tallies: Sequence[Tally]) -> Plot:
    parts = [
        ("caution", _("Rejected"), [each.states[State.REJECTED] for each in tallies]),
        ("alarm", _("Failed"), [each.states[State.FAILED] for each in tallies]),
    ]

    def cells(place: int) -> list[str]:
        return [
            *(words.count(values[place]) for *_names, values in parts),
            words.count(tallies[place].received),
        ]

    return Plot(
        key="without-result",
        title=_("Studies without a result"),
        meaning=_(
            "Rejected: not fit to be read. Failed: could not be analysed. A day and a reason lead "
            "to their studies."
        ),
        unit="count",
        columns=[_("Received"), _("Rejected"), _("Failed"), _("Studies")],
        rows=rows_of(question, question.bins, cells, state=NO_RESULT),
        series=stacked(parts),
        link=question.worklist(state=NO_RESULT, sort="newest"),
        link_words=_("Show these studies"),
    )


def agreement(question: Question, tallies: Sequence[Tally]) -> Plot:
    shares = [each.agreement for each in tallies]

    def cells(place: int) -> list[str]:
        unsure = tallies[place].said[Agreement.UNSURE]
        return [*_share_cells(shares[place]), words.count(unsure)]

    return Plot(
        key="agreement",
        title=_("Agreement with readers"),
        meaning=_(
            "Share of readers’ sure reviews that agree with the result. Readers may have seen the "
            "result before they said so, unless they read blinded."
        ),
        unit="share",
        # The percent sign is a percent sign. xgettext:no-python-format
        columns=[_("Received"), _("Agree"), _("95 % interval"), _("Sure reviews"), _("Unsure")],
        rows=rows_of(question, question.wide_bins, cells, state=State.ANALYSED),
        series=share_series(_("Agree"), shares),
        link=question.worklist(disagreement="model"),
        link_words=_("Show where a reader disagrees"),
    )


def waiting(question: Question, queue: Queue) -> Plot:
    link = question.worklist_at_any_time(state=IN_PROGRESS)
    rows = [
        Row(
            place,
            date_format(hour, "j M, H:i"),
            date_format(hour, "H:i"),
            link,
            [words.count(depth)],
        )
        for place, (hour, depth) in enumerate(zip(queue.hours, queue.depths, strict=True))
    ]
    now = Row(len(rows), _("Now"), _("Now"), link, [words.count(queue.now)])
    return Plot(
        key="waiting",
        title=_("Images waiting for their result"),
        meaning=_("Now, and at each full hour of the last day, whatever the period chosen above.")
        + (
            " " + _("The oldest came at %(at)s.") % {"at": _moment(queue.oldest)}
            if queue.oldest
            else ""
        ),
        unit="count",
        columns=[_("At"), _("Waiting")],
        rows=[*rows, now],
        series=[Series("steps", "first", _("Waiting"), [*queue.depths, queue.now])],
        link=link,
        link_words=_("Show what is in progress"),
    )


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M, H:i")


def _share_cells(share: Share) -> list[str]:
    return [words.share(share), words.interval(share), words.count(share.whole)]
