"""One received file, and its place in the queue."""

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.studies.models.search import SearchWord
from pneumoscope.web.studies.models.studies import SiteQuerySet, Study
from pneumoscope.web.studies.states import State

if TYPE_CHECKING:
    from pneumoscope.web.studies.models.analyses import Analysis


class Image(models.Model):
    """One received file. The row is its place in the queue too: see `studies.queue`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="images")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    source_name = models.CharField(max_length=255)
    file = models.FileField(max_length=200)
    bytes = models.PositiveBigIntegerField()
    sop_class_uid = models.CharField(max_length=64, blank=True)
    sop_instance_uid = models.CharField(max_length=64, blank=True)
    series_instance_uid = models.CharField(max_length=64, blank=True)
    view_position = models.CharField(max_length=16, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    # As displayed, known once decoded: JPEGs for the browser, so that only workers decode.
    rows = models.PositiveIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    rendered = models.FileField(max_length=200, blank=True)
    thumbnail = models.FileField(max_length=200, blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    queued = models.DateTimeField(default=timezone.now)
    # When it was first analysed or rejected, whatever later models say; here for the dashboards.
    first_result = models.DateTimeField(null=True)
    failure_code = models.CharField(max_length=60, blank=True)
    failure_reason = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    # `core.record.failure_record` of a failed image; the others have theirs in the analysis.
    failure_record = models.JSONField(null=True)
    claim_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["created", "id"]
        indexes = [
            models.Index(fields=["state", "queued"]),
            models.Index(fields=["site", "sop_instance_uid"]),
            models.Index(fields=["view_position", "study"]),
            # All that the dashboards ask of a study's images.
            models.Index(
                fields=["study", "created", "first_result", "view_position"],
                name="image_of_study_when",
            ),
            # Of all: SQLite does not use one with a condition for a code that comes as a parameter.
            models.Index(fields=["failure_code", "study"], name="image_without_a_result"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["site", "sha256"], name="image_once_per_site"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="image_state_known"),
            models.CheckConstraint(
                condition=Q(state=State.ANALYSING, claim_token__isnull=False)
                & Q(leased_until__isnull=False)
                | ~Q(state=State.ANALYSING) & Q(claim_token=None, leased_until=None),
                name="image_claimed_while_analysing",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.REJECTED, State.FAILED]) & ~Q(failure_code="")
                | ~Q(state__in=[State.REJECTED, State.FAILED]) & Q(failure_code=""),
                name="image_failure_has_a_code",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new one with the study's search words of its file's name, which never changes."""
        new = self._state.adding
        super().save(*args, **kwargs)
        if new:
            SearchWord.objects.bulk_create(self.file_words())

    def file_words(self) -> list[SearchWord]:
        return SearchWord.made_of([self.source_name], study=self.study, of_patient=False)

    def audit_subject(self) -> tuple[uuid.UUID, str]:
        return self.study.audit_subject()

    @property
    def record(self) -> dict[str, Any] | None:
        """The `core.record` object of the outcome; none while pending."""
        return self.analysis.record if self.analysis else self.failure_record

    @property
    def analysis(self) -> "Analysis | None":
        """The newest analysis; none while pending or after a failure."""
        return max(self.analyses.all(), key=lambda analysis: analysis.pk, default=None)
