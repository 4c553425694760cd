"""Which reviews a person may read: a second reader sees the first's only after their own."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import Right, rights_of
from pneumoscope.web.reviews.models import Kind, Review
from pneumoscope.web.reviews.states import ReadingState
from pneumoscope.web.studies.blinding import hidden_condition

_IMAGE = "reading__analysis__image"


def reviews_told(user: User) -> QuerySet[Review]:
    """Of results that the person may see (`studies.blinding`), in any order.

    Those whose reading they have said their own word on, or which a senior reader has decided;
    those they may decide now; and all at sites where they review nothing.
    """
    own = Review.objects.filter(reading=OuterRef("reading"), reader=user, superseded=None)
    open_to_them = (
        Exists(own.filter(kind=Kind.READING))
        | Q(reading__state=ReadingState.ADJUDICATED)
        | Q(_at(user, "review.adjudicate"), reading__state=ReadingState.DISPUTED)
        | ~_at(user, "review.write")
    )
    visible = Q(**{f"{_IMAGE}__site__in": user.sites_with("study.view")})
    return Review.objects.filter(visible, open_to_them).exclude(hidden_condition(user, _IMAGE))


def _at(user: User, right: Right) -> Q:
    """Sites at which the person's role has the right, whatever a token carries: reading on with a
    token that may only read would otherwise show what their pages do not."""
    sites = [key for key, seat in user.seats.items() if right in rights_of(seat.role)]
    return Q(**{f"{_IMAGE}__site__in": sites})
