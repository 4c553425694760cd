"""The coded words that leave the house, each with where it is defined.

One place for FHIR, HL7 v2 and DICOM: the same result must carry the same codes in each of them.
SNOMED CT codes are of its DICOM and FHIR free sets (PS3.16 annex D; SNOMED GPS) unless noted.
"""

from dataclasses import dataclass
from typing import Any

SNOMED_CT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RADLEX = "http://www.radlex.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
UCUM = "http://unitsofmeasure.org"
# HL7 v2 table 0396 and DICOM PS3.16 section 8 name the same systems by these designators.
DESIGNATORS = {SNOMED_CT: "SCT", LOINC: "LN", RADLEX: "RADLEX", DCM: "DCM", UCUM: "UCUM"}


@dataclass(frozen=True, slots=True)
class Code:
    """A concept: its code in one code system and the system's words for it."""

    value: str
    system: str
    display: str

    @property
    def designator(self) -> str:
        """The code system as DICOM and HL7 v2 name it."""
        return DESIGNATORS[self.system]

    def coding(self) -> dict[str, str]:
        """As a FHIR Coding."""
        return {"system": self.system, "code": self.value, "display": self.display}


def concept(*codes: Code, text: str = "") -> dict[str, Any]:
    """A FHIR CodeableConcept of codes that mean the same; text where given."""
    coded: dict[str, Any] = {"coding": [code.coding() for code in codes]} if codes else {}
    return coded | ({"text": text} if text else {})


# What was looked for.
PNEUMONIA = Code("233604007", SNOMED_CT, "Pneumonia")
PNEUMONIA_RADLEX = Code("RID5350", RADLEX, "pneumonia")
# DICOM CID 240, so that SR and FHIR agree.
PRESENT = Code("52101004", SNOMED_CT, "Present")
ABSENT = Code("272519000", SNOMED_CT, "Absent")
# PS3.16 annex D: the certainty a device places upon a detected finding.
CERTAINTY_OF_FINDING = Code("111012", DCM, "Certainty of Finding")
FINDING = Code("121071", DCM, "Finding")
FINDING_SITE = Code("363698007", SNOMED_CT, "Finding site")

# Where. DICOM CID 6171 has zones without a side, so the side is its own code (CID 244).
LUNG = Code("39607008", SNOMED_CT, "Lung structure")
CHEST = Code("51185008", SNOMED_CT, "Thoracic structure")
LUNG_ZONES = {
    "upper zone": Code("281392002", SNOMED_CT, "Upper zone of lung"),
    "middle zone": Code("281393007", SNOMED_CT, "Middle zone of lung"),
    "lower zone": Code("281394001", SNOMED_CT, "Lower zone of lung"),
}
SIDES = {
    "right": Code("24028007", SNOMED_CT, "Right"),
    "left": Code("7771000", SNOMED_CT, "Left"),
}

# What was done and by what.
CHEST_RADIOGRAPH = Code("30745-4", LOINC, "XR Chest Views")
IMPRESSION = Code("19005-8", LOINC, "Impressions")  # CID 7001
ARTIFICIAL_INTELLIGENCE = Code("123110", DCM, "Artificial Intelligence")  # CID 7162
ALGORITHM_VERSION = Code("111003", DCM, "Algorithm Version")

# UCUM.
UNITY = Code("1", UCUM, "no units")


def zone_codes(zone: str) -> tuple[Code, Code]:
    """Codes of a `core.explain.ZONES` name, "right upper zone" and so on.

    First the zone with its side, as a SNOMED CT postcoordinated expression (272741003 is
    Laterality), then the zone alone for those who cannot read expressions.
    """
    side, _, height = zone.partition(" ")
    whole = LUNG_ZONES[height]
    expression = f"{whole.value}:272741003={SIDES[side].value}"
    return Code(expression, SNOMED_CT, f"{side} {whole.display.lower()}"), whole
