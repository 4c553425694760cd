"""The result as a Comprehensive 3D SR: TID 1500 Measurement Report (PS3.16; IHE AI Results).

One measurement group says what was found in the image, one per region says where. A radiograph
that was refused is undetermined, with its reason and without a number.
"""

from collections.abc import Iterator

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    CodedConcept,
    Comprehensive3DSR,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.types import Prediction, Region
from pneumoscope.interop import codes
from pneumoscope.interop.coded import (
    algorithm_in_report,
    concept,
    device_observer,
    zone_and_side,
)
from pneumoscope.interop.finding import DISCLAIMER, MANUFACTURER, Finding, ascii_text
from pneumoscope.interop.scp import STORAGE_CLASSES

SERIES_NUMBER = 9001
# No standard concept says "what this network calls bacterial": a standard one would read as a
# diagnosis.
_PRIVATE = "99PNEUMOSCOPE"
_BACTERIAL = CodedConcept("BACTERIAL", _PRIVATE, "Model output for class bacterial, no diagnosis")
_VIRAL = CodedConcept("VIRAL", _PRIVATE, "Model output for class viral, no diagnosis")
_PRIVATE_SCHEME = CodingSchemeIdentificationItem(
    designator=_PRIVATE, name="Pneumoscope", responsible_organization=MANUFACTURER
)
_THRESHOLD = CodedConcept("122411", "DCM", "Threshold Value")
_UNDETERMINED = CodedConcept("373068000", "SCT", "Undetermined")  # CID 240
_COMMENT = CodedConcept("121106", "DCM", "Comment")


def make_sr(finding: Finding) -> Dataset:
    """A complete, unverified, preliminary report in the source's study, in a series of its own."""
    report = MeasurementReport(
        observation_context=ObservationContext(device_observer(finding)),
        procedure_reported=concept(codes.CHEST_RADIOGRAPH),
        referenced_images=_library(finding),
        imaging_measurements=[_image_group(finding), *_region_groups(finding)],
    )
    report[0].ContentSequence.extend(_comment(text) for text in _comments(finding))
    document = Comprehensive3DSR(
        evidence=[finding.reference],
        content=report[0],
        is_complete=True,
        is_final=False,
        coding_schemes=[_PRIVATE_SCHEME],
        **finding.placement("SR", SERIES_NUMBER),
        **finding.equipment,
    )
    return finding.finish(document)


def _library(finding: Finding) -> list[Dataset]:
    """The image as TID 1600 describes it: modality and size, with orientation and spacing
    (TID 1603) where the source has both. Of the classes of radiographs; highdicom does not know
    every other one.
    """
    source, entry = finding.source, finding.reference
    orientation, spacing = source.get("PatientOrientation"), source.get("ImagerPixelSpacing")
    entry.Modality = "OT"  # what is stated follows from the SOP class; more would be asked of DX
    if _is_pair(orientation) and _is_pair(spacing):
        entry.Modality = "DX"
        entry.PatientOrientation, entry.ImagerPixelSpacing = orientation, spacing
    return [entry] if source.SOPClassUID in STORAGE_CLASSES else []


def _is_pair(value: object) -> bool:
    return isinstance(value, MultiValue) and len(value) == 2 and all(value)


def _image_group(finding: Finding) -> MeasurementsAndQualitativeEvaluations:
    """TID 1501: pneumonia present, absent or undetermined in the whole image, and the numbers."""
    source = finding.source
    prediction = finding.analysis.prediction
    if prediction is None:
        verdict = _UNDETERMINED
    else:
        verdict = concept(codes.PRESENT if prediction.positive else codes.ABSENT)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(finding.uid("image"), "Pneumonia, whole image"),
        finding_type=concept(codes.PNEUMONIA),
        algorithm_id=algorithm_in_report(finding),
        finding_sites=[FindingSite(concept(codes.LUNG))],
        measurements=list(_measurements(prediction)) if prediction else None,
        qualitative_evaluations=[QualitativeEvaluation(concept(codes.PNEUMONIA), verdict)],
        source_images=[SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)],
    )


def _measurements(prediction: Prediction) -> Iterator[Measurement]:
    """Probabilities 0..1, in UCUM's unity; bacterial and viral only of a positive result."""
    unit = concept(codes.UNITY)
    certainty = concept(codes.CERTAINTY_OF_FINDING)
    yield Measurement(certainty, round(prediction.probability, 6), unit)
    yield Measurement(_THRESHOLD, round(prediction.threshold, 6), unit)
    if prediction.positive and prediction.aetiology:
        yield Measurement(_BACTERIAL, round(prediction.aetiology.bacterial, 6), unit)
        yield Measurement(_VIRAL, round(prediction.aetiology.viral, 6), unit)


def _region_groups(finding: Finding) -> Iterator[PlanarROIMeasurementsAndQualitativeEvaluations]:
    for number, region in enumerate(finding.analysis.regions, start=1):
        yield _region_group(finding, number, region)


def _region_group(
    finding: Finding, number: int, region: Region
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    """TID 1410: a contour in stored pixels, named by lung zone and side."""
    source = finding.source
    zone, side = zone_and_side(region.zone)
    outline = ImageRegion(
        graphic_type=GraphicTypeValues.POLYLINE,
        graphic_data=finding.stored_points(region.contour),
        source_image=SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID),
    )
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            finding.uid("region", str(number)), f"Region {number}, {region.zone}"
        ),
        referenced_region=outline,
        finding_type=concept(codes.PNEUMONIA),
        algorithm_id=algorithm_in_report(finding),
        finding_sites=[FindingSite(zone, laterality=side)],
    )


def _comments(finding: Finding) -> Iterator[str]:
    """What the reader must know beside the numbers."""
    quality = finding.analysis.quality
    yield DISCLAIMER
    yield from (f"Image quality, {quality.verdict}: {reason.message}" for reason in quality.reasons)
    yield f"Model validated on: {finding.population}"
    if finding.is_positive:
        yield "Contours show where the network found evidence; they do not outline disease."


def _comment(text: str) -> TextContentItem:
    return TextContentItem(_COMMENT, ascii_text(text), RelationshipTypeValues.CONTAINS)
