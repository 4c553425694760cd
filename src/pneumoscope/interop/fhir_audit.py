"""Who did what over our FHIR server, or we over another's: AuditEvent as IHE BALP lays it down.

Profiles Create, Read and Query and their patient variants of the IHE IT Infrastructure supplement
"Basic Audit Log Patterns" 1.1 (https://profiles.ihe.net/ITI/BALP).
"""

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Literal

from pneumoscope.interop import codes
from pneumoscope.interop.codes import Code, concept
from pneumoscope.interop.fhir_elements import TERMINOLOGY, URI, Resource, instant, narrative, tidy

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit"
REST = Code("rest", f"{TERMINOLOGY}/audit-event-type", "Restful Operation")
SOURCE = Code("110153", codes.DCM, "Source Role ID")
DESTINATION = Code("110152", codes.DCM, "Destination Role ID")
PARTICIPATION = f"{TERMINOLOGY}/v3-ParticipationType"
AUTHOR = Code("AUT", PARTICIPATION, "author (originator)")
RECIPIENT = Code("IRCP", PARTICIPATION, "information recipient")
APPLICATION_SERVER = Code("4", f"{TERMINOLOGY}/security-source-type", "Application Server")
ENTITY_TYPE = f"{TERMINOLOGY}/audit-entity-type"
OBJECT_ROLE = f"{TERMINOLOGY}/object-role"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
Interaction = Literal["create", "read", "search"]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a profile fixes. client, server: their roles, by who hands the content over."""

    profile: str
    action: str
    subtype: str
    client: Code
    server: Code
    user: Code


PATTERNS: dict[Interaction, _Pattern] = {
    "create": _Pattern("Create", "C", "create", SOURCE, DESTINATION, AUTHOR),
    "read": _Pattern("Read", "R", "read", DESTINATION, SOURCE, RECIPIENT),
    "search": _Pattern("Query", "E", "search-type", SOURCE, DESTINATION, RECIPIENT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One interaction. event_id: the row's lasting identity. about: "Type/id" of each resource, or
    a search's query string. patient_id: the Patient resource's id, where one was concerned.
    client, server: address or URL. failure: empty when it succeeded. base: of the server that has
    the resources, for a reader that is another one."""

    event_id: uuid.UUID
    interaction: Interaction
    recorded: datetime
    client: str
    server: str
    about: tuple[str, ...]
    user: str = ""
    patient_id: str = ""
    failure: str = ""
    base: str = ""

    def reference(self, about: str) -> str:
        return f"{self.base}/{about}" if self.base else about


def audit_event(access: Access) -> Resource:
    """Raises ValueError when `recorded` has no time zone."""
    pattern = PATTERNS[access.interaction]
    patient = "Patient" if access.patient_id else ""
    # The patterns are for what succeeded; a failure is the same event without their profile.
    profile = [] if access.failure else [f"{BALP}.{patient}{pattern.profile}"]
    words = f"{access.user or access.client}: {access.interaction} {', '.join(access.about)}"
    event: Resource = tidy(
        {
            "resourceType": "AuditEvent",
            "id": str(access.event_id),
            "meta": {"profile": profile, "tag": [{"system": URI, "code": access.event_id.urn}]},
            "text": narrative(f"{words}. {access.failure}".strip()),
            "type": REST.coding(),
            "subtype": [Code(pattern.subtype, INTERACTION, pattern.subtype).coding()],
            "action": pattern.action,
            "recorded": instant(access.recorded),
            "outcome": "8" if access.failure else "0",
            "outcomeDesc": access.failure,
            "agent": _agents(access, pattern),
            "source": {
                "observer": {"display": "Pneumoscope"},
                "type": [APPLICATION_SERVER.coding()],
            },
            "entity": _entities(access),
        }
    )
    return event


def _agents(access: Access, pattern: _Pattern) -> list[Resource]:
    machines = [(pattern.client, access.client), (pattern.server, access.server)]
    agents: list[Resource] = [
        {
            "type": concept(role),
            "who": {"display": address},
            "requestor": not access.user and address == access.client,
            "network": {"address": address, "type": _network_type(address)},
        }
        for role, address in machines
    ]
    if access.user:
        user = {"type": concept(pattern.user), "who": {"display": access.user}, "requestor": True}
        agents.append(user)
    return agents


def _network_type(address: str) -> str:
    """1 machine name, 2 IP address, 5 URI (https://hl7.org/fhir/R4/valueset-network-type.html)."""
    if "://" in address:
        return "5"
    try:
        ip_address(address)
    except ValueError:
        return "1"
    return "2"


def _entities(access: Access) -> list[Resource]:
    things = [_thing(access, each) for each in access.about]
    patient = {
        "type": Code("1", ENTITY_TYPE, "Person").coding(),
        "role": Code("1", OBJECT_ROLE, "Patient").coding(),
        "what": {"reference": access.reference(f"Patient/{access.patient_id}")},
    }
    return [patient, *things] if access.patient_id else things


def _thing(access: Access, about: str) -> Resource:
    thing: Resource = {"type": Code("2", ENTITY_TYPE, "System Object").coding()}
    if access.interaction == "search":
        thing["role"] = Code("24", OBJECT_ROLE, "Query").coding()
        thing["query"] = base64.b64encode(about.encode()).decode()
    else:
        thing["role"] = Code("4", OBJECT_ROLE, "Domain Resource").coding()
        thing["what"] = {"reference": access.reference(about)}
    return thing
