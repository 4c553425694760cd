"""A result in words: what a clinician can quote, and never a number without its meaning."""

from math import isnan
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.metrics import predictive_values
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
def threshold_sentence(analysis: Analysis) -> str:
    """Where the number lies, also when rounding hides on which side."""
    close = round(100 * analysis.probability) == round(100 * analysis.threshold)
    if analysis.positive:
        sentence = (
            _("The result lies just above the threshold of %s at which this model calls pneumonia.")
            if close
            else _("The result lies above the threshold of %s at which this model calls pneumonia.")
        )
    else:
        sentence = (
            _("The result lies just below the threshold of %s at which this model calls pneumonia.")
            if close
            else _("The result lies below the threshold of %s at which this model calls pneumonia.")
        )
    return sentence % percent(analysis.threshold)


@register.filter
def calibration_sentence(analysis: Analysis) -> str:
    """The number as a share of patients, with the condition under which it holds."""
    share = min(99, max(1, round(100 * analysis.probability)))
    prior = analysis.model_version.card.get("calibration", {}).get("prior")
    sentence = _("Of 100 such results, about %(share)d show pneumonia.") % {"share": share}
    if not prior:
        return sentence
    condition = _("The number assumes %(prior)s; where pneumonia is rarer, fewer do.")
    return f"{sentence} {condition % {'prior': prior}}"


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
    if bacterial >= CAUSE_MARGIN * viral:
        leaning = _("The pattern resembles bacterial more than viral pneumonia")
    elif viral >= CAUSE_MARGIN * bacterial:
        leaning = _("The pattern resembles viral more than bacterial pneumonia")
    else:
        leaning = _("The pattern does not separate bacterial from viral pneumonia")
    sentence = _(
        "%(leaning)s (bacterial %(bacterial)s, viral %(viral)s). "
        "A radiograph alone cannot establish the cause."
    )
    numbers = {"bacterial": percent(bacterial), "viral": percent(viral)}
    return sentence % {"leaning": leaning, **numbers}


@register.filter
def code_words(code: str) -> str:
    """An error's or a reason's stable code as its title."""
    return title_of(code)


@register.filter
def zone_words(zone: str) -> str:
    return str(ZONES.get(zone, zone))


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
