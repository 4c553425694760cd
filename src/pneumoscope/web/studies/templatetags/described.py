from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pneumoscope.web.studies.describing import words_of
from pneumoscope.web.studies.models import Image

register = template.Library()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a patient. `file`: what the file says, where something else was typed."""

    label: str
    value: str
    typed: bool
    file: str = ""


@register.filter
def patient_facts(image: Image) -> list[Fact]:
    """Age, sex and view, typed or of the file, and the signs; what is not known is left out."""
    study, typed = image.study, image.study.typed
    facts = [
        _fact(_("Age"), typed and typed.age_years, study.age_years, age_words),
        _fact(_("Sex"), typed and typed.sex, study.sex, _sex_words),
        _view(image),
    ]
    if typed:
        signs = [
            (_("Temperature"), typed.temperature_celsius, "°C"),
            (_("SpO₂"), typed.spo2_percent, "%"),
            (_("CRP"), typed.crp_mg_per_litre, "mg/L"),
        ]
        facts += [
            Fact(label, f"{value:g}\u00a0{unit}", typed=True)
            for label, value, unit in signs
            if value is not None
        ]
        if typed.symptoms:
            words = words_of("symptoms", " ".join(typed.symptoms))
            facts.append(Fact(_("Symptoms"), words, typed=True))
    return [fact for fact in facts if fact]


def _fact(label: str, typed: Any, file: Any, words: Any) -> Fact | None:
    if typed not in (None, ""):
        said = words(file) if file not in (None, "", typed) else ""
        return Fact(label, words(typed), typed=True, file=said)
    return Fact(label, words(file), typed=False) if file not in (None, "") else None


def _view(image: Image) -> Fact | None:
    """The file's word first: a study may hold images of several views."""
    typed = image.study.typed.view_position if image.study.typed else ""
    if image.view_position:
        differs = typed and typed != image.view_position
        return Fact(
            _("View"),
            f"{image.view_position} ({_('typed')}: {typed})" if differs else image.view_position,
            typed=False,
        )
    return Fact(_("View"), words_of("view_position", typed), typed=True) if typed else None


def age_words(years: float) -> str:
    """Months below two years, as paediatricians count; then the years that are completed."""
    months = round(12 * years)
    if months < 24:
        return ngettext("%(n)d month", "%(n)d months", months) % {"n": months}
    completed = months // 12
    return ngettext("%(n)d year", "%(n)d years", completed) % {"n": completed}


def _sex_words(code: str) -> str:
    return words_of("sex", code)
