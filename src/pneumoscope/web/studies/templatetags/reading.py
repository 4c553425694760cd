"""A result in words: what a clinician can quote, and never a number without its meaning."""

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pneumoscope.core import explain
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.population import POPULATION_CODES
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.studies.coded import ZONES, said_of, title_of
from pneumoscope.web.studies.models import Analysis, Image, Study
from pneumoscope.web.studies.population import warnings_of
from pneumoscope.web.studies.states import State
from pneumoscope.web.studies.templatetags.described import age_words

register = template.Library()

SPACE = "\u00a0"
UNCERTAIN = gettext_lazy("Uncertain – a second reader is advised.")
STATE_ICONS = {
    State.RECEIVED: "waiting",
    State.ANALYSING: "working",
    State.ANALYSED: "clear",
    State.REJECTED: "rejected",
    State.FAILED: "failed",
}


@register.filter
def percent(value: float) -> str:
    """Whole percents: the calibration supports no more. Never "0 %" or "100 %"."""
    whole = round(100 * value)
    if whole <= 0:
        return f"<{SPACE}1{SPACE}%"
    if whole >= 100:
        return f">{SPACE}99{SPACE}%"
    return f"{whole}{SPACE}%"


@register.filter
def finding(analysis: Analysis) -> str:
    if analysis.positive:
        return _("Likely pneumonia") if analysis.probability >= 0.5 else _("Possible pneumonia")
    if analysis.probability >= 0.5:
        return _("Pneumonia not called")
    return _("Pneumonia unlikely")


@register.filter
def finding_sentence(analysis: Analysis) -> str:
    sentence = _("%(finding)s – %(value)s (operating threshold %(threshold)s)") % {
        "finding": finding(analysis),
        "value": percent(analysis.probability),
        "threshold": percent(analysis.threshold),
    }
    return f"{sentence}. {UNCERTAIN}" if uncertain(analysis) else sentence


@register.filter
def uncertain(analysis: Analysis) -> bool:
    """Whether the number lies where the model cannot tell the classes apart as it promises."""
    return bool(analysis.record.get("uncertain"))


@register.filter
def band(analysis: Analysis) -> dict[str, float] | None:
    """Lowest and highest uncertain number with its width; None for results made without one."""
    if not analysis.record.get("band"):
        return None
    low, high = analysis.record["band"]
    return {"low": low, "high": high, "width": high - low}


@register.filter
def code_words(code: str) -> str:
    """An error's or a reason's stable code as its title."""
    return title_of(code)


@register.filter
def zone_words(zone: str) -> str:
    return str(ZONES.get(zone, zone))


@register.simple_tag
def lung_zones() -> tuple[str, ...]:
    """So that a script can name a region before it is sent, as `core.explain.zone_name` does."""
    return explain.ZONES


@register.simple_tag
def zone_heights() -> str:
    return " ".join(map(str, explain.ZONE_HEIGHTS))


@register.filter
def points(contour: list[list[float]]) -> str:
    """A contour as the `points` of an SVG polygon."""
    return " ".join(f"{x},{y}" for x, y in contour)


@register.filter
def state_icon(state: str) -> str:
    return STATE_ICONS[State(state)]


@register.filter
def notes(analysis: Analysis) -> list[dict[str, str]]:
    """What quality remarked on the picture itself."""
    return [r for r in reasons(analysis) if r["code"] not in POPULATION_CODES]


@register.filter
def population_warnings(analysis: Analysis) -> list[dict[str, str]]:
    """Where the patient or the view is outside what the model was validated on."""
    return warnings_of(analysis)


@register.filter
def reasons(analysis: Analysis) -> list[dict[str, Any]]:
    """Everything quality remarked on."""
    quality = analysis.record.get("quality") or {}
    return quality.get("reasons", [])


@register.filter
def said(reason: dict[str, Any]) -> str:
    """One of those remarks in the reader's language."""
    return said_of(reason["code"], reason["message"])


@register.filter
def refusal(image: Image) -> list[str]:
    """Why an image has no result, and what to do."""
    reason = said_of(image.failure_code, image.failure_reason)
    whole = reason != image.failure_reason
    return [reason] if whole or not image.remedy else [reason, image.remedy]


@register.filter
def refused_words(refusal: dict[str, str]) -> str:
    """The same of a file that did not become an image, as `outcome_of` writes it."""
    return said_of(refusal["code"], f"{refusal['reason']} {refusal['remedy']}")


@register.filter
def error_words(error: PneumoscopeError) -> str:
    """What was not done, why, and the remedy."""
    return said_of(error.code, f"{error} {error.remedy}")


@register.filter
def pseudonym(study: Study) -> str:
    return patient_pseudonym(study.site_id, study.patient_id) or _("No patient ID")


@register.filter
def age_and_sex(study: Study) -> str:
    words = []
    if study.age is not None:
        words.append(age_words(study.age))
    if sex := study.known_sex:
        words.append({"M": _("male"), "F": _("female"), "O": _("other")}.get(sex, sex))
    return ", ".join(words)
