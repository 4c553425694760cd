"""What was found, as FHIR R4 Observations: finding, probability and regions."""

from pneumoscope.core.types import Prediction, Region
from pneumoscope.interop import codes
from pneumoscope.interop.codes import Code, concept
from pneumoscope.interop.fhir_elements import TERMINOLOGY, Resource, instant, probability
from pneumoscope.interop.fhir_identity import (
    identifier,
    images,
    observation_references,
    orders,
    reference,
    resource,
    study_date,
    subject,
)
from pneumoscope.interop.reported import ReportedStudy

INTERPRETATION = f"{TERMINOLOGY}/v3-ObservationInterpretation"
POSITIVE = concept(Code("POS", INTERPRETATION, "Positive"))
NEGATIVE = concept(Code("NEG", INTERPRETATION, "Negative"))
INDETERMINATE = concept(Code("IND", INTERPRETATION, "Indeterminate"))
NOT_PERFORMED = concept(Code("not-performed", f"{TERMINOLOGY}/data-absent-reason", "Not Performed"))
IMAGING = concept(Code("imaging", f"{TERMINOLOGY}/observation-category", "Imaging"))
PNEUMONIA = concept(codes.PNEUMONIA, codes.PNEUMONIA_RADLEX)
OBSERVED = {
    "finding": PNEUMONIA,
    "probability": concept(codes.CERTAINTY_OF_FINDING, text="Probability of pneumonia"),
    "region": concept(codes.FINDING, text="Region the result rests on: largest share of evidence"),
}


def observations(study: ReportedStudy) -> list[Resource]:
    """Regions, probability and finding; of a rejected radiograph the finding alone, cancelled."""
    if study.prediction is None:
        absent = {
            "status": "cancelled",
            "dataAbsentReason": NOT_PERFORMED,
            "note": [{"text": reason.message} for reason in study.quality.reasons],
        }
        return [_observation(study, "finding", absent)]
    regions = [_region(study, place, region) for place, region in enumerate(study.regions, 1)]
    prediction = study.prediction
    return [*regions, _probability(study, prediction), _finding(study, prediction)]


def _finding(study: ReportedStudy, prediction: Prediction) -> Resource:
    value = codes.PRESENT if prediction.positive else codes.ABSENT
    said = {
        "valueCodeableConcept": concept(value),
        "interpretation": _interpretation(prediction),
        "bodySite": concept(codes.LUNG),
        "hasMember": observation_references(study)[:-1],
    }
    return _observation(study, "finding", said)


def _probability(study: ReportedStudy, prediction: Prediction) -> Resource:
    cause = prediction.aetiology if prediction.positive else None
    below = f"Below the operating point “{prediction.operating_point}”"
    shares = {"bacterial": cause.bacterial, "viral": cause.viral} if cause else {}
    said = {
        "valueQuantity": probability(prediction.probability),
        "interpretation": _interpretation(prediction),
        "referenceRange": [{"high": probability(prediction.threshold), "text": below}],
        "component": [
            {
                "code": concept(text=f"Model output: probability of {name} pneumonia"),
                "valueQuantity": probability(share),
            }
            for name, share in shares.items()
        ],
    }
    return _observation(study, "probability", said)


def _interpretation(prediction: Prediction) -> list[Resource]:
    side = POSITIVE if prediction.positive else NEGATIVE
    return [side, INDETERMINATE] if prediction.uncertain else [side]


def _region(study: ReportedStudy, place: int, region: Region) -> Resource:
    x, y, width, height = region.box
    box = f"x {x:.0f}, y {y:.0f}, width {width:.0f}, height {height:.0f}"
    said = {
        "valueQuantity": probability(region.score),
        "bodySite": concept(*codes.zone_codes(region.zone), text=region.zone),
        "note": [{"text": f"Box in pixels of the image as displayed: {box}."}],
    }
    return _observation(study, f"region-{place}", said)


def _observation(study: ReportedStudy, kind: str, said: Resource) -> Resource:
    common = {
        "identifier": [identifier(study, "Observation", kind)],
        "basedOn": orders(study),
        "status": "preliminary",
        "category": [IMAGING],
        "code": OBSERVED[kind.partition("-")[0]],
        "subject": subject(study),
        "effectiveDateTime": study_date(study),
        "issued": instant(study.issued),
        "device": reference(study, "Device"),
        "derivedFrom": images(study),
    }
    return resource(study, "Observation", common | said, kind=kind)
