"""The plots: each as data to draw, and as the table that says the same in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pneumoscope.web.dashboards import words
from pneumoscope.web.dashboards.periods import Bins
from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.shares import Share

Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """style: bars, line, dashed, low or high (the last two bound a band); colour: a class."""

    style: str
    colour: str
    label: str
    values: Numbers


@dataclass(frozen=True, slots=True)
class Row:
    """place: which point of the plot it is."""

    place: int
    label: str
    axis: str
    link: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Plot:
    """unit: count, seconds or share. rows: oldest first, as the points from the left."""

    key: str
    title: str
    meaning: str
    unit: str
    columns: list[str]
    rows: list[Row]
    series: list[Series]
    link: str
    link_words: str

    @property
    def drawn(self) -> bool:
        """Whether there is anything to see: a count other than none, or any time or share."""
        values = [value for series in self.series for value in series.values]
        return any(values) if self.unit == "count" else any(v is not None for v in values)

    @property
    def told(self) -> bool:
        """Whether the table says anything."""
        empty = {words.NOTHING, words.count(0)}
        return any(cell not in empty for row in self.rows for cell in row.cells)

    @property
    def legend(self) -> list[Series]:
        return [series for series in self.series if series.label]

    @property
    def newest_first(self) -> list[Row]:
        return self.rows[::-1]

    @property
    def data(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "labels": [row.axis for row in self.rows],
            "links": [row.link for row in self.rows],
            "series": [
                {"style": each.style, "colour": each.colour, "values": each.values}
                for each in self.series
            ],
        }


def rows_of(
    question: Question, bins: Bins, cells: Callable[[int], list[str]], **filters: str
) -> list[Row]:
    """One row for each bin, which leads to the bin's studies."""
    return [
        Row(
            place,
            bins.label(place),
            bins.short(place),
            question.worklist(*bins.days(place), **filters),
            cells(place),
        )
        for place in range(len(bins.starts))
    ]


def stacked(parts: Sequence[tuple[str, str, Sequence[int]]]) -> list[Series]:
    """Bars on each other, from the lowest (colour, label, values) to the highest, drawn behind."""
    tops = [0] * len(parts[0][2])
    series = []
    for colour, label, values in parts:
        tops = [top + value for top, value in zip(tops, values, strict=True)]
        series.append(Series("bars", colour, label, tops))
    return series[::-1]


def share_series(label: str, shares: Sequence[Share]) -> list[Series]:
    """A line with its 95 % interval around it; a gap where there are too few."""
    lows = [share.interval[0] if share.interval else None for share in shares]
    highs = [share.interval[1] if share.interval else None for share in shares]
    return [
        Series("high", "first", "", highs),
        Series("low", "first", "", lows),
        Series("line", "first", label, [share.value for share in shares]),
    ]
