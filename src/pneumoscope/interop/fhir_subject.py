"""Whom and what a result is about, as FHIR R4 resources: patient, study and algorithm."""

from collections.abc import Iterable
from dataclasses import replace

from pneumoscope.interop import codes
from pneumoscope.interop.codes import concept
from pneumoscope.interop.fhir_elements import (
    URI,
    Resource,
    human_name,
    identifier_type,
    oid,
)
from pneumoscope.interop.fhir_identity import (
    identifier,
    reference,
    resource,
    study_date,
    subject,
    urn,
)
from pneumoscope.interop.reported import HeldInstance, ReportedStudy, person_names

DICOM_UID = "urn:dicom:uid"
GENDERS = {"M": "male", "F": "female", "O": "other"}


def patient(study: ReportedStudy) -> Resource:
    """The patient, by identifier, with no more than the radiograph's header says."""
    born = study.patient_birth_date
    names = person_names(study.patient_name)
    content = {
        "meta": _made_here(study, "Patient"),
        "identifier": [{"system": study.patient_id_system, "value": study.patient_id}],
        "name": [human_name(name) for name in names],
        "gender": GENDERS.get(study.patient_sex, "unknown"),
        "birthDate": born.isoformat() if born else "",
    }
    words = f"Patient {study.patient_id}, as the radiograph's header names them."
    return resource(study, "Patient", content, sentences=(words, study.sentences[-1]))


def merged_patients(study: ReportedStudy) -> list[Resource]:
    """The patient under the numbers that were merged into theirs: each replaced by the one kept.

    https://hl7.org/fhir/R4/patient.html#linking
    """
    return [_merged(study, number) for number in study.merged_patient_ids]


def _merged(study: ReportedStudy, number: str) -> Resource:
    former = replace(study, patient_id=number)
    content = {
        "meta": _made_here(former, "Patient"),
        "identifier": [{"system": study.patient_id_system, "value": number}],
        "active": False,
        "link": [{"other": reference(study, "Patient"), "type": "replaced-by"}],
    }
    words = f"Patient {number}, kept as {study.patient_id} since they were merged."
    return resource(former, "Patient", content, sentences=(words, study.sentences[-1]))


def device(study: ReportedStudy) -> Resource:
    """The algorithm: one Device for each content hash, whatever it read."""
    model = study.model
    name = f"Pneumoscope {model.name}"
    content = {
        "identifier": [identifier(study, "Device")],
        "status": "active",
        "type": concept(codes.ARTIFICIAL_INTELLIGENCE),
        "deviceName": [{"name": name, "type": "model-name"}],
        "version": [
            {"type": concept(codes.ALGORITHM_VERSION), "value": model.version},
            {"type": concept(text="SHA-256 of the model"), "value": model.hash},
        ],
    }
    words = (f"{name}, version {model.version}.", study.sentences[-1])
    return resource(study, "Device", content, sentences=words)


def imaging_study(study: ReportedStudy) -> Resource:
    """The study as far as it is held here: a radiograph, its repeat, a lateral."""
    accession = {"type": concept(identifier_type("ACSN")), "value": study.accession_number}
    read = HeldInstance(
        study.series_instance_uid, study.sop_instance_uid, study.sop_class_uid, study.modality
    )
    series = _series(study.held or (read,))
    content = {
        "meta": _made_here(study, "ImagingStudy"),
        "identifier": [
            {"system": DICOM_UID, "value": oid(study.study_instance_uid)},
            accession if study.accession_number else {},
        ],
        "status": "available",
        "subject": subject(study),
        "started": study_date(study),
        "series": series,
    }
    words = (f"Chest radiograph, study {study.study_instance_uid}.", study.sentences[-1])
    return resource(study, "ImagingStudy", content, sentences=words)


def _series(held: Iterable[HeldInstance]) -> list[Resource]:
    """Series of known UID and modality, each with its instances that can be referred to."""
    found: dict[str, Resource] = {}
    for each in held:
        if not each.series_instance_uid or not each.modality:
            continue
        one = found.setdefault(
            each.series_instance_uid,
            {
                "uid": each.series_instance_uid,
                "modality": {"system": codes.DCM, "code": each.modality},
                "bodySite": codes.CHEST.coding(),
                "instance": [],
            },
        )
        if each.sop_instance_uid and each.sop_class_uid:
            sop_class = {"system": URI, "code": oid(each.sop_class_uid)}
            one["instance"].append({"uid": each.sop_instance_uid, "sopClass": sop_class})
    return list(found.values())


def _made_here(study: ReportedStudy, type_: str) -> Resource:
    """The tag by which we know, on another's server, what is ours from what is the hospital's."""
    return {"tag": [{"system": URI, "code": urn(study, type_)}]}
