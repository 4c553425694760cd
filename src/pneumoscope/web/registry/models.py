"""Model versions: which bundle speaks, where and since when."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site


def bundle_folder(bundle_hash: str) -> Path:
    """This installation's own copy, so that an upgrade never takes a model away from a result."""
    return Path(settings.PNEUMOSCOPE_HOME) / "models" / bundle_hash


class Stage(models.TextChoices):
    CANDIDATE = "candidate", _("Candidate")
    SHADOW = "shadow", _("Shadow")
    LIVE = "live", _("Live")
    RETIRED = "retired", _("Retired")


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def live_at(self, site: Site, task: str = "pneumonia") -> "ModelVersion | None":
        """The site's own live version, else the one that is live everywhere."""
        live = self.filter(Q(site=site) | Q(site=None), task=task, stage=Stage.LIVE)
        return live.order_by(models.F("site").desc(nulls_last=True)).first()

    def visible_to(self, user: Any) -> "ModelVersionQuerySet":
        return self.filter(Q(site=None) | Q(site__in=user.sites_with("model.view")))


class ModelVersion(models.Model):
    """An immutable bundle, named by its content hash, and the stage it has reached.

    `site` None: for every site that has no live version of its own.
    """

    name = models.CharField(max_length=120)
    version = models.CharField(max_length=60)
    bundle_hash = models.CharField(max_length=64, unique=True)
    card = models.JSONField()
    task = models.CharField(max_length=40, default="pneumonia")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.CANDIDATE)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT)
    created = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="stage_known"),
            models.UniqueConstraint(
                fields=["site", "task"],
                condition=Q(stage=Stage.LIVE, site__isnull=False),
                name="one_live_per_site_and_task",
            ),
            # NULLs differ from each other in a unique index, so "everywhere" needs its own.
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(stage=Stage.LIVE, site__isnull=True),
                name="one_live_everywhere_per_task",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.bundle_hash[:12]})"
