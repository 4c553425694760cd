"""Append-only events. The database refuses changes too (migration 0002)."""

from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models

from pneumoscope.web.accounts.models import Site


class EventQuerySet(models.QuerySet["Event"]):
    def update(self, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        raise PermissionDenied("Audit events are never changed.")

    def delete(self) -> NoReturn:
        raise PermissionDenied("Audit events are never deleted.")


class Event(models.Model):
    """Who (`actor`, None: the system) did what (`action`) to which object, when and from where.

    Whose radiograph it was about is told by the study's key and the patient's pseudonym; `detail`
    never holds patient data: keys and codes only.
    """

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    study = models.UUIDField(null=True)
    patient = models.CharField(max_length=16, blank=True)
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    detail = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        # The trail is read of one site, newest first, all of it or of one of these.
        indexes = [
            models.Index(fields=["site", *by, "-at", "-id"])
            for by in ([], ["actor"], ["action"], ["study"], ["patient"])
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.object_type} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise PermissionDenied("Audit events are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        raise PermissionDenied("Audit events are never deleted.")
