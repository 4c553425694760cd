"""A result as FHIR R4 (4.0.1) resources: JSON objects as dicts.

Ids and identifiers follow from the result's identity, so the same result always becomes the same
resources. References are "Type/id". What the model says stays preliminary; the report is final once
a person has signed it, and appended with an addendum. Of a rejected radiograph there is one
cancelled observation that says why, without a number.
Elements: https://hl7.org/fhir/R4/.
"""

from pneumoscope.interop import codes
from pneumoscope.interop.codes import Code, concept
from pneumoscope.interop.fhir_elements import TERMINOLOGY, URI, Resource, instant
from pneumoscope.interop.fhir_identity import (
    identifier,
    images,
    observation_references,
    orders,
    reference,
    resource,
    study_date,
    subject,
    urn,
)
from pneumoscope.interop.fhir_observations import PNEUMONIA, observations
from pneumoscope.interop.fhir_subject import device, imaging_study, patient
from pneumoscope.interop.reported import ReportedStudy

RADIOLOGY = concept(Code("RAD", f"{TERMINOLOGY}/v2-0074", "Radiology"))
VERIFIER = concept(Code("verifier", f"{TERMINOLOGY}/provenance-participant-type", "Verifier"))
ASSEMBLER = concept(Code("assembler", f"{TERMINOLOGY}/provenance-participant-type", "Assembler"))


def resources(study: ReportedStudy) -> list[Resource]:
    """All resources of a result, those that others refer to first.

    Patient and ImagingStudy are left out where nothing identifies them. Raises ValueError when
    `issued` has no time zone.
    """
    made = [patient(study)] if study.patient_id else []
    made += [device(study)]
    made += [imaging_study(study)] if study.study_instance_uid else []
    return [*made, *observations(study), diagnostic_report(study), provenance(study)]


def diagnostic_report(study: ReportedStudy) -> Resource:
    """The report that holds it together; its conclusion says all that a reader must see.

    Its language is that of the person's words, which come first; what the model says is English.
    """
    positive = study.prediction is not None and study.prediction.positive
    content = {
        "language": study.report.language if study.report else "en",
        "identifier": [identifier(study, "DiagnosticReport")],
        "basedOn": orders(study),
        "status": _status(study),
        "category": [RADIOLOGY],
        "code": concept(codes.CHEST_RADIOGRAPH, text=study.procedure_text),
        "subject": subject(study),
        "effectiveDateTime": study_date(study),
        "issued": instant(study.report.signed if study.report else study.issued),
        "performer": [*_signer(study), {"display": study.site}],
        "result": observation_references(study),
        "imagingStudy": images(study),
        "conclusion": " ".join(study.sentences),
        "conclusionCode": [PNEUMONIA] if positive else [],
    }
    return resource(study, "DiagnosticReport", content)


def provenance(study: ReportedStudy) -> Resource:
    """Which algorithm made the report and its observations, and from which study.

    FHIR gives Provenance no identifier, so its identity is a tag.
    """
    report = reference(study, "DiagnosticReport")
    content = {
        "meta": {"tag": [{"system": URI, "code": urn(study, "Provenance")}]},
        "target": [report, *observation_references(study)],
        "recorded": instant(study.issued),
        "agent": [
            {"type": ASSEMBLER, "who": reference(study, "Device")},
            *({"type": VERIFIER, "who": signer} for signer in _signer(study)),
        ],
        "entity": [{"role": "source", "what": image} for image in images(study)],
    }
    return resource(study, "Provenance", content)


def _status(study: ReportedStudy) -> str:
    """https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html"""
    if study.report:
        return "appended" if study.report.addenda else "final"
    return "preliminary" if study.prediction else "cancelled"


def _signer(study: ReportedStudy) -> list[Resource]:
    return [{"display": study.report.signer}] if study.report else []
