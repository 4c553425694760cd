"""Bundles, outcomes and the statement of what our own FHIR R4 server can do."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.interop.fhir_elements import Resource, instant, narrative

FHIR_VERSION = "4.0.1"
MEDIA_TYPE = "application/fhir+json"
# What can be searched by, and the type of each parameter; `_id` and `_count` go without saying.
SEARCH_PARAMETERS: dict[str, dict[str, str]] = {
    "Patient": {"identifier": "token"},
    "Device": {"identifier": "token"},
    "ImagingStudy": {"identifier": "token", "patient": "reference", "started": "date"},
    "Observation": {"identifier": "token", "patient": "reference", "status": "token"},
    "DiagnosticReport": {
        "identifier": "token",
        "patient": "reference",
        "status": "token",
        "issued": "date",
    },
    "Provenance": {"target": "reference"},
    "AuditEvent": {"date": "date", "patient": "reference"},
}


def transaction(resources: list[Resource], *, renewed: Collection[str] = ()) -> Resource:
    """One Bundle that creates all resources or none, each only if the server does not have it.

    Sent again it changes nothing (https://hl7.org/fhir/R4/http.html#ccreate). Those whose ids
    are in `renewed` replace what the server has (#cond-update). References inside become those of
    the entries' fullUrl.
    """
    urns = {f"{each['resourceType']}/{each['id']}": f"urn:uuid:{each['id']}" for each in resources}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            _entry(resource, urns, renew=resource["id"] in renewed) for resource in resources
        ],
    }


def _entry(resource: Resource, urns: dict[str, str], *, renew: bool) -> Resource:
    kind, content = resource["resourceType"], _with_references(resource, urns)
    request = {"method": "POST", "url": kind, "ifNoneExist": same(resource)}
    if renew:
        # The server has ids of its own: another one in the content would be refused.
        del content["id"]
        request = {"method": "PUT", "url": f"{kind}?{same(resource)}"}
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": content, "request": request}


def same(resource: Resource) -> str:
    """The search that finds this resource on any server: by identifier, else by tag."""
    name, tokens = "identifier", resource.get("identifier")
    if not tokens:
        name, tokens = "_tag", resource["meta"]["tag"]
    value = tokens[0].get("value", tokens[0].get("code"))
    return f"{name}={_escaped(tokens[0].get('system', ''))}%7C{_escaped(value)}"


def searchset(
    resources: list[Resource], *, base_url: str, own_url: str, total: int, next_url: str = ""
) -> Resource:
    """The answer to a search. own_url, next_url: addresses of this page and the next."""
    links = [{"relation": "self", "url": own_url}]
    links += [{"relation": "next", "url": next_url}] if next_url else []
    found = [
        {
            "fullUrl": f"{base_url.rstrip('/')}/{each['resourceType']}/{each['id']}",
            "resource": each,
            "search": {"mode": "match"},
        }
        for each in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    return bundle | ({"entry": found} if found else {})


def operation_outcome(code: str, text: str, *, severity: str = "error") -> Resource:
    """What went wrong. code: https://hl7.org/fhir/R4/valueset-issue-type.html."""
    issue = {"severity": severity, "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def capability_statement(*, base_url: str, version: str, date: datetime) -> Resource:
    """What the server under `base_url` does (https://hl7.org/fhir/R4/http.html#capabilities)."""
    words = f"Read and search of Pneumoscope's results. {RESEARCH_USE_ONLY}."
    return {
        "resourceType": "CapabilityStatement",
        "text": narrative(words),
        "status": "active",
        "date": instant(date),
        "kind": "instance",
        "software": {"name": "Pneumoscope", "version": version},
        "implementation": {"description": words, "url": base_url},
        "fhirVersion": FHIR_VERSION,
        "format": [MEDIA_TYPE, "json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "Every request needs an API token."},
                "resource": [_capability(name) for name in SEARCH_PARAMETERS],
            }
        ],
    }


def _capability(resource_type: str) -> Resource:
    parameters = {"_id": "token"} | SEARCH_PARAMETERS[resource_type]
    return {
        "type": resource_type,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": name, "type": kind} for name, kind in parameters.items()],
    }


def _with_references(value: Any, urns: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_references(each, urns) for each in value]
    if isinstance(value, dict):
        return {
            name: urns.get(each, each) if name == "reference" else _with_references(each, urns)
            for name, each in value.items()
        }
    return value


def _escaped(token: str) -> str:
    """A token's part for a search: FHIR's own separators, then the URL's."""
    for separator in "\\$,|":
        token = token.replace(separator, f"\\{separator}")
    return quote(token, safe="")
