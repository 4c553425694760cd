"""Where the result rests: class-activation map → heatmap → regions named by lung zone.

The map is the second output of the same forward pass (Zhou et al. 2016): no gradients, no torch.
"""

from collections.abc import Iterator
from typing import TypeAlias, cast

import contourpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pneumoscope.core.types import FloatImage, Point, Region

_OuterOffset: TypeAlias = tuple[list[NDArray[np.float64]], list[NDArray[np.uint32]]]
ZONES = (
    "right upper zone",
    "right middle zone",
    "right lower zone",
    "left upper zone",
    "left middle zone",
    "left lower zone",
)
# Heights that divide the lungs in thirds on a frontal radiograph, as fractions of the image:
# apices near 0.10 and diaphragm near 0.80 in the training images. An approximation that needs no
# segmentation; the contour is exact, the name is for words.
ZONE_HEIGHTS = (0.34, 0.57)
# Odd, so that the middle of every cell of the map is a point of the finer grid.
REFINEMENT = 15
MINIMAL_AREA = 0.004
MAXIMAL_REGIONS = 6


def heatmap_from_activation(
    activation: FloatImage, classes: tuple[str, ...], probability: float
) -> FloatImage:
    """Where the evidence for pneumonia lies, as a share of the result.

    activation: float32 [classes, h, w], whose mean over h and w is the logits. probability:
    P(pneumonia) of the whole radiograph. Returns float32 [h, w], 0..probability: the log-odds of
    pneumonia against normal that each place contributes, where they speak for it, divided by the
    strongest and multiplied by the probability. So the brightest place of a radiograph is as bright
    as the result is sure, and a normal one stays dark.
    """
    normal = classes.index("normal")
    others = np.delete(activation, normal, axis=0)
    evidence = np.maximum(np.logaddexp.reduce(others, axis=0) - activation[normal], 0)
    strongest = evidence.max()
    if strongest <= 0:
        return np.zeros_like(evidence)
    heatmap: FloatImage = evidence * np.float32(probability / strongest)
    return heatmap


def enlarge(heatmap: FloatImage, width: int, height: int) -> FloatImage:
    """Bilinear enlargement, float32 [height, width]; never leaves the range of its input."""
    image = Image.fromarray(heatmap)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)


def regions_from_heatmap(
    heatmap: FloatImage, width: int, height: int, level: float
) -> tuple[Region, ...]:
    """Connected areas of at least `level` times the heatmap's maximum, strongest first.

    heatmap: float32 [h, w], 0..1. width, height: the radiograph's, in pixels. An area that reaches
    over the middle is two, so that what is named by a lung lies in that lung. Areas under 0.4 % of
    the image are left out; at most six are returned. A dark heatmap has no regions.
    """
    if not heatmap.any():
        return ()
    level = level * float(heatmap.max())
    rows, columns = (side * REFINEMENT for side in heatmap.shape)
    grid = enlarge(heatmap, columns, rows)
    scale = np.array([width / columns, height / rows])
    regions = []
    for outline in (outline for half in _halves(grid) for outline in _outlines(half, level)):
        inside = np.where(_polygon_mask(outline, grid.shape), grid, -1.0)
        if (inside >= 0).mean() < MINIMAL_AREA:
            continue
        row, column = np.unravel_index(int(inside.argmax()), inside.shape)
        peak = (float((column + 0.5) * scale[0]), float((row + 0.5) * scale[1]))
        contour = np.clip(outline * scale, 0, (width, height))
        left, top = contour.min(axis=0).tolist()
        right, bottom = contour.max(axis=0).tolist()
        regions.append(
            Region(
                zone=zone_name(peak[0] / width, peak[1] / height),
                score=float(inside.max()),
                box=(left, top, right - left, bottom - top),
                peak=peak,
                contour=tuple((float(x), float(y)) for x, y in contour),
            )
        )
    regions.sort(key=lambda region: (-region.score, -region.box[2] * region.box[3]))
    return tuple(regions[:MAXIMAL_REGIONS])


def _halves(grid: FloatImage) -> Iterator[FloatImage]:
    """The patient's right and left side, each with nothing in the other."""
    middle = grid.shape[1] // 2
    for other in (np.s_[:, middle:], np.s_[:, :middle]):
        half = grid.copy()
        half[other] = 0
        yield half


def _outlines(grid: FloatImage, level: float) -> Iterator[NDArray[np.float64]]:
    """Outer boundaries of {grid >= level} in grid pixels, float64 [n, 2] of x, y, not repeating
    the first point. The border's values are drawn out to the edge and drop to zero just beyond
    it, which closes areas that touch it."""
    rows, columns = grid.shape
    padded = np.pad(np.pad(grid, 1, mode="edge"), 1)
    generator = contourpy.contour_generator(
        _positions(columns), _positions(rows), padded, fill_type=contourpy.FillType.OuterOffset
    )
    polygons, offsets = cast("_OuterOffset", generator.filled(level, 2.0))
    for points, rings in zip(polygons, offsets, strict=True):
        yield points[rings[0] : rings[1] - 1]


def _positions(length: int) -> NDArray[np.float64]:
    """Where the padded samples lie along an axis of `length` grid pixels."""
    return np.array([-1e-6, 0.0, *(np.arange(length) + 0.5), length, length + 1e-6])


def _polygon_mask(outline: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """bool [rows, columns], true inside the outline."""
    rows, columns = shape
    image = Image.new("1", (columns, rows))
    points: list[Point] = [(float(x) - 0.5, float(y) - 0.5) for x, y in outline]
    if len(points) >= 2:
        ImageDraw.Draw(image).polygon(points, fill=1)
    return np.asarray(image, dtype=np.bool_)


def zone_name(x: float, y: float) -> str:
    """The lung zone of a point given as fractions of width and height.

    On a frontal radiograph the patient's right is on the left of the image. Upper, middle and lower
    thirds of the lungs are divided at fixed heights (`ZONE_HEIGHTS`).
    """
    third = sum(y >= limit for limit in ZONE_HEIGHTS)
    return ZONES[third + (3 if x >= 0.5 else 0)]
