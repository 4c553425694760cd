"""Contours and a label to lay over the image: Grayscale Softcopy Presentation State (PS3.3 A.33.1).

Shown as Pneumoscope showed it: modality LUT, the first VOI LUT or window, then the inversion that
MONOCHROME1 means.
"""

from copy import deepcopy
from fractions import Fraction
from typing import Any

import numpy as np
from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    GrayscaleSoftcopyPresentationState,
    TextJustificationValues,
    TextObject,
)
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.types import Region
from pneumoscope.interop.finding import DISCLAIMER, MANUFACTURER, Finding, NothingToSay

SERIES_NUMBER = 9002
_LABEL_BOX = (0.01, 0.01, 0.6, 0.09)  # left, top, right, bottom of the displayed area


def make_gsps(finding: Finding) -> Dataset:
    """Raises NothingToSay where there are no regions to draw."""
    if not finding.analysis.regions:
        raise NothingToSay("The result has no regions, so there is nothing to draw.")
    layer = GraphicLayer("PNEUMOSCOPE", order=1, description="Regions and label, research use only")
    annotation = GraphicAnnotation(
        referenced_images=[finding.reference],
        graphic_layer=layer,
        graphic_objects=[
            _contour(finding, number, region)
            for number, region in enumerate(finding.analysis.regions, start=1)
        ],
        text_objects=[
            _label(finding),
            *(_zone(finding, region) for region in finding.analysis.regions),
        ],
    )
    state = GrayscaleSoftcopyPresentationState(
        referenced_images=[finding.reference],
        content_label="PNEUMONIA",
        content_description=finding.headline[:64],
        content_creator_name=MANUFACTURER + "^",
        graphic_annotations=[annotation],
        graphic_layers=[layer],
        **finding.placement("GSPS", SERIES_NUMBER),
        **finding.equipment,
    )
    state.BodyPartExamined = "CHEST"
    _show_as_analysed(state, finding)
    return finding.finish(state)


def _contour(finding: Finding, number: int, region: Region) -> GraphicObject:
    return GraphicObject(
        GraphicTypeValues.POLYLINE,
        finding.stored_points(region.contour),
        AnnotationUnitsValues.PIXEL,
        tracking_id=f"Region {number}, {region.zone}",
        tracking_uid=finding.uid("region", str(number)),
    )


def _label(finding: Finding) -> TextObject:
    return TextObject(
        f"{MANUFACTURER}: {finding.headline}\r\n{DISCLAIMER}",
        AnnotationUnitsValues.DISPLAY,
        bounding_box=_LABEL_BOX,
        text_justification=TextJustificationValues.LEFT,
    )


def _zone(finding: Finding, region: Region) -> TextObject:
    """The zone's name beside the topmost point of its contour."""
    points = finding.stored_points(region.contour)
    column, row = points[np.argmin(points[:, 1])].tolist()
    return TextObject(
        region.zone,
        AnnotationUnitsValues.PIXEL,
        anchor_point=(column, row),
        anchor_point_visible=False,
    )


def _show_as_analysed(state: Dataset, finding: Finding) -> None:
    """The greyscale chain of `core.decode`, and its square pixels."""
    source = finding.source
    if "ModalityLUTSequence" in source:
        state.ModalityLUTSequence = deepcopy(source.ModalityLUTSequence)
    elif {"RescaleSlope", "RescaleIntercept"} <= set(source.dir("Rescale")):
        state.RescaleSlope, state.RescaleIntercept = source.RescaleSlope, source.RescaleIntercept
        state.RescaleType = source.get("RescaleType") or "US"
    if voi := _voi(source):
        state.SoftcopyVOILUTSequence = [voi]
    inverted = source.get("PhotometricInterpretation") == "MONOCHROME1"
    state.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    area = state.DisplayedAreaSelectionSequence[0]
    del area.PixelOriginInterpretation  # of whole slides
    area.PresentationPixelAspectRatio = _pixel_aspect(finding)


def _voi(source: Dataset) -> Dataset | None:
    """The first VOI LUT, else the first window (PS3.3 C.11.8)."""
    item = Dataset()
    if source.get("VOILUTSequence"):
        item.VOILUTSequence = [deepcopy(source.VOILUTSequence[0])]
        return item
    center, width = (_first(source.get(key)) for key in ("WindowCenter", "WindowWidth"))
    if center is None or width is None or float(width) <= 0:
        return None
    item.WindowCenter, item.WindowWidth = center, width
    if source.get("VOILUTFunction"):
        item.VOILUTFunction = source.VOILUTFunction
    return item


def _first(value: Any) -> Any:
    """The first of several values; None where there is none."""
    if isinstance(value, MultiValue):
        return value[0] if value else None
    return None if value == "" else value


def _pixel_aspect(finding: Finding) -> list[int]:
    """Height of a stored pixel to its width, in small whole numbers."""
    radiograph, source = finding.analysis.radiograph, finding.source
    height, width = radiograph.height / source.Rows, radiograph.width / source.Columns
    ratio = Fraction(height / width).limit_denominator(1000)
    return [ratio.numerator, ratio.denominator]
