"""A study, and where it stands in the worklist."""

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.roles import Right
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.studies.models.search import SearchWord
from pneumoscope.web.studies.states import State

if TYPE_CHECKING:
    from pneumoscope.web.studies.models.descriptions import Description


class Source(models.TextChoices):
    UPLOAD = "upload", _("Upload")
    API = "api", "API"
    SAMPLE = "sample", _("Sample")
    DICOM = "dicom", "DICOM"


class Urgency(models.IntegerChoices):
    """The order of the worklist: the largest first, newest first within each."""

    DONE = 0, "Unsuspicious, rejected or failed"
    UNCERTAIN = 1, "Uncertain"
    SUSPICIOUS = 2, "Suspicious"
    PENDING = 3, "In progress"


class SiteQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any, right: Right = "study.view") -> Self:
        """Only what belongs to sites at which the user has the right; the rest does not exist."""
        return self.filter(site__in=user.sites_with(right))


# What of a study is searched by its words.
SEARCHED = ("patient_id", "patient_name", "accession_number", "study_instance_uid")


class Study(models.Model):
    """What was acquired of one patient at one time; for files without a header, one image."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="studies")
    study_instance_uid = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    patient_id = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=324, blank=True)
    age_years = models.FloatField(null=True, blank=True)
    sex = models.CharField(max_length=16, blank=True)
    accession_number = models.CharField(max_length=16, blank=True)
    study_date = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="assigned_studies",
    )
    # All of these follow from the images (`summary`); kept here so that the worklist sorts and
    # filters one table by its indexes.
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    headline = models.ForeignKey(
        "Analysis", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    positive = models.BooleanField(null=True, editable=False)
    uncertain = models.BooleanField(default=False, editable=False)
    urgency = models.PositiveSmallIntegerField(
        choices=Urgency.choices, default=Urgency.PENDING, editable=False
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-id"]
        verbose_name_plural = "studies"
        indexes = [
            models.Index(fields=["site", "-urgency", "-created", "-id"]),
            models.Index(fields=["site", "-created", "-id"]),
            models.Index(fields=["site", "state", "-created", "-id"]),
            models.Index(fields=["site", "patient_id"]),
            models.Index(fields=["site", "accession_number"]),
            # For the filters, which ask for the keys alone.
            models.Index(fields=["age_years", "id"]),
            models.Index(fields=["sex", "id"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="study_state_known"),
            # With the patient: two patients under one UID is a sender's error that must never
            # put one patient's image into the other's study.
            models.UniqueConstraint(
                fields=["site", "study_instance_uid", "patient_id"],
                name="study_once_per_site_and_patient",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """With its search words, where something changes that they are made of."""
        super().save(*args, **kwargs)
        fields = kwargs.get("update_fields")
        if fields is None or {*SEARCHED} & {*fields}:
            self.search_words.filter(of_patient=True).delete()
            SearchWord.objects.bulk_create(self.patient_words())

    def patient_words(self) -> list[SearchWord]:
        texts = (getattr(self, name) for name in SEARCHED)
        return SearchWord.made_of(texts, study=self, of_patient=True)

    @property
    def typed(self) -> "Description | None":
        """What was typed of the patient, if anything was."""
        return getattr(self, "description", None)

    @property
    def age(self) -> float | None:
        """Years: as typed, else as the file says."""
        typed = self.typed.age_years if self.typed else None
        return self.age_years if typed is None else typed

    @property
    def known_sex(self) -> str:
        """DICOM PatientSex: as typed, else as the file says."""
        return (self.typed.sex if self.typed else "") or self.sex

    def audit_subject(self) -> tuple[uuid.UUID, str]:
        return self.pk, patient_pseudonym(self.site_id, self.patient_id)
