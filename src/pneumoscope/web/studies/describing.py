"""Writing down what is known of a patient beside the files, with its history in the audit trail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.errors import DescriptionUnreadable
from pneumoscope.web.studies.models import Description, Study
from pneumoscope.web.studies.models.descriptions import Sex, Symptom, View

FIELDS = (
    "age_years",
    "sex",
    "view_position",
    "symptoms",
    "temperature_celsius",
    "spo2_percent",
    "crp_mg_per_litre",
)
UNITS = {"years": (_("years"), 1), "months": (_("months"), 12)}


def _number(label: Any, least: float, most: float, unit: str, step: float) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"step": step, "inputmode": "decimal"})
    field = forms.FloatField(
        label=label, min_value=least, max_value=most, required=False, widget=widget
    )
    field.unit = unit
    return field


class DescriptionForm(forms.Form):
    """The same on the study's page and beside an upload. All may stay empty."""

    age = _number(_("Age"), 0, 1560, "", 0.1)
    age_unit = forms.ChoiceField(
        label=_("Unit of age"),
        choices=[(name, word) for name, (word, _n) in UNITS.items()],
        required=False,
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=[("", "–"), *Sex.choices], required=False)
    view_position = forms.ChoiceField(
        label=_("View"), choices=[("", "–"), *View.choices], required=False
    )
    temperature_celsius = _number(_("Temperature"), 30, 45, "°C", 0.1)
    spo2_percent = _number(_("SpO₂"), 50, 100, "%", 1)
    crp_mg_per_litre = _number(_("CRP"), 0, 1000, "mg/L", 0.1)
    symptoms = forms.MultipleChoiceField(
        label=_("Symptoms"),
        choices=Symptom.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    @classmethod
    def of(cls, study: Study) -> "DescriptionForm":
        """Filled with what was typed so far."""
        typed = study.typed or Description(study=study)
        initial = {name: getattr(typed, name) for name in FIELDS}
        years = typed.age_years
        unit = "months" if years is not None and years < 2 else "years"
        scale = UNITS[unit][1]
        age = None if years is None else round(years * scale, 1)
        return cls(initial={**initial, "age": age, "age_unit": unit}, auto_id="described-%s")

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        age, unit = told.get("age"), told.get("age_unit") or "years"
        if age is not None and age / UNITS[unit][1] > 130:
            self.add_error("age", _("At most 130 years."))
        return told

    @property
    def values(self) -> dict[str, Any]:
        """Of the columns of Description."""
        told = self.cleaned_data
        age, unit = told["age"], told["age_unit"] or "years"
        years = None if age is None else round(age / UNITS[unit][1], 4)
        named = {name: told[name] for name in FIELDS if name != "age_years"}
        return {**named, "age_years": years}


@transaction.atomic
def study_describe(
    *, study: Study, values: dict[str, Any], acting_user: User, request: HttpRequest | None = None
) -> None:
    """Write what changed, old and new value in the audit trail. Raises ValidationError."""
    Study.objects.select_for_update().get(pk=study.pk)
    description = Description.objects.filter(study=study).first() or Description(study=study)
    old = {name: getattr(description, name) for name in FIELDS}
    changed = {name: [_code(old[name]), _code(values[name])] for name in FIELDS}
    changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
    if not changed:
        return
    for name in FIELDS:
        setattr(description, name, values[name])
    description.full_clean()
    description.save()
    study.description = description
    event_record(
        action="study.change", actor=acting_user, target=study, detail=changed, request=request
    )


def _code(value: Any) -> Any:
    """As the trail keeps it: numbers and codes."""
    return " ".join(sorted(value)) if isinstance(value, list) else value


def description_read(told: dict[str, Any]) -> dict[str, Any]:
    """The values of a form's fields as JSON. Raises DescriptionUnreadable."""
    form = DescriptionForm(told)
    if not form.is_valid():
        said = [f"{form.fields[name].label}: {' '.join(why)}" for name, why in form.errors.items()]
        raise DescriptionUnreadable(" ".join(said))
    return form.values


@dataclass(frozen=True, slots=True)
class Change:
    """One value that one person changed."""

    at: datetime
    by: str
    label: Any
    old: str
    new: str


LABELS = {
    "age_years": _("Age, years"),
    "sex": _("Sex"),
    "view_position": _("View"),
    "symptoms": _("Symptoms"),
    "temperature_celsius": _("Temperature, °C"),
    "spo2_percent": _("SpO₂, %"),
    "crp_mg_per_litre": _("CRP, mg/L"),
}
_WORDS: dict[str, dict[str, Any]] = {
    "sex": dict(Sex.choices),
    "view_position": dict(View.choices),
    "symptoms": dict(Symptom.choices),
}


def history_of(study: Study) -> list[Change]:
    """The newest first."""
    events = Event.objects.filter(site=study.site_id, study=study.pk, action="study.change")
    return [
        Change(
            event.at,
            event.actor.get_username() if event.actor else "",
            LABELS[name],
            words_of(name, pair[0]),
            words_of(name, pair[1]),
        )
        for event in events.select_related("actor")[:20]
        for name, pair in event.detail.items()
        if name in LABELS
    ]


def words_of(name: str, value: Any) -> str:
    """A value as it is read; a dash for none."""
    if value in (None, ""):
        return "–"
    if name in _WORDS:
        return ", ".join(str(_WORDS[name].get(code, code)) for code in str(value).split())
    return f"{value:g}"
