"""What a reader saw before the result was shown to them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.studies.models.analyses import Analysis


class Finding(models.TextChoices):
    PNEUMONIA = "pneumonia", _("Pneumonia")
    NORMAL = "normal", _("No pneumonia")
    UNSURE = "unsure", _("Unsure")


class Impression(models.Model):
    """A reader's own word, said blind to `analysis` and so to one model version. Never changed.

    confidence: 1 (a guess) to 5 (certain), None where none was given.
    """

    analysis = models.ForeignKey(Analysis, on_delete=models.PROTECT, related_name="impressions")
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="impressions"
    )
    finding = models.CharField(max_length=10, choices=Finding.choices)
    confidence = models.PositiveSmallIntegerField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "reader"], name="impression_once"),
            models.CheckConstraint(
                condition=Q(finding__in=Finding.values), name="impression_finding_known"
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=1, confidence__lte=5),
                name="impression_confidence_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reader}: {self.get_finding_display()}"
