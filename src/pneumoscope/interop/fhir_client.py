"""Sends results to a FHIR R4 server."""

import json
from collections.abc import Sequence
from http import HTTPStatus

from pneumoscope.interop.delivery import DeliveryRejected, UnreadableAnswer, quoted
from pneumoscope.interop.fhir_bundle import MEDIA_TYPE, same, transaction
from pneumoscope.interop.fhir_elements import Resource
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status

# What reading an answer raises that is not what it should be.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
# What other systems keep there too, and what we write of it. The rest are of our results alone.
SHARED = {
    "Patient": frozenset({"identifier", "active", "name", "gender", "birthDate", "link"}),
    "ImagingStudy": frozenset({"identifier", "status", "subject", "started", "series"}),
}
OF_RESULT = frozenset({"Observation", "DiagnosticReport", "Provenance"})
_HEAD = frozenset({"resourceType", "id", "meta", "text"})


def push(
    peer: HttpPeer,
    resources: list[Resource],
    *,
    renew: bool = False,
    former: Sequence[Resource] = (),
) -> list[str]:
    """Create the resources in one transaction, those the server already has excepted.

    renew: those of the result replace what the server has. Patient and ImagingStudy replace it
    where it is as we made it; what the hospital's own systems keep there stays as it is.
    former: Patients that are to say that another replaces them, where the server has them as we
    made them.
    Returns the location of each of `resources`, in order. Safe to repeat. Raises a DeliveryError;
    its message holds what the server's OperationOutcome says.
    """
    ours = [each for each in (*resources, *former) if _is_ours(peer, each)]
    renewed = {each["id"] for each in ours}
    renewed |= {each["id"] for each in resources if renew and each["resourceType"] in OF_RESULT}
    sent = [*resources, *(each for each in former if each in ours)]
    answer = peer.exchange(
        "POST",
        body=json.dumps(transaction(sent, renewed=renewed), ensure_ascii=False).encode(),
        headers={"Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "Accept": MEDIA_TYPE},
    )
    raise_for_status(answer, peer, _outcome(answer))
    responses = _responses(answer, peer)
    if len(responses) != len(sent):
        raise UnreadableAnswer(
            f"{peer.base_url} answered {len(responses)} entries for {len(sent)} resources"
        )
    return [response["location"] for response in responses[: len(resources)]]


def audit_push(peer: HttpPeer, event: Resource) -> None:
    """Create one AuditEvent, unless the server has it (IHE ATNA, ITI-20 as FHIR feed).

    Safe to repeat with servers that know conditional create. Raises a DeliveryError.
    """
    answer = peer.exchange(
        "POST",
        event["resourceType"],
        body=json.dumps(event, ensure_ascii=False).encode(),
        headers={
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "Accept": MEDIA_TYPE,
            "If-None-Exist": same(event),
        },
    )
    raise_for_status(answer, peer, _outcome(answer))


def _is_ours(peer: HttpPeer, resource: Resource) -> bool:
    """Whether the server has a shared resource that bears our tag and says nothing we do not write.

    Who may not search, or gets no answer that can be read, leaves alone what is there.
    """
    kind = resource["resourceType"]
    if kind not in SHARED:
        return False
    tag = resource["meta"]["tag"][0]
    token = f"{tag['system']}|{tag['code']}"
    answer = peer.exchange("GET", kind, query=[("_tag", token)], headers={"Accept": MEDIA_TYPE})
    if answer.status != HTTPStatus.OK:
        return False
    try:
        found = [entry["resource"] for entry in json.loads(answer.body).get("entry", [])]
        return [set(each) <= SHARED[kind] | _HEAD for each in found] == [True]
    except UNREADABLE:
        return False


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
    except UNREADABLE as error:
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
    except UNREADABLE:
        return answer.text
