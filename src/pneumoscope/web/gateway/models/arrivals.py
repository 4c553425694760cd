"""Every instance that came from another system, and what became of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models.peers import Peer
from pneumoscope.web.studies.models import Image, SiteQuerySet


class Way(models.TextChoices):
    STORE = "store", "C-STORE"
    STOW = "stow", "STOW-RS"
    PULL = "pull", _("Fetched")


class Outcome(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    ANALYSE = "analyse", _("Analysed")
    PASS = "pass", _("Passed over")
    DUPLICATE = "duplicate", _("Already here")
    FAILED = "failed", _("Failed")


class Arrival(models.Model):
    """The file lies on the disk when the row is committed; `outcome` follows at the intake."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    way = models.CharField(max_length=10, choices=Way.choices)
    peer = models.ForeignKey(Peer, null=True, on_delete=models.SET_NULL, related_name="+")
    sender = models.CharField(max_length=64)
    address = models.GenericIPAddressField(null=True)
    file = models.CharField(max_length=200)
    sop_class_uid = models.CharField(max_length=64, blank=True)
    sop_instance_uid = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    reason = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    image = models.ForeignKey(Image, null=True, on_delete=models.SET_NULL, related_name="arrivals")

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["site", "sop_instance_uid"]),
            models.Index(fields=["id"], condition=Q(outcome=Outcome.WAITING), name="arrival_waits"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="arrival_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.WAITING) | ~Q(reason=""), name="arrival_says_why"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
