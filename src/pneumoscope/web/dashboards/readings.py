"""What readers said of results. Their reviews are read once, a row each, and counted here: people
write few of them, and asking the database for each count would join the same tables each time."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pneumoscope.web.dashboards.periods import BEFORE
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.states import Agreement, Label, ReadingState

PNEUMONIA = (Label.BACTERIAL, Label.VIRAL, Label.PNEUMONIA)


class Word(NamedTuple):
    """One review. group: site, age band, sex and view of what was read. told: whether its result
    may be. took: seconds from the result to the review. called: what the model said."""

    reading: int
    review: int
    place: int
    group: tuple[Any, ...]
    told: bool
    took: float
    stands: bool
    kind: str
    agreement: str
    label: str
    state: str
    called: bool


@dataclass(frozen=True, slots=True)
class Readings:
    """agreements: readers' last words on results, by bin, group and agreement. An adjudication is
    no reader's word on a result but a decision between them.
    calls: read results by group, what readers found and what was called.
    times: results by bin and by the seconds to the first word on them."""

    agreements: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    calls: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    times: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    @classmethod
    def of(cls, words: Iterable[Word]) -> "Readings":
        """From the words in any order."""
        by_reading: defaultdict[int, list[Word]] = defaultdict(list)
        for word in words:
            by_reading[word.reading].append(word)
        readings = cls()
        for of_one in by_reading.values():
            readings.count(of_one)
        return readings

    def count(self, words: list[Word]) -> None:
        """One reading's words."""
        first = min(words, key=lambda word: word.review)
        if first.place != BEFORE:
            self.times[first.place, first.took] += 1
        if not first.told:
            return
        for word in words:
            if word.stands and word.kind == Kind.READING:
                self.agreements[word.place, *word.group, word.agreement] += 1
        if first.place != BEFORE:
            self.calls[*first.group, truth(words), first.called] += 1


def truth(words: Iterable[Word]) -> bool | None:
    """Whether a reading's readers found pneumonia; None: unsure, or they differ and nobody decided.

    A senior reader's decision goes before the others' words.
    """
    standing = [word for word in words if word.stands]
    if any(word.state == ReadingState.ADJUDICATED for word in standing):
        decided = [word for word in standing if word.kind == Kind.ADJUDICATION]
        return any(word.label in PNEUMONIA for word in decided)
    found = {word.label in PNEUMONIA for word in standing if word.agreement != Agreement.UNSURE}
    return found.pop() if len(found) == 1 else None
