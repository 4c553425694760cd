"""How far the reading of a result has come: a closed set, and the table of steps between them."""

from collections.abc import Sequence
from itertools import combinations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Agreement(TextChoices):
    AGREE = "agree", _("Agree")
    DISAGREE = "disagree", _("Disagree")
    UNSURE = "unsure", _("Unsure")


class Label(TextChoices):
    NORMAL = "normal", _("Normal")
    BACTERIAL = "bacterial", _("Bacterial pneumonia")
    VIRAL = "viral", _("Viral pneumonia")
    PNEUMONIA = "pneumonia", _("Pneumonia, cause open")
    OTHER = "other", _("Other finding")


class ReadingState(TextChoices):
    UNREAD = "UNREAD", _("Not reviewed")
    READ = "READ", _("Reviewed once")
    SECOND_WANTED = "SECOND_WANTED", _("Second reader wanted")
    CONFIRMED = "CONFIRMED", _("Two readers agree")
    DISPUTED = "DISPUTED", _("Readers disagree")
    ADJUDICATED = "ADJUDICATED", _("Adjudicated")


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
