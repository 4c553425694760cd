"""The small parts that FHIR R4 resources are made of, and the rules all of them keep."""

import html
import unicodedata
from datetime import datetime
from typing import Any

from pneumoscope.interop.codes import Code
from pneumoscope.interop.reported import PersonName

Resource = dict[str, Any]

URI = "urn:ietf:rfc:3986"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
# DICOM's name groups in the words of the extension below; the alphabetic one needs none.
REPRESENTATIONS = {"I": "IDE", "P": "SYL"}
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def narrative(*sentences: str) -> Resource:
    """A resource's words for people: each sentence a paragraph, escaped."""
    paragraphs = "".join(f"<p>{html.escape(clean(sentence))}</p>" for sentence in sentences)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>',
    }


def identifier_type(value: str) -> Code:
    """HL7 table 0203: ACSN accession number, PLAC placer's order number, MR record number."""
    displays = {"ACSN": "Accession ID", "PLAC": "Placer Identifier", "MR": "Medical record number"}
    return Code(value, f"{TERMINOLOGY}/v2-0203", displays[value])


def human_name(name: PersonName) -> Resource:
    written: Resource = {
        "family": name.family,
        "given": [name.given, name.middle],
        "prefix": [name.prefix],
        "suffix": [name.suffix],
    }
    if form := REPRESENTATIONS.get(name.representation):
        written["extension"] = [{"url": REPRESENTATION, "valueCode": form}]
    return written


def probability(value: float) -> Resource:
    """A Quantity of 0..1 with six decimals, as in the records; UCUM's unit one."""
    return {
        "value": round(value, 6),
        "unit": "probability",
        "system": "http://unitsofmeasure.org",
        "code": "1",
    }


def oid(uid: str) -> str:
    """A DICOM UID as a URI."""
    return f"urn:oid:{uid}" if uid else ""


def instant(moment: datetime) -> str:
    """Seconds and time zone. Raises ValueError for a time without one: it would be ambiguous."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.isoformat(timespec="seconds")


def tidy(value: Any) -> Any:
    """Without what FHIR forbids: empty strings, lists and objects, and control characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [each for each in map(tidy, value) if each not in ("", [], {}, None)]
    if isinstance(value, dict):
        tidied = {name: tidy(each) for name, each in value.items()}
        return {name: each for name, each in tidied.items() if each not in ("", [], {}, None)}
    return value


def clean(text: str) -> str:
    """Text that JSON, UTF-8 and XHTML can hold: no control characters but line ends and tabs, no
    surrogates, no code points that are none."""
    return "".join(
        c
        for c in text
        if c in "\t\n"
        or (unicodedata.category(c) not in {"Cc", "Cs"} and ord(c) & 0xFFFE != 0xFFFE)
    ).strip()
