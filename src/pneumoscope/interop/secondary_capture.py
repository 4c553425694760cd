"""The overlay as a picture any viewer shows: Secondary Capture Image (PS3.3 A.8.1), RGB."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from pneumoscope.core.render import render_overlay
from pneumoscope.interop.finding import (
    DISCLAIMER,
    Finding,
    NothingToSay,
    image_reference,
    new_object,
)

SERIES_NUMBER = 9003
LONGER_SIDE = 1280


def make_secondary_capture(finding: Finding) -> Dataset:
    """Radiograph, heatmap, contours and disclaimer; raises NothingToSay of a refused radiograph.

    Modality is OT, so that routing rules for radiographs do not send it round again.
    """
    if finding.analysis.prediction is None:
        raise NothingToSay("The radiograph was refused, so there is no result to show.")
    picture = np.asarray(render_overlay(finding.analysis, max_side=LONGER_SIDE))
    capture = new_object(finding, "SC", SecondaryCaptureImageStorage, "OT", SERIES_NUMBER)
    capture.ConversionType = "WSD"
    capture.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    capture.BodyPartExamined = "CHEST"
    capture.PatientOrientation = finding.source.get("PatientOrientation") or None
    capture.SourceImageSequence = [image_reference(finding)]
    capture.DerivationDescription = f"{finding.headline}. {DISCLAIMER}"
    _state_inherited(capture, finding.source)
    _add_pixels(capture, picture)
    return finding.finish(capture)


def _state_inherited(capture: Dataset, source: Dataset) -> None:
    """Our drawing names nobody; what the source has burned in is still there (PS3.3 C.7.6.1.1).

    Lossy compression, once suffered, stays stated (C.7.6.1.1.5).
    """
    if source.get("BurnedInAnnotation"):
        capture.BurnedInAnnotation = source.BurnedInAnnotation
    if source.get("LossyImageCompression") == "01":
        for keyword in source.dir("LossyImageCompression"):
            capture[keyword] = source[keyword]


def _add_pixels(capture: Dataset, picture: np.ndarray) -> None:
    """picture: uint8 [rows, columns, 3]."""
    capture.Rows, capture.Columns, capture.SamplesPerPixel = picture.shape
    capture.PhotometricInterpretation, capture.PlanarConfiguration = "RGB", 0
    capture.BitsAllocated, capture.BitsStored, capture.HighBit = 8, 8, 7
    capture.PixelRepresentation = 0
    capture.PixelData = picture.tobytes() + b"\0" * (picture.size % 2)
    capture["PixelData"].VR = "OB"
