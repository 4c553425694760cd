"""A small FHIR R4 server: validates and keeps what comes, honours conditional create and update,
and is searched by tag.
"""

import contextlib
import json
from urllib.parse import parse_qsl

from fhir.resources.R4B import get_fhir_model_class

from interop.listening import http_server

JSON = {"Content-Type": "application/fhir+json"}


def validate(resource):
    """Raises what fhir.resources raises. Its R4B differs from R4 in none of our resources."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@contextlib.contextmanager
def fhir_server():
    """Yields the HttpServer and the dict of what it keeps, "Type/id" → resource."""
    kept = {}

    def respond(request):
        if request.method == "GET":
            return 200, JSON, json.dumps(_found(request.path, kept)).encode()
        try:
            bundle = json.loads(request.body)
            validate(bundle)
            if bundle["resourceType"] != "Bundle":
                return _created(bundle, request, kept)
            return 200, JSON, json.dumps(_transact(bundle, kept)).encode()
        except ValueError as error:
            outcome = {
                "resourceType": "OperationOutcome",
                "issue": [
                    {"severity": "error", "code": "invalid", "diagnostics": str(error)[:200]}
                ],
            }
            return 422, JSON, json.dumps(outcome).encode()

    with http_server(respond) as server:
        yield server, kept


def _created(resource, request, kept):
    """Create, or conditional create (https://hl7.org/fhir/R4/http.html#ccreate)."""
    if request.path.strip("/") != resource["resourceType"]:
        raise ValueError("wrong address")
    asked = {"ifNoneExist": request.headers["if-none-exist"]}
    if any(_matches(each, resource, asked) for each in kept.values()):
        return 200, JSON, b""
    kept[f"{resource['resourceType']}/{len(kept) + 1}"] = resource
    return 201, JSON, b""


def _transact(bundle, kept):
    places, responses = {}, []
    for entry in bundle["entry"]:
        resource = entry["resource"]
        validate(resource)
        found = [k for k, each in kept.items() if _matches(each, resource, entry["request"])]
        if len(found) > 1:
            raise ValueError("multiple matches")
        place = found[0] if found else f"{resource['resourceType']}/{len(kept) + 1}"
        if not found or entry["request"]["method"] == "PUT":
            kept[place] = resource
        places[entry["fullUrl"]] = place
        responses.append(
            {"response": {"status": "200" if found else "201 Created", "location": place}}
        )
    for place, resource in kept.items():
        text = json.dumps(resource)
        for urn, target in places.items():
            text = text.replace(json.dumps({"reference": urn}), json.dumps({"reference": target}))
        kept[place] = json.loads(text)
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": responses}


def _found(path, kept):
    kind, _, asked = path.rpartition("/")[2].partition("?")
    found = [
        {"fullUrl": f"http://test/{place}", "resource": {**each, "id": place.partition("/")[2]}}
        for place, each in kept.items()
        if each["resourceType"] == kind and _is_named(each, asked)
    ]
    entries = {"entry": found} if found else {}
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found), **entries}
    validate(bundle)
    return bundle


def _matches(each, resource, request):
    asked = request.get("ifNoneExist") or request["url"].partition("?")[2]
    return each["resourceType"] == resource["resourceType"] and _is_named(each, asked)


def _is_named(each, asked):
    [(name, value)] = parse_qsl(asked)
    system, _, code = value.partition("|")
    tokens = (
        each.get("identifier", []) if name == "identifier" else each.get("meta", {}).get("tag", [])
    )
    return any(
        token.get("system", "") == system and token.get("value", token.get("code")) == code
        for token in tokens
    )
