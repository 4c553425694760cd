"""What a model said of an image."""

import io

import numpy as np
from django.db import models
from django.db.models import F, Q

from pneumoscope.core.types import FloatImage
from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.studies.models.images import Image


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
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]
        verbose_name_plural = "analyses"
        # A row is large; dashboards read when each image had its result, and which, from here.
        indexes = [
            models.Index(fields=["image", "created", "positive"], name="analysis_of_image_when"),
        ]
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


def array_pack(array: FloatImage | None) -> bytes | None:
    """As .npy bytes: dtype and shape travel along."""
    if array is None:
        return None
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def array_unpack(data: bytes | memoryview | None) -> FloatImage | None:
    return None if data is None else np.load(io.BytesIO(data), allow_pickle=False)
