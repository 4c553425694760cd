"""A flag on positive images: Key Object Selection (PS3.3 A.35.4, TID 2010)."""

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from pneumoscope.interop.coded import device_observer
from pneumoscope.interop.finding import DISCLAIMER, MANUFACTURER, Finding, NothingToSay

SERIES_NUMBER = 9005
_OF_INTEREST = CodedConcept("113000", "DCM", "Of Interest")  # CID 7010


def make_key_object(finding: Finding) -> Dataset:
    """Raises NothingToSay unless the result is positive."""
    if not finding.is_positive:
        raise NothingToSay("Only images with a positive result are marked.")
    selection = KeyObjectSelection(
        document_title=_OF_INTEREST,
        referenced_objects=[finding.reference],
        observer_device_context=device_observer(finding),
        description=f"{finding.headline}. {DISCLAIMER}",
    )
    document = KeyObjectSelectionDocument(
        evidence=[finding.reference],
        content=selection,
        manufacturer=MANUFACTURER,
        **finding.placement("KO", SERIES_NUMBER),
    )
    return finding.finish(document)
