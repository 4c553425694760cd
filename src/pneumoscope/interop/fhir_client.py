"""Sends results to a FHIR R4 server."""

import json
from collections.abc import Collection

from pneumoscope.interop.delivery import DeliveryRejected, UnreadableAnswer, quoted
from pneumoscope.interop.fhir_bundle import MEDIA_TYPE, transaction
from pneumoscope.interop.fhir_elements import Resource
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status


def push(peer: HttpPeer, resources: list[Resource], *, renewed: Collection[str] = ()) -> list[str]:
    """Create the resources in one transaction, those the server already has excepted.

    renewed: types whose resources replace those that the server has.
    Returns the location of each, in order. Safe to repeat. Raises a DeliveryError; its message
    holds what the server's OperationOutcome says.
    """
    answer = peer.exchange(
        "POST",
        body=json.dumps(transaction(resources, renewed=renewed), ensure_ascii=False).encode(),
        headers={"Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "Accept": MEDIA_TYPE},
    )
    raise_for_status(answer, peer, _outcome(answer))
    responses = _responses(answer, peer)
    if len(responses) != len(resources):
        raise UnreadableAnswer(
            f"{peer.base_url} answered {len(responses)} entries for {len(resources)} resources"
        )
    return [response["location"] for response in responses]


def _responses(answer: HttpAnswer, peer: HttpPeer) -> list[dict[str, str]]:
    """The entries' responses: each must have a status and a location."""
    try:
        bundle = json.loads(answer.body)
        if bundle["resourceType"] != "Bundle" or bundle["type"] != "transaction-response":
            raise UnreadableAnswer(f"{peer.base_url} answered no transaction-response")
        responses = [entry["response"] for entry in bundle["entry"]]
        made = [
            {"status": str(each["status"]), "location": str(each.get("location", ""))}
            for each in responses
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableAnswer(
            f"{peer.base_url} answered no FHIR: {quoted(answer.text)[:100]}"
        ) from error
    for each in made:
        # A transaction is all or nothing, so a failed entry under a 200 breaks the standard.
        if not each["status"].startswith("2"):
            raise DeliveryRejected(f"{peer.base_url} refused an entry: {quoted(each['status'])}")
    return made


def _outcome(answer: HttpAnswer) -> str:
    """What an OperationOutcome says; the bare text of anything else."""
    try:
        issues = json.loads(answer.body)["issue"]
        said = [
            issue.get("diagnostics") or issue.get("details", {}).get("text") or issue["code"]
            for issue in issues
        ]
        return "; ".join(map(str, said))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return answer.text
