"""What the database says of the studies received in a period: counted there, never loaded.

Everything is of one set, the studies by the day on which they were received, so that each figure's
link to the worklist shows the studies it is made of. Results and reviews count where their study
counts. Each method is one query.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Expression,
    F,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf

from pneumoscope.web.dashboards.periods import Bins, midnight
from pneumoscope.web.dashboards.readings import Word
from pneumoscope.web.dashboards.times import tenths
from pneumoscope.web.reviews.models import Review
from pneumoscope.web.studies.conditions import AGES, UNFIT
from pneumoscope.web.studies.models import Image, Study

# From an analysis, its reading and a review of it to the study.
_REVIEWED = "reading__analysis__image__study__"


@dataclass(frozen=True, slots=True)
class Cohort:
    """The studies received at `sites` in the period of `bins`, and in as long before it.

    blind: those of the sites at which results may not be told, nor what readers said of them.
    """

    sites: list[int]
    bins: Bins
    blind: frozenset[int]

    def within(self, path: str = "", *, before: bool = False) -> Q:
        """That a row's study, which lies at `path`, is one of them; `before`: those before too."""
        first = self.bins.before if before else self.bins.starts[0]
        return Q(**{f"{path}site__in": self.sites, f"{path}created__gte": midnight(first)})

    def states(self) -> Counter[tuple[Any, ...]]:
        """Studies by bin, site, age band, sex, state and what was called."""
        found = Study.objects.filter(self.within(before=True))
        return _counted(
            found.annotate(called=self._called("")), "state", "called", **self._places("")
        )

    def result_times(self) -> Counter[tuple[Any, ...]]:
        """Images by bin and by the seconds from their receipt to their first result."""
        found = Image.objects.filter(
            self.within("study__", before=True), first_result__isnull=False
        )
        took = tenths("first_result", "created")
        return _counted(found, place=self.bins.place_of("study__created"), took=took)

    def words(self) -> Iterator[Word]:
        """What readers said of results, also of those before.

        Sought from the reviews, since no review is older than its study: few studies may be
        reviewed. The sum keeps the database from starting at the sites' studies.
        """
        image = "reading__analysis__image__"
        groups = {**_groups(_REVIEWED), "by_view": _view(image)}
        first = midnight(self.bins.before)
        of_these = {"of_site__in": self.sites, f"{_REVIEWED}created__gte": first}
        found = Review.objects.alias(of_site=F(f"{_REVIEWED}site_id") + 0)
        found = found.filter(created__gte=first, **of_these).annotate(
            place=self.bins.place_of(f"{_REVIEWED}created"),
            took=tenths("created", "reading__analysis__created"),
            **groups,
        )
        said = ("superseded", "kind", "agreement", "label", "reading__state")
        fields = ("reading", "pk", "place", *groups, "took", *said, "reading__analysis__positive")
        rows = found.order_by().values_list(*fields)
        for reading, pk, place, site, age, sex, view, took, superseded, *said in rows:
            told = site not in self.blind
            yield Word(
                reading, pk, place, (site, age, sex, view), told, took, superseded is None, *said
            )

    def reasons(self) -> Counter[tuple[Any, ...]]:
        """Studies without a result, by state and the codes with which their images ended."""
        found = Study.objects.filter(self.within(), state__in=UNFIT, images__failure_code__gt="")
        return _counted(found, "state", "images__failure_code", distinct=True)

    def views(self) -> Counter[tuple[Any, ...]]:
        """Studies that have an image of the view, by view, state and what was called."""
        found = Image.objects.filter(self.within("study__"))
        found = found.annotate(called=self._called("study__"))
        fields = ("study__state", "called")
        return _counted(found, *fields, of="study", distinct=True, view=_view(""))

    def _told(self, path: str) -> Q:
        """That the results of the study at `path` may be told."""
        return ~Q(**{f"{path}site__in": self.blind})

    def _called(self, path: str) -> Expression:
        """What the study at `path` was called, where that may be told."""
        none, called = Value(None), F(f"{path}positive")
        hidden = When(~self._told(path), then=none)
        return Case(hidden, default=called, output_field=BooleanField(null=True))

    def _places(self, path: str) -> dict[str, Any]:
        return {"place": self.bins.place_of(f"{path}created"), **_groups(path)}


# What was typed goes before the file, except for a view that the file knows: as in the worklist.


def _age_band(path: str) -> Expression:
    """The name of the worklist's age filter; empty: not known."""
    typed, known = f"{path}description__age_years", f"{path}age_years"
    bands = [
        When(
            Q(**{f"{typed}__gte": low, f"{typed}__lt": high})
            | Q(**{typed: None, f"{known}__gte": low, f"{known}__lt": high}),
            then=Value(name),
        )
        for name, (_, low, high) in AGES.items()
    ]
    return Case(*bands, default=Value(""), output_field=CharField())


def _sex(path: str) -> Expression:
    return Coalesce(NullIf(f"{path}description__sex", Value("")), f"{path}sex")


def _view(path: str) -> Expression:
    """Of the image at `path`; empty: not known."""
    own = NullIf(f"{path}view_position", Value(""))
    return Coalesce(own, f"{path}study__description__view_position", Value(""))


def _groups(path: str) -> dict[str, Any]:
    return {"by_site": F(f"{path}site_id"), "by_age": _age_band(path), "by_sex": _sex(path)}


def _counted(
    rows: QuerySet[Any], *fields: str, of: str = "pk", distinct: bool = False, **named: Any
) -> Counter[tuple[Any, ...]]:
    """How many `of` the rows there are, by the `named` expressions and then the fields."""
    found = rows.order_by().annotate(**named).values_list(*named, *fields)
    counted = found.annotate(how_many=Count(of, distinct=distinct))
    return Counter({tuple(key): count for *key, count in counted})
