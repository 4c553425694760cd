"""Which DICOM objects an analysis is worth, and who makes them."""

from collections.abc import Callable

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from pneumoscope.core.types import Analysis
from pneumoscope.interop.finding import Finding, object_uids
from pneumoscope.interop.gsps import make_gsps
from pneumoscope.interop.key_object import make_key_object
from pneumoscope.interop.secondary_capture import make_secondary_capture
from pneumoscope.interop.seg import make_seg
from pneumoscope.interop.sr import make_sr

OBJECTS: dict[str, Callable[[Finding], Dataset]] = {
    "sr": make_sr,
    "gsps": make_gsps,
    "sc": make_secondary_capture,
    "seg": make_seg,
    "ko": make_key_object,
}
SOP_CLASSES: dict[str, UID] = {
    "sr": Comprehensive3DSRStorage,
    "gsps": GrayscaleSoftcopyPresentationStateStorage,
    "sc": SecondaryCaptureImageStorage,
    "seg": SegmentationStorage,
    "ko": KeyObjectSelectionDocumentStorage,
}


def uids_of(kind: str, identity: str) -> tuple[UID, UID, UID]:
    """Series Instance, SOP Class and SOP Instance UID of an object, without making it.

    identity: `Finding.identity`.
    """
    series, instance = object_uids(identity, kind.upper())
    return series, SOP_CLASSES[kind], instance


def kinds_for(analysis: Analysis) -> tuple[str, ...]:
    """A refused radiograph: the report that says why. A negative one: that and the picture.
    A positive one: everything, as far as there are regions to draw."""
    if analysis.prediction is None:
        return ("sr",)
    if not analysis.prediction.positive:
        return ("sr", "sc")
    return ("sr", "gsps", "sc", "seg", "ko") if analysis.regions else ("sr", "sc", "ko")
