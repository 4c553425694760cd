"""Does the map point where the radiologist's box is?

Pointing game (Zhang et al. 2018): a hit is a heatmap whose brightest point lies inside any box.
mIoU: mean over images of intersection by union of the shown regions and the boxes. Both are taken
on true positives, as in Saporta et al. 2022: a negative result shows no regions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pneumoscope.core.explain import REFINEMENT, enlarge, regions_from_heatmap
from pneumoscope.core.metrics import BoolArray, ScoreArray, Values
from pneumoscope.core.report import Figure, Report
from pneumoscope.core.statistics import bootstrap_weights
from pneumoscope.core.types import Box, Point
from pneumoscope.lab.evaluation.readings import Reading, Readings
from pneumoscope.lab.evaluation.rounding import figure, rounded

TOLERANCE = 15.0
LEVELS = tuple(round(level, 2) for level in np.arange(0.10, 0.91, 0.05).tolist())
_GRID = 128


@dataclass(frozen=True, slots=True)
class _Boxed:
    """A true positive and its boxes, in pixels of its file."""

    reading: Reading
    boxes: Sequence[Box]


def localisation(
    readings: Readings, boxes: Mapping[str, Sequence[Box]], *, threshold: float, level: float
) -> Report | None:
    """Hit rate and mIoU, also by confidence. level: of the regions, from the bundle's card.

    None when no boxed image is a true positive.
    """
    found = [r for r in readings.read if r.case.path.name in boxes]
    chosen = [_Boxed(r, boxes[r.case.path.name]) for r in found if r.probability >= threshold]
    if not chosen:
        return None
    patients = np.array([boxed.reading.case.patient for boxed in chosen])
    weights = bootstrap_weights(np.ones(len(chosen), dtype=np.bool_), patients)
    distance = np.array([_distance(boxed) for boxed in chosen])
    overlap = {value: np.array([_iou(boxed, value) for boxed in chosen]) for value in LEVELS}
    at_card_level = np.array([_iou(boxed, level) for boxed in chosen])
    return {
        "boxed_images": len(found),
        "true_positives": len(chosen),
        "pointing": _mean_figure(distance <= 0, weights),
        "pointing_within_15_px": _mean_figure(distance <= TOLERANCE, weights),
        # A point thrown at random hits as often as the boxes cover the image.
        "pointing_by_chance": rounded(float(np.mean([_box_mask(b).mean() for b in chosen]))),
        "level": level,
        "miou": _mean_figure(at_card_level, weights),
        "miou_at_chosen_level": _chosen_on_the_other_half(overlap, patients),
        "by_confidence": _by_confidence(chosen, distance, at_card_level),
    }


def _mean(_labels: BoolArray, values: ScoreArray, weights: Values) -> Values:
    mean: Values = weights @ values / weights.sum(axis=1)
    return mean


def _mean_figure(values: BoolArray | Values, weights: Values) -> Figure:
    everyone = np.ones(len(values), dtype=np.bool_)
    return figure(_mean, everyone, values.astype(np.float64), weights)


def _distance(boxed: _Boxed) -> float:
    """Pixels of the file from the heatmap's peak to the nearest box; 0 inside."""
    heatmap, (width, height) = boxed.reading.heatmap, boxed.reading.size
    rows, columns = (side * REFINEMENT for side in heatmap.shape)
    row, column = divmod(int(enlarge(heatmap, columns, rows).argmax()), columns)
    x, y = (column + 0.5) * width / columns, (row + 0.5) * height / rows
    return min(
        float(np.hypot(max(left - x, 0, x - left - across), max(top - y, 0, y - top - down)))
        for left, top, across, down in boxed.boxes
    )


def _iou(boxed: _Boxed, level: float) -> float:
    regions = regions_from_heatmap(boxed.reading.heatmap, _GRID, _GRID, level)
    shown = _union(region.contour for region in regions)
    marked = _box_mask(boxed)
    return float((shown & marked).sum() / max(1, (shown | marked).sum()))


def _box_mask(boxed: _Boxed) -> BoolArray:
    width, height = boxed.reading.size
    corners = []
    for x, y, across, down in boxed.boxes:
        left, right = (_GRID * each / width for each in (x, x + across))
        top, bottom = (_GRID * each / height for each in (y, y + down))
        corners.append(((left, top), (right, top), (right, bottom), (left, bottom)))
    return _union(corners)


def _union(polygons: Iterable[Sequence[Point]]) -> BoolArray:
    """bool [128, 128], true inside any polygon given in pixels of that grid."""
    image = Image.new("1", (_GRID, _GRID))
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        draw.polygon([(x - 0.5, y - 0.5) for x, y in polygon], fill=1)
    return np.asarray(image, dtype=np.bool_)


def _chosen_on_the_other_half(
    overlap: Mapping[float, Values], patients: NDArray[np.str_]
) -> Report:
    """The level that is best on one half of the patients, measured on the other, both ways."""
    number = np.unique(patients, return_inverse=True)[1]
    levels, values = [], np.zeros(len(patients))
    for half in (0, 1):
        inside = number % 2 == half
        best = max(overlap, key=lambda level: overlap[level][~inside].sum())
        levels.append(best)
        values[inside] = overlap[best][inside]
    weights = bootstrap_weights(np.ones(len(patients), dtype=np.bool_), patients)
    return {"levels": levels, "miou": _mean_figure(values, weights)}


def _by_confidence(chosen: Sequence[_Boxed], distance: Values, overlap: Values) -> list[Report]:
    """Thirds of the true positives by their probability, the least sure first."""
    order = np.argsort([boxed.reading.probability for boxed in chosen], kind="stable")
    return [
        {
            "probability": [
                rounded(chosen[part[0]].reading.probability),
                rounded(chosen[part[-1]].reading.probability),
            ],
            "images": len(part),
            "pointing": rounded(float((distance[part] <= 0).mean())),
            "miou": rounded(float(overlap[part].mean())),
        }
        for part in np.array_split(order, 3)
        if len(part)
    ]
