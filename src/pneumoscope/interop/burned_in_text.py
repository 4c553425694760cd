"""Where a picture has writing on it: names, dates and labels that a device or a scanner burned in.

No characters are recognised. Writing is what stands out: strokes thinner than anything anatomical
that differ sharply from their surroundings, are of one grey level, and follow one another on a
line. A single letter, as a side marker is, is no line.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pneumoscope.core.types import Box, FloatImage

_LONGEST = 1536
_CELL = 4  # pixels to a side; strokes are joined to lines on this coarser grid
_CONTRAST = 0.22  # of the whole range, that a stroke stands out of its surroundings
_ONE_LEVEL = 0.12  # how far the grey of most of the writing may lie from its median
_Grid = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Sizes in pixels of a picture whose longer side is `side`."""

    side: int

    @property
    def stroke(self) -> int:
        """Wider than the strokes of any writing worth reading."""
        return max(7, self.side // 80) | 1

    @property
    def heights(self) -> tuple[float, float]:
        return max(5.0, self.side * 0.004), self.side * 0.09


def find_text(pixels: FloatImage) -> tuple[Box, ...]:
    """Boxes x, y, width, height around lines of writing, horizontal or vertical, with a margin.

    pixels: float32 [H, W], 0..1, as displayed. Both bright and dark writing is found.
    """
    height, width = pixels.shape
    factor = min(1.0, _LONGEST / max(height, width))
    image = Image.fromarray(pixels)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = image.resize(size, Image.Resampling.BOX)
    picture = np.asarray(image, dtype=np.float32)
    scale = _Scale(max(picture.shape))
    boxes = [box for each in (picture, 1 - picture) for box in _lines(each, scale)]
    margin = scale.stroke / 2
    return tuple(
        _grown((x / factor, y / factor, w / factor, h / factor), margin / factor, width, height)
        for x, y, w, h in boxes
    )


def _lines(picture: FloatImage, scale: _Scale) -> Iterator[Box]:
    """Lines of bright writing, horizontal ones first."""
    strokes = _top_hat(picture, scale.stroke) > _CONTRAST
    for top, bottom, left, right in _clusters(strokes, 2 * scale.stroke):
        if _is_writing(picture, strokes, (top, bottom, left, right), scale):
            yield (left, top, right - left, bottom - top)
    turned, turned_strokes = picture.T, strokes.T
    for top, bottom, left, right in _clusters(turned_strokes, 2 * scale.stroke):
        if _is_writing(turned, turned_strokes, (top, bottom, left, right), scale):
            yield (top, left, bottom - top, right - left)


def _top_hat(picture: FloatImage, size: int) -> FloatImage:
    """What is brighter than its surroundings and thinner than `size` (Serra 1982)."""
    eroded = _sliding(_sliding(picture, size, 0, np.minimum), size, 1, np.minimum)
    opened = _sliding(_sliding(eroded, size, 0, np.maximum), size, 1, np.maximum)
    difference: FloatImage = picture - opened
    return difference


def _sliding(picture: FloatImage, size: int, axis: int, best: np.ufunc) -> FloatImage:
    """Lowest or highest value in a window of odd `size` along an axis, by doubling."""
    pads = [(size // 2, size // 2) if each == axis else (0, 0) for each in (0, 1)]
    values = np.moveaxis(np.pad(picture, pads, mode="edge"), axis, 0)
    length = 1
    while length * 2 <= size:
        values = best(values[:-length], values[length:])
        length *= 2
    if rest := size - length:
        values = best(values[:-rest], values[rest:])
    return np.moveaxis(values, 0, axis)


def _clusters(strokes: _Grid, gap: int) -> Iterator[tuple[int, int, int, int]]:
    """top, bottom, left, right of groups of strokes no further apart than `gap` along a row."""
    rows, columns = (-(-side // _CELL) for side in strokes.shape)
    padded = np.zeros((rows * _CELL, columns * _CELL), dtype=np.bool_)
    padded[: strokes.shape[0], : strokes.shape[1]] = strokes
    cells = padded.reshape(rows, _CELL, columns, _CELL).any(axis=(1, 3))
    reach = -(-gap // _CELL)
    waiting = set(zip(*(axis.tolist() for axis in np.nonzero(cells)), strict=True))
    while waiting:
        group = [waiting.pop()]
        for row, column in group:  # grows while it is walked
            near = {
                (row + down, column + across)
                for down in (-1, 0, 1)
                for across in range(-reach, reach + 1)
            } & waiting
            waiting -= near
            group.extend(near)
        down, across = zip(*group, strict=True)
        yield (
            min(down) * _CELL,
            min((max(down) + 1) * _CELL, strokes.shape[0]),
            min(across) * _CELL,
            min((max(across) + 1) * _CELL, strokes.shape[1]),
        )


def _is_writing(
    picture: FloatImage, strokes: _Grid, edges: tuple[int, int, int, int], scale: _Scale
) -> bool:
    """A low, wide box in which most rows cross several strokes of one grey level."""
    top, bottom, left, right = edges
    inside = strokes[top:bottom, left:right]
    lowest, highest = scale.heights
    used = inside[inside.any(axis=1)]
    if not lowest <= len(used) <= highest or right - left < 1.5 * len(used):
        return False
    crossings = (np.diff(used.astype(np.int8), axis=1, prepend=0) == 1).sum(axis=1)
    if np.median(crossings) < 3 or not 0.04 <= inside.mean() <= 0.8:
        return False
    levels = picture[top:bottom, left:right][inside]
    return bool((np.abs(levels - np.median(levels)) <= _ONE_LEVEL).mean() >= 0.5)


def _grown(box: Box, margin: float, width: int, height: int) -> Box:
    x, y, w, h = box
    left, top = max(0.0, x - margin), max(0.0, y - margin)
    right, bottom = min(float(width), x + w + margin), min(float(height), y + h + margin)
    return left, top, right - left, bottom - top
