"""A result as ORU^R01 (HL7 2.5.1 chapter 7): finding, probability, zones, words, link, report.

What the model says has status P; that of a rejected radiograph is X, and it has no number. Once a
person has signed a report, it is final (OBR-25 F) with their words as one more observation. The
message's control id follows from result and report: sent again it is the same message.
"""

import base64
from dataclasses import dataclass, replace

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.core.types import Prediction
from pneumoscope.interop import codes
from pneumoscope.interop.codes import Code
from pneumoscope.interop.hl7v2 import Component, Message, Segment, Value, segment, write
from pneumoscope.interop.hl7v2_ack import VERSION
from pneumoscope.interop.hl7v2_text import UTF_8
from pneumoscope.interop.reported import PersonName, ReportedStudy, lasting_id, person_names

Coded = tuple[Component, ...]
DISCLAIMER: Coded = ("DISCLAIMER", "Intended use", "L")
QUALITY: Coded = ("QUALITY", "Image quality", "L")
LINK: Coded = ("LINK", "Result page", "L")
REPORT: Coded = ("REPORT", "Report", "L")
# Our own sentences must fit into any character set that a patient's name needs.
TYPEWRITTEN = str.maketrans({"–": "-", "’": "'", "“": '"', "”": '"', "…": "..."})


@dataclass(frozen=True, slots=True)
class Parties:
    """MSH-3 to MSH-6: who sends and who receives, as both sides have agreed."""

    receiving_application: str
    receiving_facility: str = ""
    sending_application: str = "PNEUMOSCOPE"
    sending_facility: str = ""


def control_id(study: ReportedStudy) -> str:
    """MSH-10 of the result's message; at most 20 characters (HL7 2.5.1)."""
    version = [f"signed {study.report.addenda}"] if study.report else []
    return lasting_id("ORU^R01", study.result_id, *version).replace("-", "")[:20]


def result_message(
    study: ReportedStudy, parties: Parties, *, pdf: bytes = b"", character_set: str = UTF_8
) -> bytes:
    """pdf: a report to be put inside (ED). Raises NotInCharacterSet."""
    head = [_msh(study, parties), _pid(study), *_order(study)]
    told = [*_numbers(study), *_words(study, pdf)]
    observations = [
        segment("OBX", {1: str(number)} | values) for number, values in enumerate(told, 1)
    ]
    return write(Message((*head, *observations)), character_set)


def _msh(study: ReportedStudy, parties: Parties) -> Segment:
    return segment(
        "MSH",
        {
            3: parties.sending_application,
            4: parties.sending_facility,
            5: parties.receiving_application,
            6: parties.receiving_facility,
            7: _told(study),
            9: ("ORU", "R01", "ORU_R01"),
            10: control_id(study),
            11: "P",
            12: VERSION,
        },
    )


def _pid(study: ReportedStudy) -> Segment:
    born = study.patient_birth_date
    return segment(
        "PID",
        {
            1: "1",
            3: (study.patient_id, "", "", _authority(study), "MR") if study.patient_id else "",
            5: [_xpn(name) for name in person_names(study.patient_name)],
            7: born.strftime("%Y%m%d") if born else "",
            8: study.patient_sex if study.patient_sex in {"M", "F", "O"} else "U",
        },
    )


def _order(study: ReportedStudy) -> list[Segment]:
    filler = study.accession_number or control_id(replace(study, report=None))
    ordered = (study.procedure_code, study.procedure_text, "L" if study.procedure_code else "")
    service = (*_coded(codes.CHEST_RADIOGRAPH), *ordered)
    taken = study.study_date.strftime("%Y%m%d") if study.study_date else ""
    obr: dict[int, Value] = {
        1: "1",
        2: study.order_number,
        3: filler,
        4: service,
        7: taken,
        18: study.accession_number,
        22: _told(study),
        24: "RAD",
        25: _status(study),
    }
    return [segment("ORC", {1: "RE", 2: study.order_number, 3: filler}), segment("OBR", obr)]


def _numbers(study: ReportedStudy) -> list[dict[int, Value]]:
    """Finding, probability and zones; of a rejected radiograph the finding without a value."""
    question = (*_coded(codes.PNEUMONIA), *_coded(codes.PNEUMONIA_RADLEX))
    prediction = study.prediction
    if prediction is None:
        return [_obx("CWE", question, "", study, {11: "X"})]
    value = _coded(codes.PRESENT if prediction.positive else codes.ABSENT)
    abnormal: dict[int, Value] = {8: "A" if prediction.positive else "N"}
    return [
        _obx("CWE", question, value, study, abnormal),
        _obx("NM", _coded(codes.CERTAINTY_OF_FINDING), f"{prediction.probability:.6f}", study)
        | _range(prediction)
        | abnormal,
        *(
            _obx("CWE", _coded(codes.FINDING_SITE), _zone(zone), study, {4: f"1.{place}"})
            for place, zone in enumerate(study.zones, 1)
        ),
    ]


def _words(study: ReportedStudy, pdf: bytes) -> list[dict[int, Value]]:
    sentences = [(QUALITY, reason.message) for reason in study.quality.reasons]
    sentences += [
        (_coded(codes.IMPRESSION), study.conclusion),
        (DISCLAIMER, f"{RESEARCH_USE_ONLY}."),
    ]
    told = [_obx("TX", about, words.translate(TYPEWRITTEN), study) for about, words in sentences]
    if study.report:
        words, signer = (
            each.translate(TYPEWRITTEN) for each in (study.report.impression, study.report.signer)
        )
        signed: dict[int, Value] = {11: "F", 14: _told(study), 16: ("", signer), 18: ""}
        told.insert(0, _obx("TX", REPORT, words, study, signed))
    if study.link:
        told += [_obx("RP", LINK, (study.link, "PNEUMOSCOPE", "TEXT", "HTML"), study)]
    if pdf:
        content = base64.b64encode(pdf).decode()
        status: dict[int, Value] = {11: "F"} if study.report else {}
        value = ("PNEUMOSCOPE", "AP", "PDF", "Base64", content)
        told += [_obx("ED", REPORT, value, study, status)]
    return told


def _obx(
    kind: str,
    question: Coded,
    value: Value,
    study: ReportedStudy,
    more: dict[int, Value] | None = None,
) -> dict[int, Value]:
    model = study.model
    fields: dict[int, Value] = {
        2: kind,
        3: question,
        5: value,
        11: "P" if study.prediction else "X",
        14: _time(study),
        18: (f"{model.name} {model.version}", "", model.hash, "SHA-256"),
    }
    return fields | (more or {})


def _range(prediction: Prediction) -> dict[int, Value]:
    """Units and, as the reference range, what lies below the operating point."""
    return {6: _coded(codes.UNITY), 7: f"<{prediction.threshold:.6f}"}


def _zone(zone: str) -> Coded:
    _, whole = codes.zone_codes(zone)
    return (*_coded(whole), "", "", "", "", "", zone)


def _coded(code: Code) -> Coded:
    return (code.value, code.display, code.designator)


def _authority(study: ReportedStudy) -> tuple[str, ...]:
    """Who gave out the patient's number, as an HD: namespace, universal id and its type."""
    system = study.patient_id_system
    if system.startswith("urn:oid:"):
        return ("", system.removeprefix("urn:oid:"), "ISO")
    return ("", system, "URI") if ":" in system else (system,)


def _xpn(name: PersonName) -> Coded:
    parts = (name.family, name.given, name.middle, name.suffix, name.prefix)
    return (*parts, "", "L", name.representation)


def _status(study: ReportedStudy) -> str:
    """HL7 table 0123."""
    if study.report:
        return "F"
    return "P" if study.prediction else "X"


def _told(study: ReportedStudy) -> str:
    """When what is told was made: signed, else computed."""
    return study.report.signed.strftime("%Y%m%d%H%M%S%z") if study.report else _time(study)


def _time(study: ReportedStudy) -> str:
    return study.issued.strftime("%Y%m%d%H%M%S%z")
