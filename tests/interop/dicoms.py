"""Small DICOM instances made here, and a provider to send them to."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from pneumoscope.interop.scp import Listening, Services, provider
from pneumoscope.interop.storing import Instance, Peer

ROOT = "1.2.826.0.1.3680043.10.1561"


def dicom_make(number: int = 1, *, side: int = 16, **elements: object) -> Dataset:
    """A DX image; `number` makes its UIDs, `elements` override by keyword."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = f"{ROOT}.{number}.1"
    dataset.StudyInstanceUID = f"{ROOT}.{number}.2"
    dataset.SeriesInstanceUID = f"{ROOT}.{number}.3"
    dataset.PatientID, dataset.PatientName = f"P{number}", "Doe^Jane"
    dataset.PatientBirthDate, dataset.PatientSex = "20200101", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260102", "101112", "1"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = f"A{number}", ""
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.SeriesNumber, dataset.InstanceNumber = 1, number
    dataset.Rows = dataset.Columns = side
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation, dataset.SamplesPerPixel = 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    pixels = np.random.default_rng(number).integers(0, 4096, (side, side), np.uint16)
    dataset.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def file_of(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@dataclass
class Store:
    """Keeps in memory what comes; `refuse` is raised instead, where it is set."""

    instances: list[Instance] = field(default_factory=list)
    known: set[str] = field(default_factory=lambda: {"SENDER"})
    refuse: Exception | None = None
    report_to: tuple[str, int] | None = None

    def admits(self, peer: Peer) -> bool:
        return peer.calling_ae_title in self.known

    def keep(self, instance: Instance) -> None:
        if self.refuse:
            raise self.refuse
        self.instances.append(instance)

    def holds(self, _: Peer):
        return lambda _, uid: uid in {each.sop_instance_uid for each in self.instances}

    @contextmanager
    def listening(self, **options: object) -> Iterator[int]:
        listening = Listening(**{"ae_title": "SCOPE", "port": 0, **options})
        services = Services(self.admits, self.keep, self.holds, lambda _: self.report_to)
        with provider(listening, services) as port:
            yield port


def raw_connection(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
