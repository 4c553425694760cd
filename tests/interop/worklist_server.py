"""A RIS's worklist: dcmtk's wlmscpfs over files written here."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from peers import free_port, require_peer

AE_TITLE = "RIS"


def scheduled(number: int = 1, **elements: object) -> Dataset:
    """A worklist item; `elements` override by keyword, those of the step included."""
    item, step, code, reason = Dataset(), Dataset(), Dataset(), Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.PatientName, item.PatientID = "Doe^Jane", f"P{number}"
    item.PatientBirthDate, item.PatientSex = "20190304", "F"
    item.AccessionNumber, item.StudyInstanceUID = f"A{number}", f"1.2.826.0.1.{number}"
    item.RequestedProcedureID, item.RequestedProcedureDescription = f"R{number}", "Chest PA"
    item.RequestedProcedurePriority = "HIGH"
    item.ReasonForTheRequestedProcedure = "Cough and fever"
    item.PlacerOrderNumberImagingServiceRequest = f"ORD-{number}"
    item.FillerOrderNumberImagingServiceRequest = f"FIL-{number}"
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "CXR", "L", "Chest X-ray"
    item.RequestedProcedureCodeSequence = [code]
    reason.CodeValue, reason.CodingSchemeDesignator = "49727002", "SCT"
    reason.CodeMeaning = "Cough"
    item.ReasonForRequestedProcedureCodeSequence = [reason]
    item.RequestingPhysician = item.ReferringPhysicianName = ""
    step.ScheduledStationAETitle, step.Modality = "XRAY1", "DX"
    step.ScheduledProcedureStepStartDate = "20261123"
    step.ScheduledProcedureStepStartTime = "094500"
    step.ScheduledPerformingPhysicianName = ""
    step.ScheduledProcedureStepID, step.ScheduledProcedureStepDescription = f"S{number}", "PA"
    for keyword, value in elements.items():
        setattr(step if keyword in step else item, keyword, value)
    item.ScheduledProcedureStepSequence = [step]
    return item


@contextmanager
def worklist_server(folder: Path, *items: Dataset) -> Iterator[int]:
    """Serves the items; yields the port. Answers in the character set of each item."""
    program = require_peer("wlmscpfs", "apt-get install dcmtk")
    shelf = folder / AE_TITLE
    shelf.mkdir()
    (shelf / "lockfile").touch()
    for number, item in enumerate(items):
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.file_meta.MediaStorageSOPClassUID = "1.2.276.0.7230010.3.1.0.1"
        item.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.2.{number}"
        item.save_as(shelf / f"{number}.wl", enforce_file_format=True)
    port = free_port()
    command = [program, "-s", "-dfp", str(folder), "-csk", "-dfr", "-dhl", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("wlmscpfs does not listen")
