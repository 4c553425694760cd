"""What people typed of a patient, beside what the files say."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.studies.models.studies import Study


class Symptom(models.TextChoices):
    """Codes and no free text: they are translated, compared and exported, and hold no names."""

    COUGH = "cough", _("Cough")
    FEVER = "fever", _("Fever")
    FAST_BREATHING = "fast_breathing", _("Fast breathing")
    INDRAWING = "indrawing", _("Chest indrawing")
    DYSPNOEA = "dyspnoea", _("Shortness of breath")
    CHEST_PAIN = "chest_pain", _("Chest pain")
    WHEEZE = "wheeze", _("Wheeze")
    CRACKLES = "crackles", _("Crackles")
    SPUTUM = "sputum", _("Sputum")
    HAEMOPTYSIS = "haemoptysis", _("Coughing blood")
    FEEDS_POORLY = "feeds_poorly", _("Feeds or drinks poorly")
    LETHARGY = "lethargy", _("Drowsy or confused")


class Sex(models.TextChoices):
    """DICOM PatientSex (PS3.3 C.7.1.1)."""

    FEMALE = "F", _("Female")
    MALE = "M", _("Male")
    OTHER = "O", _("Other")


class View(models.TextChoices):
    """DICOM ViewPosition (PS3.3 C.8.7.1)."""

    PA = "PA", _("PA")
    AP = "AP", _("AP")
    LL = "LL", _("Left lateral")
    RL = "RL", _("Right lateral")


def _between(field: str, least: float, most: float) -> models.CheckConstraint:
    within = Q(**{f"{field}__gte": least, f"{field}__lte": most})
    return models.CheckConstraint(
        condition=Q(**{f"{field}__isnull": True}) | within,
        name=f"described_{field}",
        violation_error_message=_("Outside what is possible."),
    )


class Description(models.Model):
    """Typed of one study; None or empty: not typed. Who typed what is in the audit trail.

    Age and sex go before the files' own, which stay as they are beside them; the view is that of
    images whose files name none.
    """

    study = models.OneToOneField(
        Study, primary_key=True, on_delete=models.CASCADE, related_name="description"
    )
    age_years = models.FloatField(_("age"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex.choices, blank=True)
    view_position = models.CharField(_("view"), max_length=2, choices=View.choices, blank=True)
    symptoms = models.JSONField(_("symptoms"), default=list, blank=True)
    temperature_celsius = models.FloatField(_("temperature"), null=True, blank=True)
    spo2_percent = models.FloatField(_("SpO₂"), null=True, blank=True)
    crp_mg_per_litre = models.FloatField(_("CRP"), null=True, blank=True)

    class Meta:
        constraints = [
            _between("age_years", 0, 130),
            _between("temperature_celsius", 30, 45),
            _between("spo2_percent", 50, 100),
            _between("crp_mg_per_litre", 0, 1000),
            models.CheckConstraint(
                condition=Q(sex__in=["", *Sex.values]), name="described_sex_known"
            ),
            models.CheckConstraint(
                condition=Q(view_position__in=["", *View.values]), name="described_view_known"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
