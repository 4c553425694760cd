"""A result in words: what a clinician can quote, and never a number without its meaning."""

from math import isnan
from typing import Any

from django import template
from django.utils.translation import gettext as _

from pneumoscope.core.metrics import predictive_values
from pneumoscope.core.population import POPULATION_CODES
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.studies.models import Analysis, Study
from pneumoscope.web.studies.population import warnings_of
from pneumoscope.web.studies.states import State

register = template.Library()

SPACE = "\u00a0"
UNCERTAIN = "Uncertain – a second reader is advised."
STATE_ICONS = {
    State.RECEIVED: "waiting",
    State.ANALYSING: "working",
    State.ANALYSED: "clear",
    State.REJECTED: "rejected",
    State.FAILED: "failed",
}
# How much likelier one cause must be before it is worth a word.
CAUSE_MARGIN = 2.0


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
        return "Likely pneumonia" if analysis.probability >= 0.5 else "Possible pneumonia"
    if analysis.probability >= 0.5:
        return "Pneumonia not called"
    return "Pneumonia unlikely"


@register.filter
def finding_sentence(analysis: Analysis) -> str:
    sentence = (
        f"{finding(analysis)} – {percent(analysis.probability)} "
        f"(operating threshold {percent(analysis.threshold)})"
    )
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
def threshold_sentence(analysis: Analysis) -> str:
    """Where the number lies, also when rounding hides on which side."""
    close = round(100 * analysis.probability) == round(100 * analysis.threshold)
    side = "above" if analysis.positive else "below"
    return (
        f"The result lies {'just ' if close else ''}{side} the threshold of "
        f"{percent(analysis.threshold)} at which this model calls pneumonia."
    )


@register.filter
def calibration_sentence(analysis: Analysis) -> str:
    """The number as a share of patients, with the condition under which it holds."""
    share = min(99, max(1, round(100 * analysis.probability)))
    prior = analysis.model_version.card.get("calibration", {}).get("prior")
    condition = f" The number assumes {prior}; where pneumonia is rarer, fewer do." if prior else ""
    return f"Of 100 such results, about {share} show pneumonia.{condition}"


@register.filter
def operating_sentence(analysis: Analysis) -> str:
    """What the threshold found and cleared where it was chosen; empty if the card has no figure."""
    point = _operating_point(analysis)
    if point is None:
        return ""
    sentence = _(
        "At this threshold (%(name)s) the model found %(sensitivity)s of pneumonias and "
        "cleared %(specificity)s of normal radiographs in validation."
    )
    return sentence % {
        "name": point["name"].replace("_", "-"),
        "sensitivity": percent(point["sensitivity"]),
        "specificity": percent(point["specificity"]),
    }


@register.filter
def predictive_sentence(analysis: Analysis) -> str:
    """What a call is worth at this site's prevalence; empty where site or card do not say.

    `core.metrics.predictive_values` has the formula; sensitivity and specificity are the card's,
    of the operating point that decided.
    """
    prevalence = analysis.image.site.prevalence
    point = _operating_point(analysis)
    if prevalence is None or point is None:
        return ""
    ppv, npv = predictive_values(point["sensitivity"], point["specificity"], prevalence)
    value = ppv if analysis.positive else npv
    if isnan(value):
        return ""
    sentence = (
        _(
            "At this site, where %(prevalence)s of radiographs show pneumonia, about %(share)d of "
            "100 patients called pneumonia have it (positive predictive value), if the model does "
            "here as in validation: sensitivity %(sensitivity)s, specificity %(specificity)s."
        )
        if analysis.positive
        else _(
            "At this site, where %(prevalence)s of radiographs show pneumonia, about %(share)d of "
            "100 patients not called are free of it (negative predictive value), if the model does "
            "here as in validation: sensitivity %(sensitivity)s, specificity %(specificity)s."
        )
    )
    return sentence % {
        "prevalence": percent(prevalence),
        "share": min(99, max(1, round(100 * value))),
        "sensitivity": percent(point["sensitivity"]),
        "specificity": percent(point["specificity"]),
    }


def _operating_point(analysis: Analysis) -> dict[str, Any] | None:
    """The card's figures of the threshold that decided."""
    name = analysis.record.get("operating_point")
    points = analysis.model_version.card.get("operating_points", [])
    return next((each for each in points if each["name"] == name), None)


@register.filter
def aetiology_sentence(analysis: Analysis) -> str:
    """Which cause the pattern resembles; empty where there is nothing to say."""
    if not analysis.positive or not analysis.aetiology:
        return ""
    bacterial, viral = analysis.aetiology["bacterial"], analysis.aetiology["viral"]
    numbers = f"(bacterial {percent(bacterial)}, viral {percent(viral)})"
    if bacterial >= CAUSE_MARGIN * viral:
        leaning = "resembles bacterial more than viral pneumonia"
    elif viral >= CAUSE_MARGIN * bacterial:
        leaning = "resembles viral more than bacterial pneumonia"
    else:
        leaning = "does not separate bacterial from viral pneumonia"
    return f"The pattern {leaning} {numbers}. A radiograph alone cannot establish the cause."


@register.filter
def code_words(code: str) -> str:
    """An error's or a reason's stable code as its title."""
    return code.replace("_", " ").capitalize()


@register.filter
def zone_words(zone: str) -> str:
    return zone.replace("_", " ")[:1].upper() + zone.replace("_", " ")[1:]


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
def pseudonym(study: Study) -> str:
    return patient_pseudonym(study.site_id, study.patient_id) or "No patient ID"


@register.filter
def age_and_sex(study: Study) -> str:
    words = []
    if study.age is not None:
        months = round(12 * study.age)
        words.append(f"{months} months" if months < 24 else f"{study.age:.0f} years")
    if sex := study.known_sex:
        words.append({"M": "male", "F": "female", "O": "other"}.get(sex, sex))
    return ", ".join(words)
