"""Files on their way here in parts: a connection that breaks costs no more than one part."""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from pneumoscope.web.accounts.models import Site

KEPT = timedelta(days=1)


def expiry() -> Any:
    return timezone.now() + KEPT


class Upload(models.Model):
    """One announced file. `offset` bytes of `length` are safe; when `finished`, it was received.

    `outcome`: the keys of the studies it became, those among them that were here before, and what
    was refused, for a sender whose answer was lost.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    # What was typed of the patient, as `describing.DescriptionForm` takes it.
    patient = models.JSONField(default=dict, blank=True)
    outcome = models.JSONField(default=dict, blank=True)
    finished = models.DateTimeField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(default=expiry, db_index=True)

    class Meta:
        ordering = ["created"]
        constraints = [
            models.CheckConstraint(
                condition=Q(offset__lte=F("length")), name="upload_within_its_length"
            ),
            models.UniqueConstraint(
                fields=["user", "site", "sha256"],
                condition=Q(finished=None),
                name="upload_once_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class UploadPart(models.Model):
    """Bytes of an upload, in the storage. A part is never changed, only followed by the next."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    offset = models.PositiveBigIntegerField()
    file = models.FileField(max_length=200)

    class Meta:
        ordering = ["offset"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "offset"], name="upload_part_once"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
