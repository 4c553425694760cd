"""Kept beside the studies: a person's views, a program's answers, the workers' signs of life."""

from django.conf import settings
from django.db import models


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
