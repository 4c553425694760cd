"""Which FHIR resources there are: ids alone; their content is made from the analysis when asked."""

from django.db import models

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.studies.models import Analysis, SiteQuerySet


class FhirEntry(models.Model):
    """Where a resource comes from: the newest analysis that speaks of it."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="fhir_entries")
    resource_type = models.CharField(max_length=40)
    resource_id = models.UUIDField()
    # The Patient resource's id, where the resource is about one.
    patient = models.UUIDField(null=True)
    status = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["site", "resource_type", "-at"]),
            models.Index(fields=["site", "patient"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "resource_type", "resource_id"], name="fhir_entry_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type}/{self.resource_id}"
