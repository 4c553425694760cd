"""Who is who among a result's resources: ids, identifiers and references that follow from what they
name, so that the same result always becomes the same resources. References are "Type/id".
"""

from pneumoscope.interop.codes import concept
from pneumoscope.interop.fhir_elements import (
    URI,
    Resource,
    identifier_type,
    narrative,
    tidy,
)
from pneumoscope.interop.reported import ReportedStudy, lasting_id


def resource(
    study: ReportedStudy,
    type_: str,
    content: Resource,
    *,
    kind: str = "",
    sentences: tuple[str, ...] = (),
) -> Resource:
    head = {
        "resourceType": type_,
        "id": resource_id(study, type_, kind),
        "text": narrative(*(sentences or study.sentences)),
    }
    made: Resource = tidy(head | content)
    return made


def resource_id(study: ReportedStudy, type_: str, kind: str = "") -> str:
    """A patient, a study or a model is the same in every result about it."""
    about = {
        "Patient": (study.patient_id_system, study.patient_id),
        "ImagingStudy": (study.study_instance_uid,),
        "Device": (study.model.hash,),
    }
    return lasting_id(type_, *about.get(type_, (study.result_id, kind)))


def urn(study: ReportedStudy, type_: str, kind: str = "") -> str:
    return f"urn:uuid:{resource_id(study, type_, kind)}"


def identifier(study: ReportedStudy, type_: str, kind: str = "") -> Resource:
    return {"system": URI, "value": urn(study, type_, kind)}


def reference(study: ReportedStudy, type_: str, kind: str = "") -> Resource:
    return {"reference": f"{type_}/{resource_id(study, type_, kind)}"}


def observation_references(study: ReportedStudy) -> list[Resource]:
    regions = [f"region-{place}" for place in range(1, len(study.regions) + 1)]
    kinds = [*regions, "probability", "finding"] if study.prediction else ["finding"]
    return [reference(study, "Observation", kind) for kind in kinds]


def subject(study: ReportedStudy) -> Resource:
    known = reference(study, "Patient")
    return known if study.patient_id else {"display": "Patient not identified"}


def images(study: ReportedStudy) -> list[Resource]:
    return [reference(study, "ImagingStudy")] if study.study_instance_uid else []


def orders(study: ReportedStudy) -> list[Resource]:
    placed = {"type": concept(identifier_type("PLAC")), "value": study.order_number}
    return [{"type": "ServiceRequest", "identifier": placed}] if study.order_number else []


def study_date(study: ReportedStudy) -> str:
    return study.study_date.isoformat() if study.study_date else ""
