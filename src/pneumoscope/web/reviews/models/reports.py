"""The report of a study: a draft until it is signed, then only added to."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from pneumoscope.web.studies.models import Analysis, Study

LONGEST_TEXT = 4000


def signed_protect(collector: Any, field: Any, reports: Any, using: str) -> None:
    """Django's `on_delete`: a draft goes with its study, a signed report keeps it.

    Raises ProtectedError.
    """
    signed = [report for report in reports if report.signed]
    if signed:
        raise models.ProtectedError("A signed report rests on it.", set(signed))
    models.CASCADE(collector, field, reports, using)


class Report(models.Model):
    """One report of a study, resting on one analysis.

    language: of whoever started the draft; its headings and its paper keep it.
    written: the sections as they were first written from the result, to tell what was edited.
    revision: raised by every save, so that nobody saves over words they have not seen.
    content, content_hash: what was signed, and the SHA-256 of its canonical JSON.
    """

    study = models.OneToOneField(Study, on_delete=signed_protect, related_name="report")
    analysis = models.ForeignKey(Analysis, on_delete=signed_protect, related_name="+")
    language = models.CharField(max_length=10, default=settings.LANGUAGE_CODE)
    indication = models.TextField(max_length=LONGEST_TEXT, blank=True)
    technique = models.TextField(max_length=LONGEST_TEXT, blank=True)
    findings = models.TextField(max_length=LONGEST_TEXT)
    impression = models.TextField(max_length=LONGEST_TEXT)
    written = models.JSONField()
    revision = models.PositiveIntegerField(default=1)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed = models.DateTimeField(auto_now=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    signed = models.DateTimeField(null=True)
    content = models.JSONField(null=True)
    content_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-changed"]
        constraints = [
            models.CheckConstraint(
                condition=Q(signed=None, signed_by=None, content=None, content_hash="")
                | Q(signed__isnull=False, signed_by__isnull=False, content__isnull=False)
                & ~Q(content_hash=""),
                name="report_signed_whole_or_not",
            )
        ]

    def __str__(self) -> str:
        return f"{self.study_id}: {'signed' if self.signed else 'draft'}"


class Addendum(models.Model):
    """Words added to a signed report, signed as they are written; each hash covers the one
    before."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="addenda")
    text = models.TextField(max_length=LONGEST_TEXT)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    signed = models.DateTimeField()
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["signed", "pk"]
        verbose_name_plural = "addenda"

    def __str__(self) -> str:
        return f"{self.report}: {self.signed:%Y-%m-%d %H:%M}"
