"""What is told of one result, to whatever standard: the facts that FHIR, HL7 v2 and webhooks share.

Plain values, so that a stored result can be told again years later without its image.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.core.types import Analysis, ModelReference, Prediction, QualityReport, Region

# Every identity derives from this one and the result's: sent twice, it is the same thing twice.
NAMESPACE = uuid.UUID("6a1d5a0e-8b3c-5e52-9d0c-3f6f0b6a7c11")
# DICOM's three ways to write a name (PS3.5 6.2.1.2), as HL7 table 4000 names them.
REPRESENTATIONS = ("A", "I", "P")
UNCERTAIN = " The model is not sure enough to tell: a second reader is advised."


@dataclass(frozen=True, slots=True)
class SignedReport:
    """What a person said and signed about the result. signer: their name, for people to read.

    language: of the impression (BCP 47). addenda: how many there are; each makes it another version
    of the report.
    """

    signed: datetime
    signer: str
    impression: str
    language: str = "en"
    addenda: int = 0


@dataclass(frozen=True, slots=True)
class HeldInstance:
    """One instance of a study, as a reference names it."""

    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    modality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedStudy:
    """One result and whom and what it is about. Empty string or None where nothing is known.

    result_id: names this result for good; the same result always has the same.
    issued: when the result was made, with its time zone.
    patient_id_system: URI of who gave out the patient's identifier (urn:oid:… or https://…).
    patient_name: DICOM person name, Family^Given^Middle^Prefix^Suffix, groups divided by "=".
    patient_corrected: the hospital has said since who the patient is: what went out before may name
    them otherwise. merged_patient_ids: numbers that the patient no longer has.
    held: the radiographs of the study that are here; none: the one that was read.
    order_number: the placer's. procedure_*: what was ordered, as the order has it.
    link: address of the result's page, for people.
    report: as signed by a person; None: nobody has read the result.
    """

    result_id: str
    issued: datetime
    model: ModelReference
    quality: QualityReport
    prediction: Prediction | None
    regions: tuple[Region, ...] = ()
    patient_id: str = ""
    patient_id_system: str = ""
    patient_name: str = ""
    patient_birth_date: date | None = None
    patient_sex: str = ""
    patient_corrected: bool = False
    merged_patient_ids: tuple[str, ...] = ()
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    modality: str = ""
    held: tuple[HeldInstance, ...] = ()
    study_date: date | None = None
    accession_number: str = ""
    order_number: str = ""
    procedure_code: str = ""
    procedure_text: str = ""
    site: str = ""
    link: str = ""
    report: SignedReport | None = None

    @property
    def conclusion(self) -> str:
        """The result in one sentence. A rejected radiograph has a reason and no number."""
        if self.prediction is None:
            reasons = " ".join(reason.message for reason in self.quality.reasons)
            return f"No result: the radiograph was not suitable for analysis. {reasons}".strip()
        prediction = self.prediction
        side = "at or above" if prediction.positive else "below"
        verb = "suggest" if prediction.positive else "do not suggest"
        where = f" in the {_listed(self.zones)}" if self.zones else ""
        number, threshold = _apart(prediction.probability, prediction.threshold)
        return (
            f"Findings {verb} pneumonia{where}. Estimated probability {number}, "
            f"{side} the threshold of {threshold}.{UNCERTAIN if prediction.uncertain else ''}"
        )

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the lung zones the result rests on, strongest first, each once."""
        return tuple(dict.fromkeys(region.zone for region in self.regions))

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that a reader must see: what a person signed, else that nobody has; result, remarks
        on quality, model, intended use."""
        remarks = self.quality.reasons if self.prediction else ()
        model = f"{self.model.name} {self.model.version} ({self.model.hash[:12]})"
        read = f"signed by {self.report.signer}" if self.report else "not read by a person"
        return (
            *((self.report.impression,) if self.report else ()),
            self.conclusion,
            *(f"Image quality: {reason.message}" for reason in remarks),
            f"Computed by the model {model}; {read}.",
            f"{RESEARCH_USE_ONLY}.",
        )


def lasting_id(*parts: str) -> str:
    """A UUID that is the same for the same parts, today and elsewhere (RFC 9562, version 5)."""
    return str(uuid.uuid5(NAMESPACE, json.dumps(parts)))


def reported(
    analysis: Analysis, *, result_id: str, issued: datetime, **facts: Any
) -> ReportedStudy:
    """A fresh analysis with what its DICOM header tells; `facts` add or replace fields."""
    header = analysis.radiograph.dicom
    known = {
        name: getattr(header, name)
        for name in ReportedStudy.__slots__
        if header is not None and hasattr(header, name)
    }
    return ReportedStudy(
        result_id=result_id,
        issued=issued,
        model=analysis.model,
        quality=analysis.quality,
        prediction=analysis.prediction,
        regions=analysis.regions,
        **(known | facts),
    )


@dataclass(frozen=True, slots=True)
class PersonName:
    """One way to write a person's name. representation: A alphabetic, I ideographic, P phonetic."""

    representation: str
    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""


def person_names(value: str) -> tuple[PersonName, ...]:
    """A DICOM person name (PS3.5 6.2.1), one PersonName for each group that says something."""
    names = []
    for representation, group in zip(REPRESENTATIONS, value.split("="), strict=False):
        parts = [part.strip() for part in group.split("^")][:5]
        if any(parts):
            names.append(PersonName(representation, *parts))
    return tuple(names)


def dicom_name(names: tuple[PersonName, ...]) -> str:
    """The inverse of `person_names`."""
    groups = {name.representation: name for name in names}
    written = "=".join(_group(groups.get(each)) for each in REPRESENTATIONS)
    return written.rstrip("=")


def _group(name: PersonName | None) -> str:
    if name is None:
        return ""
    parts = (name.family, name.given, name.middle, name.prefix, name.suffix)
    # ^ and = divide names and their groups, so a name cannot hold them.
    return "^".join(part.replace("^", " ").replace("=", " ").strip() for part in parts).rstrip("^")


def _apart(probability: float, threshold: float) -> tuple[str, str]:
    """Both with the fewest decimals, from two on, that do not make them look the same."""
    for digits in (2, 3, 4, 5):
        pair = (f"{probability:.{digits}f}", f"{threshold:.{digits}f}")
        if pair[0] != pair[1]:
            return pair
    return f"{probability:.6f}", f"{threshold:.6f}"


def _listed(words: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
