"""What each choice of a filter means, and what it is called."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.days import days
from pneumoscope.web.studies.models import Analysis, Description, Image, Study
from pneumoscope.web.studies.states import PENDING, State

RESULTS = {
    "suspicious": (_("Suspicious"), Q(positive=True)),
    "unlikely": (_("Pneumonia unlikely"), Q(positive=False)),
    "uncertain": (_("Uncertain"), Q(uncertain=True)),
}
IN_PROGRESS = "PENDING"
ME, NOBODY = ":me", ":nobody"
NO_RESULT = "NO_RESULT"
STATES = {
    IN_PROGRESS: _("In progress"),
    **dict(State.choices),
    NO_RESULT: _("Without a result"),
}
UNFIT = (State.REJECTED, State.FAILED)
# Of age, sex and view: neither the file nor a person says one of the others.
UNKNOWN = "unknown"
# Years, the upper end not included.
AGES: dict[str, tuple[str, float, float]] = {
    "0-1": (_("Under 1 year"), 0, 1),
    "1-6": (_("1 to 5 years"), 1, 6),
    "6-18": (_("6 to 17 years"), 6, 18),
    "18-65": (_("18 to 64 years"), 18, 65),
    "65-": (_("65 years and over"), 65, 200),
}
SEXES = {"F": _("Female"), "M": _("Male"), "O": _("Other")}
VIEWS = {"PA": "PA", "AP": "AP", "LL": _("Left lateral"), "RL": _("Right lateral")}
# Of more rows than this it is quicker to ask for each study of a page than to look all of them up.
MANY = 20_000

# By the names of `reviews`, whose models this app does not import.
DISAGREEMENTS = {
    "model": (
        _("A reader disagrees with the result"),
        Q(reading__reviews__agreement="disagree", reading__reviews__superseded=None),
    ),
    "readers": (_("Readers disagree, nobody has decided"), Q(reading__state="DISPUTED")),
}


def among(rows: QuerySet[Any], study: str = "study") -> Q:
    """That a study is the `study` of one of the rows. Asks the database whether they are many."""
    if rows.order_by()[MANY : MANY + 1].exists():
        return Q(Exists(rows.filter(**{study: OuterRef("pk")})))
    found = rows.values(study)
    # Distinct, so that PostgreSQL takes them as a set, too, and does not look for each study's.
    return Q(pk__in=found if study == "pk" else found.distinct())


def reviewed(user: User, word: str) -> Q:
    """By a review that stands. ME and NOBODY cannot be names: names have no colon."""
    if word == NOBODY:
        return ~among(Analysis.objects.filter(reading__isnull=False), "image__study")
    reader = user.username if word == ME else word
    return _of_analyses(
        Q(reading__reviews__reader__username=reader, reading__reviews__superseded=None)
    )


def _of_analyses(condition: Q) -> Q:
    return among(Analysis.objects.filter(condition), "image__study")


def _state(word: str) -> Q:
    several = {IN_PROGRESS: PENDING, NO_RESULT: UNFIT}
    return Q(state__in=several[word]) if word in several else Q(state=word)


def _reason(code: str) -> Q:
    """With which an image of the study ended."""
    return among(Image.objects.filter(failure_code=code))


# What was typed goes before what a file says; no row of what was typed is an empty one.


def _age(word: str) -> Q:
    known = _typed(age_years__isnull=False)
    if word == UNKNOWN:
        return among(Study.objects.filter(age_years=None), "pk") & ~known
    _, low, high = AGES[word]
    years = {"age_years__gte": low, "age_years__lt": high}
    return _typed(**years) | among(Study.objects.filter(**years), "pk") & ~known


def _sex(word: str) -> Q:
    known = _typed(sex__in=SEXES)
    if word == UNKNOWN:
        return among(Study.objects.exclude(sex__in=SEXES), "pk") & ~known
    return _typed(sex=word) | among(Study.objects.filter(sex=word), "pk") & ~known


def _view(word: str) -> Q:
    """Of an image's file, or as typed for images whose files name none."""
    silent = among(Image.objects.filter(view_position=""))
    if word == UNKNOWN:
        strange = among(Image.objects.exclude(view_position__in=["", *VIEWS]))
        return strange | silent & ~_typed(view_position__in=VIEWS)
    own = among(Image.objects.filter(view_position=word))
    return own | silent & _typed(view_position=word)


def _typed(**what: Any) -> Q:
    return among(Description.objects.filter(**what))


CONDITIONS = {
    "result": lambda word: RESULTS[word][1],
    "state": _state,
    "reason": _reason,
    "age": _age,
    "sex": _sex,
    "view": _view,
    "disagreement": lambda word: _of_analyses(DISAGREEMENTS[word][1]),
    "site": lambda word: Q(site__code=word),
    "source": lambda word: Q(source=word),
    "since": lambda day: days("created", since=day),
    "until": lambda day: days("created", until=day),
}
