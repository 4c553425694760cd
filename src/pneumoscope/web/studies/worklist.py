"""What the worklist shows of each study, in which order: a fixed number of queries per page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Prefetch, Q, QuerySet, Value, When

from pneumoscope.web.accounts.models import User
from pneumoscope.web.studies.models import Analysis, Image, Study
from pneumoscope.web.studies.states import PENDING, State

PAGE_SIZE = 50

SHOW: dict[str, tuple[str, Q]] = {
    "all": ("All studies", Q()),
    "suspicious": ("Suspicious", Q(headline__positive=True)),
    "unlikely": ("Pneumonia unlikely", Q(headline__positive=False)),
    "uncertain": ("Uncertain", Q(headline__record__uncertain=True)),
    "pending": ("In progress", Q(state__in=PENDING)),
    "rejected": ("Rejected", Q(state=State.REJECTED)),
    "failed": ("Failed", Q(state=State.FAILED)),
}
_BY_SUSPICION = Case(
    When(state__in=PENDING, then=Value(0)), When(headline__positive=True, then=Value(1)), default=2
)
SORT: dict[str, tuple[str, list[Any]]] = {
    "suspicious": ("Suspicious first", [_BY_SUSPICION, "-created", "-id"]),
    "newest": ("Newest first", ["-created", "-id"]),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for; unknown choices fall back to the first."""

    q: str = ""
    show: str = "all"
    sort: str = "suspicious"

    @classmethod
    def of(cls, parameters: dict[str, str]) -> "Filters":
        show, sort = parameters.get("show", ""), parameters.get("sort", "")
        return cls(
            q=parameters.get("q", "").replace("\x00", "").strip()[:128],
            show=show if show in SHOW else "all",
            sort=sort if sort in SORT else "suspicious",
        )


def studies_listed(user: User, filters: Filters = Filters()) -> QuerySet[Study]:
    """The user's studies. Names of patients are searched only for who may see them."""
    studies = Study.objects.visible_to(user).filter(SHOW[filters.show][1])
    if filters.q:
        match = Q(pk__in=Image.objects.filter(source_name__icontains=filters.q).values("study"))
        named = Q(patient_id__icontains=filters.q) | Q(patient_name__icontains=filters.q)
        named |= Q(accession_number__iexact=filters.q)
        match |= named & Q(site__in=user.sites_with("patient.reveal"))
        studies = studies.filter(match)
    return with_rows(studies).order_by(*SORT[filters.sort][1])


def with_rows(studies: QuerySet[Study]) -> QuerySet[Study]:
    """Everything `Row` reads: two queries, however many studies."""
    shown = ("study", "source_name", "thumbnail", "state", "failure_code", "failure_reason")
    images = Image.objects.only(*shown, "remedy", "created")
    return studies.select_related("site", "headline").prefetch_related(Prefetch("images", images))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the worklist."""

    study: Study

    @property
    def image(self) -> Image | None:
        """The image that speaks for the study: the headline's, else the first."""
        images = list(self.study.images.all())
        speaking = [i for i in images if self.analysis and i.pk == self.analysis.image_id]
        return next(iter(speaking or images), None)

    @property
    def analysis(self) -> Analysis | None:
        return self.study.headline

    @property
    def more(self) -> int:
        return max(0, len(self.study.images.all()) - 1)

    @property
    def pending(self) -> str:
        """What the page sends back to ask whether anything has changed; empty when finished."""
        return token(self.study) if self.study.state in PENDING else ""


def token(study: Study) -> str:
    """A study and all that its row may change by: its state, images and headline."""
    return f"{study.pk.hex}.{study.state}.{len(study.images.all())}.{study.headline_id or 0}"


def rows(studies: Iterable[Study]) -> list[Row]:
    return [Row(study) for study in studies]


def rows_changed(user: User, tokens: list[str]) -> list[Row]:
    """The rows among those on the reader's page that are no longer as the page shows them."""
    known = {}
    for word in tokens:
        try:
            known[UUID(word.partition(".")[0])] = word
        except ValueError:
            continue
    studies = with_rows(Study.objects.visible_to(user).filter(pk__in=known))
    return [Row(study) for study in studies if token(study) != known[study.pk]]
