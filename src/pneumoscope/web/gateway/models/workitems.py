"""Work that was taken from a hospital's worklist (UPS-RS)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.gateway.models.pulls import Pull


class ItemState(models.TextChoices):
    CLAIMING = "CLAIMING", _("Being claimed")
    CLAIMED = "CLAIMED", _("In progress")
    COMPLETED = "COMPLETED", _("Completed")
    CANCELED = "CANCELED", _("Given up")
    LOST = "LOST", _("Taken over by another system")


OPEN = (ItemState.CLAIMING, ItemState.CLAIMED)


class WorkItem(models.Model):
    """A work item from before we claim it until its final state; every step may be repeated.

    `transaction_uid` is the key to it and is kept before it is used. `inputs`: (study, series,
    instance) UIDs of what to read, series and instance perhaps empty; `root`: the DICOMweb service
    that has them; `instances`: the SOP Instance UIDs, once they were asked for.
    """

    pull = models.ForeignKey(Pull, on_delete=models.CASCADE, related_name="work_items")
    uid = models.CharField(max_length=64)
    transaction_uid = models.CharField(max_length=64)
    procedure = models.JSONField()
    inputs = models.JSONField()
    root = models.CharField(max_length=500)
    instances = models.JSONField(null=True)
    state = models.CharField(
        max_length=10, choices=ItemState.choices, default=ItemState.CLAIMING, db_index=True
    )
    claimed = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-claimed", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["pull", "uid"], name="work_item_once_per_pull"),
            models.CheckConstraint(
                condition=Q(state__in=ItemState.values), name="work_item_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, finished=None)
                | Q(state__in=[each for each in ItemState.values if each not in OPEN])
                & Q(finished__isnull=False),
                name="work_item_finished_at_the_end",
            ),
        ]

    def __str__(self) -> str:
        return self.uid
