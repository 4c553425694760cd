"""Which images of a site are analysed."""

from typing import Any

from django.db import models

from pneumoscope.interop.routing import Rule
from pneumoscope.web.accounts.models import Site


class RoutingRule(models.Model):
    """`interop.routing.Rule` as a row; words are separated by commas, empty means any."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField(default=100)
    name = models.CharField(max_length=80)
    analyse = models.BooleanField(default=True)
    modalities = models.CharField(max_length=200, blank=True)
    body_parts = models.CharField(max_length=200, blank=True)
    views = models.CharField(max_length=200, blank=True)
    age_from = models.FloatField(null=True, blank=True)
    age_to = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="rule_once_per_site"),
        ]

    def __str__(self) -> str:
        return self.name

    def as_rule(self) -> Rule:
        return Rule(
            name=self.name,
            analyse=self.analyse,
            modalities=words(self.modalities),
            body_parts=words(self.body_parts),
            views=words(self.views),
            age_from=self.age_from,
            age_to=self.age_to,
        )


def rules_of(site: Any) -> list[Rule]:
    return [row.as_rule() for row in RoutingRule.objects.filter(site=site)]


def words(text: str) -> frozenset[str]:
    """What stands between commas."""
    return frozenset(word.strip() for word in text.split(",") if word.strip())
