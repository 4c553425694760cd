"""A result as FHIR R4 (4.0.1) resources: JSON objects as dicts.

Ids and identifiers follow from the result's identity, so the same result always becomes the same
resources. References are "Type/id". What the model says stays preliminary; the report is final once
a person has signed it, and appended with an addendum. Of a rejected radiograph there is one
cancelled observation that says why, without a number.
Elements: https://hl7.org/fhir/R4/.
"""

from pneumoscope.core.types import Prediction, Region
from pneumoscope.interop import codes
from pneumoscope.interop.codes import Code, concept
from pneumoscope.interop.fhir_elements import (
    TERMINOLOGY,
    URI,
    Resource,
    human_name,
    identifier_type,
    instant,
    narrative,
    oid,
    probability,
    tidy,
)
from pneumoscope.interop.reported import ReportedStudy, lasting_id, person_names

DICOM_UID = "urn:dicom:uid"
GENDERS = {"M": "male", "F": "female", "O": "other"}
INTERPRETATION = f"{TERMINOLOGY}/v3-ObservationInterpretation"
POSITIVE = concept(Code("POS", INTERPRETATION, "Positive"))
NEGATIVE = concept(Code("NEG", INTERPRETATION, "Negative"))
INDETERMINATE = concept(Code("IND", INTERPRETATION, "Indeterminate"))
NOT_PERFORMED = concept(Code("not-performed", f"{TERMINOLOGY}/data-absent-reason", "Not Performed"))
IMAGING = concept(Code("imaging", f"{TERMINOLOGY}/observation-category", "Imaging"))
RADIOLOGY = concept(Code("RAD", f"{TERMINOLOGY}/v2-0074", "Radiology"))
VERIFIER = concept(Code("verifier", f"{TERMINOLOGY}/provenance-participant-type", "Verifier"))
ASSEMBLER = concept(Code("assembler", f"{TERMINOLOGY}/provenance-participant-type", "Assembler"))
PNEUMONIA = concept(codes.PNEUMONIA, codes.PNEUMONIA_RADLEX)
OBSERVED = {
    "finding": PNEUMONIA,
    "probability": concept(codes.CERTAINTY_OF_FINDING, text="Probability of pneumonia"),
    "region": concept(codes.FINDING, text="Region the result rests on: largest share of evidence"),
}


def resources(study: ReportedStudy) -> list[Resource]:
    """All resources of a result, those that others refer to first.

    Patient and ImagingStudy are left out where nothing identifies them. Raises ValueError when
    `issued` has no time zone.
    """
    made = [patient(study)] if study.patient_id else []
    made += [device(study)]
    made += [imaging_study(study)] if study.study_instance_uid else []
    return [*made, *observations(study), diagnostic_report(study), provenance(study)]


def patient(study: ReportedStudy) -> Resource:
    """The patient, by identifier, with no more than the radiograph's header says."""
    born = study.patient_birth_date
    names = person_names(study.patient_name)
    content = {
        "identifier": [{"system": study.patient_id_system, "value": study.patient_id}],
        "name": [human_name(name) for name in names],
        "gender": GENDERS.get(study.patient_sex, "unknown"),
        "birthDate": born.isoformat() if born else "",
    }
    words = f"Patient {study.patient_id}, as the radiograph's header names them."
    return _resource(study, "Patient", content, sentences=(words, study.sentences[-1]))


def device(study: ReportedStudy) -> Resource:
    """The algorithm: one Device for each content hash, whatever it read."""
    model = study.model
    name = f"Pneumoscope {model.name}"
    content = {
        "identifier": [_identifier(study, "Device")],
        "status": "active",
        "type": concept(codes.ARTIFICIAL_INTELLIGENCE),
        "deviceName": [{"name": name, "type": "model-name"}],
        "version": [
            {"type": concept(codes.ALGORITHM_VERSION), "value": model.version},
            {"type": concept(text="SHA-256 of the model"), "value": model.hash},
        ],
    }
    words = (f"{name}, version {model.version}.", study.sentences[-1])
    return _resource(study, "Device", content, sentences=words)


def imaging_study(study: ReportedStudy) -> Resource:
    """The study as far as this result knows it: the one image that was read."""
    accession = {"type": concept(identifier_type("ACSN")), "value": study.accession_number}
    sop_class = {"system": URI, "code": oid(study.sop_class_uid)}
    instance = {"uid": study.sop_instance_uid, "sopClass": sop_class}
    series = {
        "uid": study.series_instance_uid,
        "modality": {"system": codes.DCM, "code": study.modality},
        "bodySite": codes.CHEST.coding(),
        "instance": [instance] if study.sop_instance_uid and study.sop_class_uid else [],
    }
    content = {
        "identifier": [
            {"system": DICOM_UID, "value": oid(study.study_instance_uid)},
            accession if study.accession_number else {},
        ],
        "status": "available",
        "subject": _subject(study),
        "started": _study_date(study),
        "series": [series] if study.series_instance_uid and study.modality else [],
    }
    words = (f"Chest radiograph, study {study.study_instance_uid}.", study.sentences[-1])
    return _resource(study, "ImagingStudy", content, sentences=words)


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


def diagnostic_report(study: ReportedStudy) -> Resource:
    """The report that holds it together; its conclusion says all that a reader must see."""
    positive = study.prediction is not None and study.prediction.positive
    content = {
        "identifier": [_identifier(study, "DiagnosticReport")],
        "basedOn": _orders(study),
        "status": _status(study),
        "category": [RADIOLOGY],
        "code": concept(codes.CHEST_RADIOGRAPH, text=study.procedure_text),
        "subject": _subject(study),
        "effectiveDateTime": _study_date(study),
        "issued": instant(study.report.signed if study.report else study.issued),
        "performer": [*_signer(study), {"display": study.site}],
        "result": _observation_references(study),
        "imagingStudy": _images(study),
        "conclusion": " ".join(study.sentences),
        "conclusionCode": [PNEUMONIA] if positive else [],
    }
    return _resource(study, "DiagnosticReport", content)


def provenance(study: ReportedStudy) -> Resource:
    """Which algorithm made the report and its observations, and from which study.

    FHIR gives Provenance no identifier, so its identity is a tag.
    """
    report = _reference(study, "DiagnosticReport")
    content = {
        "meta": {"tag": [{"system": URI, "code": _urn(study, "Provenance")}]},
        "target": [report, *_observation_references(study)],
        "recorded": instant(study.issued),
        "agent": [
            {"type": ASSEMBLER, "who": _reference(study, "Device")},
            *({"type": VERIFIER, "who": signer} for signer in _signer(study)),
        ],
        "entity": [{"role": "source", "what": image} for image in _images(study)],
    }
    return _resource(study, "Provenance", content)


def _status(study: ReportedStudy) -> str:
    """https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html"""
    if study.report:
        return "appended" if study.report.addenda else "final"
    return "preliminary" if study.prediction else "cancelled"


def _signer(study: ReportedStudy) -> list[Resource]:
    return [{"display": study.report.signer}] if study.report else []


def _finding(study: ReportedStudy, prediction: Prediction) -> Resource:
    value = codes.PRESENT if prediction.positive else codes.ABSENT
    said = {
        "valueCodeableConcept": concept(value),
        "interpretation": _interpretation(prediction),
        "bodySite": concept(codes.LUNG),
        "hasMember": _observation_references(study)[:-1],
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
        "identifier": [_identifier(study, "Observation", kind)],
        "basedOn": _orders(study),
        "status": "preliminary",
        "category": [IMAGING],
        "code": OBSERVED[kind.partition("-")[0]],
        "subject": _subject(study),
        "effectiveDateTime": _study_date(study),
        "issued": instant(study.issued),
        "device": _reference(study, "Device"),
        "derivedFrom": _images(study),
    }
    return _resource(study, "Observation", common | said, kind=kind)


def _resource(
    study: ReportedStudy,
    type_: str,
    content: Resource,
    *,
    kind: str = "",
    sentences: tuple[str, ...] = (),
) -> Resource:
    head = {
        "resourceType": type_,
        "id": _id(study, type_, kind),
        "text": narrative(*(sentences or study.sentences)),
    }
    made: Resource = tidy(head | content)
    return made


def _id(study: ReportedStudy, type_: str, kind: str = "") -> str:
    """A patient, a study or a model is the same in every result about it."""
    about = {
        "Patient": (study.patient_id_system, study.patient_id),
        "ImagingStudy": (study.study_instance_uid,),
        "Device": (study.model.hash,),
    }
    return lasting_id(type_, *about.get(type_, (study.result_id, kind)))


def _urn(study: ReportedStudy, type_: str, kind: str = "") -> str:
    return f"urn:uuid:{_id(study, type_, kind)}"


def _identifier(study: ReportedStudy, type_: str, kind: str = "") -> Resource:
    return {"system": URI, "value": _urn(study, type_, kind)}


def _reference(study: ReportedStudy, type_: str, kind: str = "") -> Resource:
    return {"reference": f"{type_}/{_id(study, type_, kind)}"}


def _observation_references(study: ReportedStudy) -> list[Resource]:
    regions = [f"region-{place}" for place in range(1, len(study.regions) + 1)]
    kinds = [*regions, "probability", "finding"] if study.prediction else ["finding"]
    return [_reference(study, "Observation", kind) for kind in kinds]


def _subject(study: ReportedStudy) -> Resource:
    known = _reference(study, "Patient")
    return known if study.patient_id else {"display": "Patient not identified"}


def _images(study: ReportedStudy) -> list[Resource]:
    return [_reference(study, "ImagingStudy")] if study.study_instance_uid else []


def _orders(study: ReportedStudy) -> list[Resource]:
    placed = {"type": concept(identifier_type("PLAC")), "value": study.order_number}
    return [{"type": "ServiceRequest", "identifier": placed}] if study.order_number else []


def _study_date(study: ReportedStudy) -> str:
    return study.study_date.isoformat() if study.study_date else ""
