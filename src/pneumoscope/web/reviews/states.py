"""How far the reading of a result has come: a closed set, and the table of steps between them."""

from collections.abc import Sequence
from itertools import combinations

from django.db.models import TextChoices


class Agreement(TextChoices):
    AGREE = "agree", "Agree"
    DISAGREE = "disagree", "Disagree"
    UNSURE = "unsure", "Unsure"


class Label(TextChoices):
    NORMAL = "normal", "Normal"
    BACTERIAL = "bacterial", "Bacterial pneumonia"
    VIRAL = "viral", "Viral pneumonia"
    PNEUMONIA = "pneumonia", "Pneumonia, cause open"
    OTHER = "other", "Other finding"


class ReadingState(TextChoices):
    UNREAD = "UNREAD", "Not reviewed"
    READ = "READ", "Reviewed once"
    SECOND_WANTED = "SECOND_WANTED", "Second reader wanted"
    CONFIRMED = "CONFIRMED", "Two readers agree"
    DISPUTED = "DISPUTED", "Readers disagree"
    ADJUDICATED = "ADJUDICATED", "Adjudicated"


_READ = frozenset(
    {ReadingState.READ, ReadingState.SECOND_WANTED, ReadingState.CONFIRMED, ReadingState.DISPUTED}
)
# To itself and between the middle ones: a reader may think again until a senior has decided.
TRANSITIONS: dict[str, frozenset[str]] = {
    ReadingState.UNREAD: frozenset({ReadingState.READ, ReadingState.SECOND_WANTED}),
    ReadingState.READ: _READ,
    ReadingState.SECOND_WANTED: _READ,
    ReadingState.CONFIRMED: frozenset({ReadingState.CONFIRMED, ReadingState.DISPUTED}),
    ReadingState.DISPUTED: frozenset(
        {ReadingState.DISPUTED, ReadingState.CONFIRMED, ReadingState.ADJUDICATED}
    ),
    ReadingState.ADJUDICATED: frozenset({ReadingState.ADJUDICATED}),
}
# A cause left open contradicts no cause.
_COMPATIBLE = (
    frozenset({Label.PNEUMONIA, Label.BACTERIAL}),
    frozenset({Label.PNEUMONIA, Label.VIRAL}),
)


def contradict(one: str, other: str) -> bool:
    return one != other and {one, other} not in _COMPATIBLE


def confirmed_label(labels: Sequence[str]) -> Label:
    """What labels that do not contradict each other amount to: a cause, where one is named.

    labels: of readers who are sure, at least one.
    """
    named = [each for each in labels if each != Label.PNEUMONIA]
    return Label((named or labels)[0])


def reading_state(
    readings: Sequence[tuple[str, str]], *, adjudicated: bool, uncertain: bool
) -> ReadingState:
    """The state that follows from what the readers said.

    readings: (agreement, label) of each reader, an unsure one's label counting for nothing.
    uncertain: the model itself advises a second reader.
    """
    if adjudicated:
        return ReadingState.ADJUDICATED
    votes = [label for agreement, label in readings if agreement != Agreement.UNSURE]
    if not readings:
        return ReadingState.UNREAD
    if len(readings) == 1:
        content = readings[0][0] == Agreement.AGREE and not uncertain
        return ReadingState.READ if content else ReadingState.SECOND_WANTED
    if len(votes) < 2 or any(contradict(*pair) for pair in combinations(votes, 2)):
        return ReadingState.DISPUTED
    return ReadingState.CONFIRMED
