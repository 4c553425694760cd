"""What the hospital's own systems have told us by HL7: orders and patients."""

from django.db import models

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.studies.models import SiteQuerySet, Study


class Order(models.Model):
    """An imaging order, as last told; tied to its study when both are here."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    # ORC-1 of the last message: NW new, XO changed, CA cancelled, DC stopped.
    control = models.CharField(max_length=8)
    patient_id = models.CharField(max_length=64, blank=True)
    placer_order_number = models.CharField(max_length=64, blank=True)
    filler_order_number = models.CharField(max_length=64, blank=True)
    accession_number = models.CharField(max_length=64, blank=True)
    study_instance_uid = models.CharField(max_length=64, blank=True)
    procedure_code = models.CharField(max_length=64, blank=True)
    procedure_text = models.CharField(max_length=200, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    priority = models.CharField(max_length=16, blank=True)
    indication = models.TextField(blank=True)
    scheduled = models.DateTimeField(null=True)
    study = models.ForeignKey(Study, null=True, on_delete=models.SET_NULL, related_name="orders")
    changed = models.DateTimeField(auto_now=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["-changed", "-pk"]
        indexes = [
            models.Index(fields=["site", "accession_number"]),
            models.Index(fields=["site", "study_instance_uid"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "placer_order_number", "accession_number"],
                name="order_once_per_site",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class KnownPatient(models.Model):
    """A patient's number at a site, and what ADT messages have said of the patient since.

    `merged_into`: the number under which everything of this one is kept now; empty if none.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    patient_id = models.CharField(max_length=64)
    name = models.CharField(max_length=324, null=True)  # noqa: DJ001 - None: never said
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=16, null=True)  # noqa: DJ001
    merged_into = models.CharField(max_length=64, blank=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "patient_id"], name="patient_known_once"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Hl7Message(models.Model):
    """A message that was taken: sent again, it is acknowledged and changes nothing."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    sender = models.CharField(max_length=255)
    control_id = models.CharField(max_length=199)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "sender", "control_id"], name="hl7_message_once"
            ),
        ]

    def __str__(self) -> str:
        return self.control_id
