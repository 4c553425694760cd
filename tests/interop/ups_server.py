"""The parts of a UPS-RS origin server that a puller meets (PS3.18 section 11, PS3.4 annex CC)."""

import contextlib
import json
from urllib.parse import parse_qsl, urlsplit

from pydicom.dataset import Dataset

from interop.listening import http_server

FINAL = ("COMPLETED", "CANCELED")
REQUIRED = (
    "PerformedStationNameCodeSequence",
    "PerformedWorkitemCodeSequence",
    "PerformedProcedureStepStartDateTime",
    "PerformedProcedureStepEndDateTime",
    "OutputInformationSequence",
)


def workitem(uid, station="PNEUMOSCOPE", procedure="CXR-AI"):
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.SOPInstanceUID = uid
    item.PatientName = "山田^太郎"
    item.PatientID = "4711"
    item.ProcedureStepLabel = "Chest AI"
    item.ProcedureStepState = "SCHEDULED"
    item.ScheduledProcedureStepPriority = "HIGH"
    item.ScheduledStationNameCodeSequence = [_code(station)]
    item.ScheduledWorkitemCodeSequence = [_code(procedure)]
    request = Dataset()
    request.AccessionNumber = "ACC-1"
    item.ReferencedRequestSequence = [request]
    instance, source, where = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPInstanceUID = "1.2.3.3"
    where.RetrieveURL = "https://pacs.example/rs/studies/1.2.3"
    source.StudyInstanceUID, source.SeriesInstanceUID = "1.2.3", "1.2.3.2"
    source.ReferencedSOPSequence = [instance]
    source.WADORSRetrievalSequence = [where]
    item.InputInformationSequence = [source]
    return item


def _code(value):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99TEST", value
    return item


@contextlib.contextmanager
def ups_server(*items):
    """Yields the HttpServer and the dict of work items by UID."""
    kept = {item.SOPInstanceUID: item for item in items}
    owners = {}

    def respond(request):
        url = urlsplit(request.path)
        parts = url.path.strip("/").split("/")
        if len(parts) == 1:
            return _search(kept, dict(parse_qsl(url.query)))
        if parts[1] not in kept:
            return 404, {}, b""
        item = kept[parts[1]]
        if request.method == "GET":
            return 200, {}, json.dumps([item.to_json_dict()]).encode()
        [sent] = [Dataset.from_json(each) for each in json.loads(request.body)]
        if request.method == "PUT":
            return _change(item, sent, owners)
        if url.query != owners.get(item.SOPInstanceUID) or item.ProcedureStepState in FINAL:
            return 409, {"Warning": "299 Pacs: The Transaction UID is not correct."}, b""
        del sent.TransactionUID
        item.update(sent)
        return 200, {}, b""

    with http_server(respond) as server:
        yield server, kept


def _search(kept, query):
    def value(item, name):
        for part in name.split("."):
            item = item[0] if not isinstance(item, Dataset) else item
            item = item.get(part)
        return item

    keys = {k: v for k, v in query.items() if k not in ("limit", "offset", "includefield")}
    found = [
        item.to_json_dict()
        for item in kept.values()
        if all(value(item, name) == wanted for name, wanted in keys.items())
    ]
    start = int(query["offset"])
    found = found[start : start + int(query["limit"])]
    return (200, {}, json.dumps(found).encode()) if found else (204, {}, b"")


def _change(item, sent, owners):
    uid, wanted = item.SOPInstanceUID, sent.ProcedureStepState
    if wanted == "IN PROGRESS":
        if item.ProcedureStepState != "SCHEDULED":
            return 409, {"Warning": "299 Pacs: The UPS is already IN PROGRESS."}, b""
        owners[uid] = sent.TransactionUID
    elif item.ProcedureStepState != "IN PROGRESS" or owners[uid] != sent.TransactionUID:
        return 409, {"Warning": "299 Pacs: The UPS may no longer be updated."}, b""
    elif wanted == "COMPLETED":
        done = item.get("UnifiedProcedureStepPerformedProcedureSequence") or [Dataset()]
        if not all(done[0].get(name) for name in REQUIRED):
            return 409, {"Warning": "299 Pacs: final state requirements not met"}, b""
    item.ProcedureStepState = wanted
    return 200, {}, b""
