"""Reading 1—N Review: what people said of one analysis, all of it kept."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.lookups import Exact

from pneumoscope.web.accounts.roles import Right
from pneumoscope.web.reviews.models.functions import JsonType
from pneumoscope.web.reviews.regions import MOST_REGIONS, DrawnRegion
from pneumoscope.web.reviews.states import (
    Agreement,
    Label,
    ReadingState,
    confirmed_label,
    contradict,
)
from pneumoscope.web.studies.models import Analysis


class ReadingQuerySet(models.QuerySet["Reading"]):
    def visible_to(self, user: Any, right: Right = "review.write") -> Self:
        return self.filter(analysis__image__site__in=user.sites_with(right))


class Reading(models.Model):
    """How far the reading of one analysis has come; its row is locked while a review is added."""

    analysis = models.OneToOneField(Analysis, on_delete=models.PROTECT, related_name="reading")
    state = models.CharField(
        max_length=13, choices=ReadingState.choices, default=ReadingState.UNREAD
    )
    changed = models.DateTimeField(auto_now=True)

    objects = ReadingQuerySet.as_manager()

    class Meta:
        ordering = ["-changed", "-pk"]
        indexes = [models.Index(fields=["state", "-changed"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ReadingState.values), name="reading_state_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.analysis_id}: {self.state}"

    @property
    def standing(self) -> list["Review"]:
        """What nobody has said anew."""
        return [each for each in self.reviews.all() if each.superseded is None]

    @property
    def confirmed_label(self) -> Label:
        """As decided, else what the readers who are sure agree on. At least one of them is."""
        decided = [each.label for each in self.standing if each.kind == Kind.ADJUDICATION]
        said = [each.label for each in self.standing if each.agreement != Agreement.UNSURE]
        return confirmed_label(decided or said)

    @property
    def confirmed_regions(self) -> list[DrawnRegion]:
        """The decision's own, else those of the readers who are sure and whom the label does not
        contradict; what two readers saw is there twice."""
        label = self.confirmed_label
        decided = [each for each in self.standing if each.kind == Kind.ADJUDICATION]
        if not any(each.drawn_regions for each in decided):
            decided = [each for each in self.standing if each.agreement != Agreement.UNSURE]
        saw = [each for each in decided if not contradict(each.label, label)]
        return [region for each in saw for region in each.drawn_regions]


class Kind(models.TextChoices):
    READING = "reading", "Reading"
    ADJUDICATION = "adjudication", "Adjudication"


class Review(models.Model):
    """One person's word on one analysis, and so on one model version. Superseded, never changed.

    erased_regions: places in the record's list of regions that the reader says show nothing.
    drawn_regions: where the reader sees what the label says; see `reviews.regions`.
    seconds: from the form on the reader's screen to its sending.
    """

    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="reviews")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.READING)
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews"
    )
    agreement = models.CharField(max_length=8, choices=Agreement.choices)
    label = models.CharField(max_length=10, choices=Label.choices, blank=True)
    comment = models.TextField(max_length=2000, blank=True)
    erased_regions = models.JSONField(default=list, blank=True)
    drawn_regions = models.JSONField(default=list, blank=True)
    seconds = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    superseded = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created", "pk"]
        indexes = [models.Index(fields=["created", "id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["reading", "reader"],
                condition=Q(superseded=None, kind=Kind.READING),
                name="one_live_review_per_reader",
            ),
            models.UniqueConstraint(
                fields=["reading"],
                condition=Q(superseded=None, kind=Kind.ADJUDICATION),
                name="one_live_adjudication",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="review_kind_known"),
            models.CheckConstraint(
                condition=Q(agreement__in=Agreement.values), name="review_agreement_known"
            ),
            models.CheckConstraint(
                condition=Q(label__in=Label.values) | Q(label="", agreement=Agreement.UNSURE),
                name="review_has_a_label_unless_unsure",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.READING) | ~Q(agreement=Agreement.UNSURE),
                name="an_adjudication_is_sure",
            ),
            # A list, and not a longer one than there may be regions.
            models.CheckConstraint(
                condition=Q(Exact(JsonType("drawn_regions"), Value("array")))
                & Q(**{f"drawn_regions__{MOST_REGIONS}__isnull": True}),
                name="drawn_regions_are_few",
            ),
            models.CheckConstraint(
                condition=~Q(label=Label.NORMAL) | Q(drawn_regions=[]),
                name="nothing_is_drawn_on_a_normal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reader}: {self.get_agreement_display()}"

    @property
    def erased_zones(self) -> list[str]:
        regions = self.reading.analysis.record["regions"]
        return [regions[place]["zone"] for place in self.erased_regions]
