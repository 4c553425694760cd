"""A share with its uncertainty, and none where there are too few to speak of one."""

from dataclasses import dataclass
from math import sqrt

# Of fewer than these no percentage is shown: one study more or less would move it by over 10 %.
LEAST = 10
_Z = 1.959963984540054  # of the normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`."""

    part: int
    whole: int

    @property
    def enough(self) -> bool:
        return self.whole >= LEAST

    @property
    def value(self) -> float | None:
        """0..1; None of too few."""
        return self.part / self.whole if self.enough else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval, 95 % (J Am Stat Assoc 1927, 22:209-212); None of too few."""
        if not self.enough:
            return None
        n, p = self.whole, self.part / self.whole
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __add__(self, other: "Share") -> "Share":
        return Share(self.part + other.part, self.whole + other.whole)


NONE = Share(0, 0)
