"""What became of studies, added up: for one bin, for one group, for a whole period."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from pneumoscope.web.dashboards.shares import Share
from pneumoscope.web.reviews.states import Agreement
from pneumoscope.web.studies.states import State


@dataclass(slots=True)
class Tally:
    """states: how studies ended. called: of those with a result, what. said: readers, of results.
    found: by what was called and whether the readers found pneumonia."""

    states: Counter[str] = field(default_factory=Counter)
    called: Counter[bool] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[bool, bool]] = field(default_factory=Counter)

    @classmethod
    def total(cls, tallies: Iterable["Tally"]) -> Self:
        whole = cls()
        for each in tallies:
            whole.states += each.states
            whole.called += each.called
            whole.said += each.said
            whole.found += each.found
        return whole

    def studies(self, state: str, called: bool | None, count: int) -> None:
        self.states[state] += count
        if called is not None:
            self.called[called] += count

    @property
    def received(self) -> int:
        return self.states.total()

    @property
    def analysed(self) -> int:
        return self.states[State.ANALYSED]

    @property
    def unfit(self) -> int:
        return self.states[State.REJECTED] + self.states[State.FAILED]

    @property
    def pending(self) -> int:
        return self.received - self.analysed - self.unfit

    @property
    def suspicious(self) -> Share:
        """Of the results."""
        return Share(self.called[True], self.called.total())

    @property
    def without_result(self) -> Share:
        """Of the studies that are done."""
        return Share(self.unfit, self.analysed + self.unfit)

    @property
    def agreement(self) -> Share:
        """Of the reviews that are sure."""
        agreed = self.said[Agreement.AGREE]
        return Share(agreed, agreed + self.said[Agreement.DISAGREE])

    @property
    def sensitivity(self) -> Share:
        """Called, of those in which readers found pneumonia."""
        return Share(self.found[True, True], self.found[True, True] + self.found[False, True])

    @property
    def specificity(self) -> Share:
        """Not called, of those in which readers found none."""
        return Share(self.found[False, False], self.found[False, False] + self.found[True, False])
