"""What every DICOM object made of an analysis states, in whose study, when, and made by whom.

Our own words are ASCII: whatever the source's character set, it has them.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from pneumoscope.core.decode_guard import parser_warnings
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.core.types import Analysis, Point
from pneumoscope.interop.source import (
    REFERENCE,
    TYPE_2,
    patient_and_study_copy,
    source_header,
)
from pneumoscope.interop.uids import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    derived_uid,
)

MANUFACTURER = "Pneumoscope"
DISCLAIMER = RESEARCH_USE_ONLY.replace("–", "-")


class NothingToSay(PneumoscopeError):
    """This kind of object has no content for this analysis."""

    code = "nothing_to_say"
    remedy = "Make the kinds that `interop.objects.kinds_for` names."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One analysis of one DICOM image, ready to be stated.

    image: the source's data set; its header is enough. produced: when the analysis was finished.
    operating_point, population: the model card's, in words.
    identity: what makes this analysis this one; by default the image, the model and our version.
    source: of `image`, what the new objects take over. Raises SourceIncomplete.
    """

    image: Dataset = field(repr=False)
    analysis: Analysis
    produced: datetime
    operating_point: str
    population: str
    identity: str = ""
    source: Dataset = field(init=False, repr=False)

    def __post_init__(self) -> None:
        source = source_header(self.image)
        facts = (source.SOPInstanceUID, self.analysis.model.hash, version("pneumoscope"))
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "identity", self.identity or "/".join(facts))

    @property
    def reference(self) -> Dataset:
        """The image as highdicom wants it: what is referred to, with the patient left empty.

        highdicom refuses real patients' odd values; `finish` copies them instead.
        """
        reference = Dataset()
        for keyword in (*REFERENCE, "Rows", "Columns"):
            setattr(reference, keyword, self.source[keyword].value)
        reference.Modality, reference.SamplesPerPixel = self.source.get("Modality", "OT"), 1
        for keyword in TYPE_2:
            setattr(reference, keyword, "")
        return reference

    @property
    def is_positive(self) -> bool:
        return self.analysis.prediction is not None and self.analysis.prediction.positive

    def uid(self, *parts: str) -> UID:
        """The UID of a part of this finding, always the same."""
        return derived_uid(self.identity, *parts)

    def placement(self, kind: str, series_number: int) -> dict[str, Any]:
        """Series and instance of an object, as highdicom's constructors name them."""
        series, instance = object_uids(self.identity, kind)
        return {
            "series_instance_uid": series,
            "series_number": series_number,
            "sop_instance_uid": instance,
            "instance_number": 1,
            "series_description": f"Pneumoscope {kind} (research use only)",
        }

    @property
    def equipment(self) -> dict[str, Any]:
        """Who made it (PS3.3 C.7.5.1), as highdicom's constructors name it."""
        model = self.analysis.model
        return {
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": ascii_text(f"{model.name} {model.version}"),
            "software_versions": version("pneumoscope"),
            "device_serial_number": model.hash,
        }

    @property
    def headline(self) -> str:
        """The result in one line of ASCII; a refused radiograph has no number."""
        prediction = self.analysis.prediction
        if prediction is None:
            return "Not analysed: " + ascii_text(self.analysis.quality.reasons[0].message)
        verdict = "Likely pneumonia" if prediction.positive else "Below threshold"
        figures = f"probability {prediction.probability:.2f}, threshold {prediction.threshold:.2f}"
        return f"{verdict} ({figures})"

    @property
    def moment(self) -> datetime:
        """`produced` on the source's clock: one offset rules all times of an object
        (PS3.3 C.12.1.1.8)."""
        offset = str(self.source.get("TimezoneOffsetFromUTC") or "")
        if self.produced.tzinfo is None or not offset:
            return self.produced.replace(tzinfo=None, microsecond=0)
        minutes = int(offset[:3]) * 60 + int(offset[0] + offset[3:])
        here = self.produced.astimezone(timezone(timedelta(minutes=minutes)))
        return here.replace(tzinfo=None, microsecond=0)

    def stored_points(self, contour: tuple[Point, ...]) -> NDArray[np.float64]:
        """A contour as displayed → float64 [n + 1, 2], closed, columns and rows of stored pixels.

        Decoding makes pixels square and neither turns nor mirrors. The origin is the outer corner
        of the first pixel in both (PS3.3 C.18.6.1.2, C.10.5.1.2).
        """
        radiograph = self.analysis.radiograph
        limits = np.array([self.source.Columns, self.source.Rows], dtype=np.float64)
        points = np.array([*contour, contour[0]]) * (limits / (radiograph.width, radiograph.height))
        return np.clip(points, 0, limits)

    def finish(self, dataset: Dataset) -> Dataset:
        """Patient and study as in the source, our name in the file meta, one time throughout."""
        with parser_warnings.ignored():
            patient_and_study_copy(self.source, dataset)
        dataset.pop("ContributingEquipmentSequence", None)  # highdicom's own, with the time of day
        dataset.InstanceCreationDate = dataset.InstanceCreationTime = ""
        for keyword in ("InstanceCreation", "Content", "PresentationCreation"):
            if f"{keyword}Date" in dataset:
                setattr(dataset, f"{keyword}Date", self.moment.strftime("%Y%m%d"))
                setattr(dataset, f"{keyword}Time", self.moment.strftime("%H%M%S"))
        dataset.file_meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
        dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
        return dataset


def object_uids(identity: str, kind: str) -> tuple[UID, UID]:
    """Series and SOP Instance UID of the object of a kind, such as "SR", that states a finding."""
    return derived_uid(identity, kind, "series"), derived_uid(identity, kind)


def ascii_text(text: str) -> str:
    """Our own words for a data set in any repertoire; what ASCII lacks becomes a question mark."""
    return text.replace("–", "-").encode("ascii", "replace").decode("ascii")


def new_object(
    finding: Finding, kind: str, sop_class: str, modality: str, series_number: int, digest: str = ""
) -> Dataset:
    """Series, equipment and SOP common of an object that highdicom does not make.

    digest: of the content, for kinds of which a finding may have several.
    """
    placed, equipment = finding.placement(kind, series_number), finding.equipment
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = finding.uid(kind, digest) if digest else placed["sop_instance_uid"]
    dataset.StudyInstanceUID = finding.source.StudyInstanceUID
    dataset.SeriesInstanceUID, dataset.SeriesNumber = placed["series_instance_uid"], series_number
    dataset.SeriesDescription, dataset.Modality = placed["series_description"], modality
    dataset.InstanceNumber = 1
    dataset.ContentDate = dataset.ContentTime = ""  # `finish` sets them
    dataset.Manufacturer = equipment["manufacturer"]
    dataset.ManufacturerModelName = equipment["manufacturer_model_name"]
    dataset.SoftwareVersions = equipment["software_versions"]
    dataset.DeviceSerialNumber = equipment["device_serial_number"]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def image_reference(finding: Finding) -> Dataset:
    """The source image as an item of a Source Image or Source Instance Sequence."""
    item = Dataset()
    item.ReferencedSOPClassUID = finding.source.SOPClassUID
    item.ReferencedSOPInstanceUID = finding.source.SOPInstanceUID
    return item
