"""The states of an image: a closed set, and the table of steps between them."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    RECEIVED = "RECEIVED", _("Received")
    ANALYSING = "ANALYSING", _("Analysing")
    ANALYSED = "ANALYSED", _("Analysed")
    REJECTED = "REJECTED", _("Rejected")
    FAILED = "FAILED", _("Failed")


PENDING = frozenset({State.RECEIVED, State.ANALYSING})

TRANSITIONS: dict[str, frozenset[str]] = {
    State.RECEIVED: frozenset({State.ANALYSING}),
    # To itself: a claim past its lease is taken over by another worker.
    State.ANALYSING: frozenset({State.ANALYSING, State.ANALYSED, State.REJECTED, State.FAILED}),
    State.ANALYSED: frozenset(),
    State.REJECTED: frozenset(),
    # Sent again after a failure that was ours and not the file's.
    State.FAILED: frozenset({State.RECEIVED}),
}


def sources_of(target: str) -> list[str]:
    """The states from which `target` may be reached, for conditional updates."""
    return sorted(source for source, targets in TRANSITIONS.items() if target in targets)


def study_state(states: set[str]) -> State:
    """A study's state from its images': unfinished first, then the best that was reached."""
    if states == {State.RECEIVED}:
        return State.RECEIVED
    if states & PENDING:
        return State.ANALYSING
    for state in (State.ANALYSED, State.REJECTED):
        if state in states:
            return state
    return State.FAILED
