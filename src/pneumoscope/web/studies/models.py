"""Study 1—N Image 1—N Analysis; a worker's sign of life. Names are the DICOM keywords' words."""

import io
import uuid
from typing import Any, Self

import numpy as np
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from pneumoscope.core.types import FloatImage
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.roles import Right
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.studies.states import State


class Source(models.TextChoices):
    UPLOAD = "upload", "Upload"
    API = "api", "API"
    SAMPLE = "sample", "Sample"
    DICOM = "dicom", "DICOM"


class Urgency(models.IntegerChoices):
    """The order of the worklist: the largest first, newest first within each."""

    DONE = 0, "Unsuspicious, rejected or failed"
    UNCERTAIN = 1, "Uncertain"
    SUSPICIOUS = 2, "Suspicious"
    PENDING = 3, "In progress"


class SiteQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any, right: Right = "study.view") -> Self:
        """Only what belongs to sites at which the user has the right; the rest does not exist."""
        return self.filter(site__in=user.sites_with(right))


class Study(models.Model):
    """What was acquired of one patient at one time; for files without a header, one image."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="studies")
    study_instance_uid = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    patient_id = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=324, blank=True)
    age_years = models.FloatField(null=True, blank=True)
    sex = models.CharField(max_length=16, blank=True)
    accession_number = models.CharField(max_length=16, blank=True)
    study_date = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="assigned_studies",
    )
    # All of these follow from the images (`summary`); kept here so that the worklist sorts and
    # filters one table by its indexes.
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    headline = models.ForeignKey(
        "Analysis", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    positive = models.BooleanField(null=True, editable=False)
    uncertain = models.BooleanField(default=False, editable=False)
    urgency = models.PositiveSmallIntegerField(
        choices=Urgency.choices, default=Urgency.PENDING, editable=False
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-id"]
        verbose_name_plural = "studies"
        indexes = [
            models.Index(fields=["site", "-urgency", "-created", "-id"]),
            models.Index(fields=["site", "-created", "-id"]),
            models.Index(fields=["site", "state", "-created", "-id"]),
            models.Index(fields=["site", "patient_id"]),
            models.Index(fields=["site", "accession_number"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="study_state_known"),
            # With the patient: two patients under one UID is a sender's error that must never
            # put one patient's image into the other's study.
            models.UniqueConstraint(
                fields=["site", "study_instance_uid", "patient_id"],
                name="study_once_per_site_and_patient",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def audit_subject(self) -> tuple[uuid.UUID, str]:
        return self.pk, patient_pseudonym(self.site_id, self.patient_id)


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


class Analysis(models.Model):
    """What one model version said of one image. `record` is `core.record.analysis_record`."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="analyses")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    record = models.JSONField()
    verdict = models.CharField(
        max_length=6, choices=[(word, word) for word in ("pass", "warn", "reject")]
    )
    probability = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    positive = models.BooleanField(null=True)
    aetiology = models.JSONField(null=True)
    heatmap_npy = models.BinaryField(null=True)
    embedding_npy = models.BinaryField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]
        verbose_name_plural = "analyses"
        constraints = [
            models.UniqueConstraint(fields=["image", "model_version"], name="analysis_once"),
            models.CheckConstraint(
                condition=Q(probability=None) | Q(probability__gte=0, probability__lte=1),
                name="probability_between_0_and_1",
            ),
            # A rejected radiograph has no number at all; any other has all of them.
            models.CheckConstraint(
                condition=Q(verdict="reject", probability=None, threshold=None, positive=None)
                | Q(verdict__in=["pass", "warn"], probability__isnull=False)
                & Q(threshold__isnull=False, positive__isnull=False),
                name="no_number_when_rejected",
            ),
            models.CheckConstraint(
                condition=Q(positive=None)
                | Q(positive=True, probability__gte=F("threshold"))
                | Q(positive=False, probability__lt=F("threshold")),
                name="positive_at_the_threshold",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def heatmap(self) -> FloatImage | None:
        """float32 [h, w], 0..1, at the network's map resolution; None when rejected."""
        return array_unpack(self.heatmap_npy)

    @property
    def embedding(self) -> FloatImage | None:
        """float32 [d], the network's features."""
        return array_unpack(self.embedding_npy)


class SavedView(models.Model):
    """A person's own filters of the worklist under a name; `query` is the address's."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_view_once_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered; `answer` None: not yet."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="answer_once_per_key"),
        ]

    def __str__(self) -> str:
        return self.key


class Worker(models.Model):
    """A worker process's sign of life, for /healthz."""

    name = models.CharField(max_length=120, unique=True)
    seen = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


def array_pack(array: FloatImage | None) -> bytes | None:
    """As .npy bytes: dtype and shape travel along."""
    if array is None:
        return None
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def array_unpack(data: bytes | memoryview | None) -> FloatImage | None:
    return None if data is None else np.load(io.BytesIO(data), allow_pickle=False)
