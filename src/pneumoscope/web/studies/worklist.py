"""What the worklist shows of each study, a page at a time: a fixed number of queries per page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.keyset import place_of, rows_after
from pneumoscope.web.studies.blinding import with_hidden
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Analysis, Image, Study
from pneumoscope.web.studies.states import PENDING

PAGE_SIZE = 50
# More than this many studies are not counted: nobody reads the figure, and it costs most.
COUNT_LIMIT = 1000
# Longer than a study takes to be written.
OVERLAP = timedelta(seconds=10)
MOMENT_DIGITS = 11
ORDERS = {"suspicious": ("urgency", "created", "id"), "newest": ("created", "id")}


def page_of(filters: Filters, after: str = "", size: int = PAGE_SIZE) -> tuple[list[Study], str]:
    """The page that begins after the study `after` names (empty: the first), and the next `after`.

    Each site is asked by itself, because an index gives the order within one site only.
    """
    fields = ORDERS[filters.sort_by]
    studies = rows_after(filters.studies(), fields, after)
    places = [
        place
        for site in filters.user.sites_with("study.view")
        for place in studies.filter(site=site).values_list(*fields)[: size + 1]
    ]
    places.sort(reverse=True)
    keys = [place[-1] for place in places[:size]]
    shown = with_rows(Study.objects.filter(pk__in=keys), filters.user)
    found = list(rows_after(shown, fields, ""))
    return found, place_of(found[-1], fields) if len(places) > size else ""


def count_words(filters: Filters, page: list[Study], *, whole: bool) -> str:
    """How many studies there are, as far as it is worth counting; `whole`: all are on the page."""
    count = len(page) if whole else filters.studies().order_by()[: COUNT_LIMIT + 1].count()
    if count > COUNT_LIMIT:
        return _("more than %s studies") % intcomma(COUNT_LIMIT)
    return ngettext("%(n)s study", "%(n)s studies", count) % {"n": intcomma(count)}


def with_rows(studies: QuerySet[Study], user: User) -> QuerySet[Study]:
    """Everything `Row` reads and may show this person: two queries, however many studies."""
    shown = ("study", "source_name", "thumbnail", "state", "failure_code", "failure_reason")
    images = Image.objects.only(*shown, "remedy", "created")
    found = studies.select_related("site", "headline", "assigned_to", "description")
    return with_hidden(found, user).prefetch_related(Prefetch("images", images))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the worklist."""

    study: Study
    # Sent again: these bytes were here before.
    duplicate: bool = False

    @property
    def image(self) -> Image | None:
        """The image that speaks for the study: the headline's, else the first."""
        images = list(self.study.images.all())
        speaking = [i for i in images if self.analysis and i.pk == self.analysis.image_id]
        return next(iter(speaking or images), None)

    @property
    def hidden(self) -> bool:
        """Whether the result waits for the reader's own word."""
        return self.study.hidden

    @property
    def analysis(self) -> Analysis | None:
        return None if self.hidden else self.study.headline

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


def rows(studies: Iterable[Study], duplicates: Collection[UUID] = ()) -> list[Row]:
    """`duplicates`: the keys of studies that were here before they were sent."""
    return [Row(study, study.pk in duplicates) for study in studies]


def moment_word() -> str:
    """Now, as `rows_arrived` reads it."""
    return str(int(timezone.now().timestamp()))


def rows_arrived(filters: Filters, since: str) -> list[Row]:
    """What has come since `since`, a `moment_word`, newest first; nothing where it is no moment.

    A little earlier than that too: what was being written then. Who asks knows those rows.
    """
    if not since.isdecimal() or len(since) > MOMENT_DIGITS:
        return []
    begin = datetime.fromtimestamp(int(since), UTC) - OVERLAP
    keys = filters.studies().filter(created__gt=begin).values_list("pk", flat=True)[:PAGE_SIZE]
    shown = with_rows(Study.objects.filter(pk__in=list(keys)), filters.user)
    return [Row(study) for study in shown.order_by("-created", "-id")]


def rows_changed(user: User, tokens: list[str]) -> list[Row]:
    """The rows among those on the reader's page that are no longer as the page shows them."""
    known = {}
    for word in tokens:
        try:
            known[UUID(word.partition(".")[0])] = word
        except ValueError:
            continue
    studies = with_rows(Study.objects.visible_to(user).filter(pk__in=known), user)
    return [Row(study) for study in studies if token(study) != known[study.pk]]
