"""How long things take, told by the database as finely as it is shown."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.db.models import Expression, FloatField, Func
from django.db.models.functions import Round


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


def tenths(later: str, earlier: str) -> Expression:
    """The seconds between two moments, to a tenth."""
    return Round(Seconds(later, earlier) * 10.0) / 10.0


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
