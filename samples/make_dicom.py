"""Make the two DICOM samples from two of the JPEG samples: `python samples/make_dicom.py`.

Each is a Digital X-Ray Image (PS3.3 A.26), for presentation, as a detector would send it: 12 bits,
MONOCHROME1 (high values dark), a window that must be applied before the inversion, JPEG 2000
Lossless. Patients, dates and identifiers are made up. Running this again gives the same bytes.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

FOLDER = Path(__file__).parent
SOURCES = {
    "dicom_normal.dcm": ("normal_NORMAL2-IM-1430-0001.jpg", "Sample^Normal", "SAMPLE-1"),
    "dicom_pneumonia.dcm": (
        "pneumonia_person1950_bacteria_4881.jpg",
        "Sample^Pneumonia",
        "SAMPLE-2",
    ),
}
LONG_SIDE = 768
# Where the picture lies within the 12 bits; a reader that ignores the window sees it too flat.
LOWEST, HIGHEST = 300, 3900


def dicom_sample(source: Path, patient_name: str, patient_id: str) -> Dataset:
    image = Image.open(source)
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(image, dtype=np.float64) / 255
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _patient_and_study(dataset, patient_name, patient_id)
    _equipment_and_view(dataset)
    _pixels(dataset, grey)
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    return dataset


def _patient_and_study(dataset: Dataset, patient_name: str, patient_id: str) -> None:
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[patient_id, "instance"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[patient_id, "series"])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[patient_id, "study"])
    dataset.PatientName, dataset.PatientID = patient_name, patient_id
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "20160115", "O", "004Y"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20200301"
    dataset.ContentDate = "20200301"
    dataset.StudyTime = dataset.ContentTime = dataset.AcquisitionTime = "120000"
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 1, 1
    dataset.AccessionNumber = patient_id
    dataset.ReferringPhysicianName = ""


def _equipment_and_view(dataset: Dataset) -> None:
    dataset.Modality, dataset.PresentationIntentType = "DX", "FOR PRESENTATION"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.Manufacturer = "Pneumoscope samples"
    dataset.BodyPartExamined, dataset.ViewPosition = "CHEST", "AP"
    dataset.ImageLaterality, dataset.PatientOrientation = "U", ["L", "F"]
    dataset.PositionerType = "NONE"
    dataset.DetectorType, dataset.ImagerPixelSpacing = "DIRECT", [0.3, 0.3]
    dataset.AnatomicRegionSequence = [_code("43799004", "SCT", "Thorax")]
    dataset.ViewCodeSequence = [_code("399348003", "SCT", "antero-posterior")]
    dataset.ViewCodeSequence[0].ViewModifierCodeSequence = []
    dataset.AcquisitionContextSequence = []


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _pixels(dataset: Dataset, grey: np.ndarray) -> None:
    """grey: float [H, W], 0..1, air dark."""
    stored = np.rint(HIGHEST - grey * (HIGHEST - LOWEST)).astype(np.uint16)
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME1"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape = "INVERSE"
    # PS3.3 C.11.2.1.2.1: LOWEST becomes 0 and HIGHEST the greatest value.
    dataset.WindowCenter = (LOWEST + HIGHEST) / 2 + 0.5
    dataset.WindowWidth = HIGHEST - LOWEST + 1
    dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", 10
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.BurnedInAnnotation = "NO"
    dataset.PixelData = stored.tobytes()


if __name__ == "__main__":
    for name, (source, patient_name, patient_id) in SOURCES.items():
        sample = dicom_sample(FOLDER / source, patient_name, patient_id)
        sample.save_as(FOLDER / name, enforce_file_format=True)
