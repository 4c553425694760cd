"""Write docs/integration/examples: `cd tests && python -m interop.write_examples`.

test_examples.py fails when they are not what this writes.
"""

import json
import uuid
from pathlib import Path

from interop import hl7_messages, studies
from pneumoscope.interop import fhir, fhir_bundle, fhir_subject, webhook
from pneumoscope.interop.fhir_audit import Access, audit_event
from pneumoscope.interop.hl7v2_result import Parties, result_message

EXAMPLES = Path(__file__).parents[2] / "docs" / "integration" / "examples"
SERVER = "https://pneumoscope.example/fhir"


def examples() -> dict[str, str]:
    """Every example by its file's name."""
    made = {}
    for kind in ("positive", "negative", "rejected"):
        study = getattr(studies, kind)()
        made[f"fhir-{kind}.json"] = _json(fhir_bundle.transaction(fhir.resources(study)))
        # As on the wire, but each segment on its own line.
        message = result_message(study, Parties("RIS", "HOSP")).decode()
        made[f"oru-{kind}.hl7"] = message.replace("\r", "\n")
    made["fhir-audit-event.json"] = _json(audit_event(_access()))
    made["fhir-capability-statement.json"] = _json(
        fhir_bundle.capability_statement(base_url=SERVER, version="0.1.0", date=studies.ISSUED)
    )
    made["webhook.json"] = _json(webhook.event(studies.positive()))
    for name in ("ORM", "OMI", "A08", "A40"):
        made[f"in-{name.lower()}.hl7"] = hl7_messages.ALL[name].replace("\r", "\n")
    return made


def _access() -> Access:
    report = fhir.diagnostic_report(studies.positive())
    return Access(
        event_id=uuid.UUID("7d3a3f5e-0b5a-4e0c-9a39-5c1f1c8f8e01"),
        interaction="read",
        recorded=studies.ISSUED,
        client="192.0.2.7",
        server=SERVER,
        about=(f"DiagnosticReport/{report['id']}",),
        user="a.reader",
        patient_id=fhir_subject.patient(studies.positive())["id"],
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    EXAMPLES.mkdir(exist_ok=True)
    for name, text in examples().items():
        (EXAMPLES / name).write_text(text, encoding="utf-8")
