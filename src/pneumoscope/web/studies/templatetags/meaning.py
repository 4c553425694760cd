"""What a result's number means: beside the threshold, as a share of patients, at this site."""

from math import isnan
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from pneumoscope.core.metrics import predictive_values
from pneumoscope.web.accounts.operating import point_word
from pneumoscope.web.studies.models import Analysis
from pneumoscope.web.studies.templatetags.reading import percent

register = template.Library()

# What the cards of our training say: in the catalogues, as those are asked for it.
gettext_noop("pneumonia as likely as not before the image is seen")
# How much likelier one cause must be before it is worth a word.
CAUSE_MARGIN = 2.0


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
    return f"{sentence} {condition % {'prior': _(prior)}}"


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
        "name": point_word(point["name"]),
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
