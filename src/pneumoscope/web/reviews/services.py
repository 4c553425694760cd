"""Saying something of a result: one transaction with its audit event, and the reading's new state.

The model version needs no column of its own: an analysis belongs to one for good (PROTECT).
"""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.reviews.errors import NotIndependent, ReadingClosed, ReviewChanged
from pneumoscope.web.reviews.models import Kind, Reading, Review
from pneumoscope.web.reviews.regions import DrawnRegion
from pneumoscope.web.reviews.states import TRANSITIONS, Label, ReadingState, reading_state
from pneumoscope.web.studies.models import Analysis


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a reader filled in; an empty label only when unsure."""

    agreement: str
    label: str
    comment: str = ""
    erased_regions: tuple[int, ...] = ()
    drawn_regions: tuple[DrawnRegion, ...] = ()
    seconds: int = 0


def label_of(analysis: Analysis) -> Label:
    """What the model called."""
    return Label.PNEUMONIA if analysis.positive else Label.NORMAL


def review_create(
    *,
    acting_user: User,
    analysis: Analysis,
    kind: Kind,
    opinion: Opinion,
    supersedes: int | None = None,
) -> Review:
    """Add a review, or put it in the place of `supersedes`, which stays as history.

    Raises ReviewChanged where another review than `supersedes` stands, ReadingClosed and
    NotIndependent.
    """
    try:
        with transaction.atomic():
            return _review_create(acting_user, analysis, kind, opinion, supersedes)
    except IntegrityError as error:
        raise ReviewChanged("Another review was saved at the same moment.") from error


def _review_create(
    user: User, analysis: Analysis, kind: Kind, opinion: Opinion, supersedes: int | None
) -> Review:
    Reading.objects.get_or_create(analysis=analysis)
    reading = Reading.objects.select_for_update().get(analysis=analysis)
    live = list(reading.reviews.filter(superseded=None).select_related("reader"))
    _open_check(reading, kind, user, live)
    standing = review_standing(live, kind, user)
    if (standing.pk if standing else None) != supersedes:
        raise ReviewChanged(_changed(standing, user))
    if standing:
        standing.superseded = timezone.now()
        standing.save(update_fields=["superseded"])
    review = Review(
        reading=reading,
        kind=kind,
        reader=user,
        agreement=opinion.agreement,
        label=opinion.label,
        comment=opinion.comment,
        erased_regions=sorted(opinion.erased_regions),
        drawn_regions=list(opinion.drawn_regions),
        seconds=opinion.seconds,
    )
    review.save(force_insert=True)
    _step(reading, [*(each for each in live if each != standing), review], analysis)
    event_record(
        action="review.adjudicate" if kind == Kind.ADJUDICATION else "review.write",
        actor=user,
        target=analysis.image,
        detail={
            "agreement": opinion.agreement,
            "label": opinion.label,
            "regions": len(opinion.drawn_regions),
            "state": reading.state,
            "model": analysis.model_version.bundle_hash,
        },
    )
    return review


def review_standing(live: list[Review], kind: Kind, user: User) -> Review | None:
    """The one that a new review takes the place of: one's own, or the adjudication."""
    of_kind = [each for each in live if each.kind == kind]
    if kind == Kind.READING:
        of_kind = [each for each in of_kind if each.reader_id == user.pk]
    return of_kind[0] if of_kind else None


def may_adjudicate(reading: Reading, user: User, live: list[Review]) -> bool:
    """Whether this person may decide now; the right itself is asked before."""
    return reading.state in {ReadingState.DISPUTED, ReadingState.ADJUDICATED} and not any(
        each.reader_id == user.pk for each in live if each.kind == Kind.READING
    )


def _open_check(reading: Reading, kind: Kind, user: User, live: list[Review]) -> None:
    if kind == Kind.READING:
        if reading.state == ReadingState.ADJUDICATED:
            raise ReadingClosed("A senior reader has decided in the meantime.")
    elif reading.state not in {ReadingState.DISPUTED, ReadingState.ADJUDICATED}:
        raise ReadingClosed("The readers do not disagree, so there is nothing to decide.")
    elif not may_adjudicate(reading, user, live):
        raise NotIndependent("You are one of the readers of this image.")


def _step(reading: Reading, live: list[Review], analysis: Analysis) -> None:
    state = reading_state(
        [(each.agreement, each.label) for each in live if each.kind == Kind.READING],
        adjudicated=any(each.kind == Kind.ADJUDICATION for each in live),
        uncertain=bool(analysis.record.get("uncertain")),
    )
    if state not in TRANSITIONS[reading.state]:
        raise ReadingClosed(f"A reading does not go from {reading.state} to {state}.")
    reading.state = state
    reading.save()


def _changed(standing: Review | None, user: User) -> str:
    if standing is None:
        return "The review that you wanted to change is no longer there."
    who = "You" if standing.reader_id == user.pk else str(standing.reader)
    when = timezone.localtime(standing.created)
    return f"{who} saved a review at {when:%H:%M %Z}, after this form was opened."
