"""The regions as masks on the stored pixels: Segmentation (PS3.3 A.51), binary, one segment each.

A radiograph has no frame of reference, so the masks refer to the one image alone.
"""

import numpy as np
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from pneumoscope.core.types import Region
from pneumoscope.interop import codes
from pneumoscope.interop.coded import algorithm_of_segment, concept, zone_and_side
from pneumoscope.interop.finding import Finding, NothingToSay

SERIES_NUMBER = 9004
_ABNORMAL = CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure")  # CID 7150


def make_seg(finding: Finding) -> Dataset:
    """Raises NothingToSay where there are no regions."""
    regions = finding.analysis.regions
    if not regions:
        raise NothingToSay("The result has no regions, so there is nothing to mask.")
    masks = np.stack([_mask(finding, region) for region in regions], axis=-1)
    segmentation = Segmentation(
        source_images=[finding.reference],
        pixel_array=masks[None],
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(finding, number, region) for number, region in enumerate(regions, start=1)
        ],
        content_label="PNEUMONIA",
        content_description="Where the network found evidence; research use only",
        omit_empty_frames=False,
        **finding.placement("SEG", SERIES_NUMBER),
        **finding.equipment,
    )
    # highdicom draws this one at random.
    organization = finding.uid("SEG", "dimensions")
    for item in (
        *segmentation.DimensionOrganizationSequence,
        *segmentation.DimensionIndexSequence,
    ):
        item.DimensionOrganizationUID = organization
    segmentation.PatientOrientation = finding.source.get("PatientOrientation") or None
    return finding.finish(segmentation)


def _mask(finding: Finding, region: Region) -> NDArray[np.uint8]:
    """uint8 [rows, columns]: 1 inside the contour, its border pixels included."""
    image = Image.new("L", (finding.source.Columns, finding.source.Rows))
    # Pillow counts from the centre of the first pixel.
    points = [(x - 0.5, y - 0.5) for x, y in finding.stored_points(region.contour).tolist()]
    ImageDraw.Draw(image).polygon(points, fill=1)
    return np.asarray(image)


def _description(finding: Finding, number: int, region: Region) -> SegmentDescription:
    zone, _ = zone_and_side(region.zone)
    return SegmentDescription(
        segment_number=number,
        segment_label=f"Region {number}, {region.zone}",
        segmented_property_category=_ABNORMAL,
        segmented_property_type=concept(codes.PNEUMONIA),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm_of_segment(finding),
        tracking_uid=finding.uid("region", str(number)),
        tracking_id=f"Region {number}, {region.zone}",
        anatomic_regions=[zone],
    )
