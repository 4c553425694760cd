"""Whom and what a result is about, as FHIR R4 resources: patient, study and algorithm."""

from pneumoscope.interop import codes
from pneumoscope.interop.codes import concept
from pneumoscope.interop.fhir_elements import (
    URI,
    Resource,
    human_name,
    identifier_type,
    oid,
)
from pneumoscope.interop.fhir_identity import identifier, resource, study_date, subject
from pneumoscope.interop.reported import ReportedStudy, person_names

DICOM_UID = "urn:dicom:uid"
GENDERS = {"M": "male", "F": "female", "O": "other"}


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
    return resource(study, "Patient", content, sentences=(words, study.sentences[-1]))


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
        "subject": subject(study),
        "started": study_date(study),
        "series": [series] if study.series_instance_uid and study.modality else [],
    }
    words = (f"Chest radiograph, study {study.study_instance_uid}.", study.sentences[-1])
    return resource(study, "ImagingStudy", content, sentences=words)
