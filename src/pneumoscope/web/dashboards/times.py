"""How long things take, counted by the database to the two digits that are shown."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.db.models import Case, Expression, FloatField, Func, When
from django.db.models.functions import Round
from django.db.models.lookups import LessThan

# Up to so many seconds in steps of a tenth of that much: 0.1 s up to 10 s, 1 s up to 100 s, ...
_DECADES = (10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)


class Seconds(Func):
    """Seconds to one moment from another: Seconds("later", "earlier").

    Not the difference of the two fields, which SQLite leaves to Python, row by row.
    """

    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "
    arity = 2
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="((julianday(%(expressions)s)) * 86400.0)",
            arg_joiner=") - julianday(",
            **context,
        )


def two_digits(later: str, earlier: str) -> Expression:
    """The seconds between two moments, to two digits; below a second to one."""

    def rounded(decade: float) -> Expression:
        return Round(Seconds(later, earlier) * (100.0 / decade)) / (100.0 / decade)

    took = Seconds(later, earlier)
    steps = [When(LessThan(took, decade), then=rounded(decade)) for decade in _DECADES[:-1]]
    return Case(*steps, default=rounded(_DECADES[-1]), output_field=FloatField())


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds within which half and nine in ten of `count` were done: the nearest ranks."""

    median: float
    ninth: float
    count: int

    @classmethod
    def of(cls, times: Iterable[Counter[float]]) -> "Spread | None":
        """From how many took how many seconds; None: nothing was done."""
        every: Counter[float] = Counter()
        for each in times:
            every += each
        count = every.total()
        if not count:
            return None
        return cls(_ranked(every, -(-count // 2)), _ranked(every, -(-9 * count // 10)), count)


def _ranked(times: Counter[float], rank: int) -> float:
    """The `rank`-th smallest, from one."""
    ordered = sorted(times)
    reached = list(accumulate(times[took] for took in ordered))
    return ordered[bisect_left(reached, rank)]
