"""The last so many days, cut into bins; the database says in which bin a moment lies."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from django.db.models import Func, IntegerField
from django.utils import timezone
from django.utils.formats import date_format

# What may be asked for, and how many days a bin has: weeks where single days would be a thicket.
WIDTHS = {7: 1, 30: 1, 90: 7, 365: 7}
# How many bins stand together where shares are shown, which need studies enough.
TOGETHER = {7: 1, 30: 5, 90: 1, 365: 4}
# The bin of what came before the first.
BEFORE = -1


@dataclass(frozen=True, slots=True)
class Bins:
    """Whole days in the person's time zone. `starts`: each bin's first day; `last`: today."""

    starts: tuple[date, ...]
    last: date

    @classmethod
    def up_to(cls, last: date, *, days: int, width: int) -> Self:
        """Bins of `width` days, counted back from `last`.

        What is left over is the first bin, or joins it where it has not half of a bin's days.
        """
        rest = days % width
        sizes = [width] * (days // width)
        if 2 * rest >= width:
            sizes.insert(0, rest)
        else:
            sizes[0] += rest
        starts = [last - timedelta(days=sum(sizes[place:]) - 1) for place in range(len(sizes))]
        return cls(tuple(starts), last)

    def together(self, count: int) -> Self:
        """So many bins made one, counted from the first."""
        return type(self)(self.starts[::count], self.last)

    @property
    def whole(self) -> Self:
        """All of them as one."""
        return type(self)(self.starts[:1], self.last)

    @property
    def before(self) -> date:
        """The first day of as many days before these."""
        return self.starts[0] - (self.last - self.starts[0]) - timedelta(days=1)

    def days(self, place: int) -> tuple[date, date]:
        """First and last day of a bin."""
        later = self.starts[place + 1 :]
        return self.starts[place], later[0] - timedelta(days=1) if later else self.last

    def short(self, place: int) -> str:
        """The day a bin begins, for an axis."""
        return date_format(self.starts[place], "j M")

    def label(self, place: int) -> str:
        first, last = self.days(place)
        ending = date_format(last, "j M Y")
        if first == last:
            return ending
        shared = "j" if first.month == last.month else "j M" if first.year == last.year else "j M Y"
        return f"{date_format(first, shared)}–{ending}"

    def place_of(self, field: str) -> "Place":
        """Where the moment in `field` lies: 0 for the first bin, BEFORE for all earlier."""
        return Place(field, tuple(midnight(day) for day in self.starts))


def midnight(day: date) -> datetime:
    """At which a day begins in the current time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


class Place(Func):
    """Which of the rising `starts` is the last that is not after a moment; BEFORE: none.

    A tree of comparisons, log2 of the bins deep: SQLite would truncate dates by calling back into
    Python for every row. Written as one piece, as a tree of Django's Case and When takes longer to
    put into SQL than the database takes to answer.
    """

    arity = 1
    output_field = IntegerField()

    def __init__(self, moment: str, starts: tuple[datetime, ...]) -> None:
        super().__init__(moment)
        self.starts = starts

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, list[Any]]:
        column, inner = compiler.compile(self.source_expressions[0])
        starts = [connection.ops.adapt_datetimefield_value(start) for start in self.starts]
        parameters: list[Any] = []

        def branch(low: int, high: int) -> str:
            if low == high:
                return str(low)
            middle = (low + high + 1) // 2
            parameters.extend([*inner, starts[middle]])
            earlier = branch(low, middle - 1)
            return f"CASE WHEN {column} < %s THEN {earlier} ELSE {branch(middle, high)} END"

        return branch(BEFORE, len(starts) - 1), parameters
