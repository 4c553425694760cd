"""A file's grey levels before any window, for a viewer that windows them itself.

`core.decode` shows a radiograph as its header asks; a reader who changes the window needs the depth
that the file has. Same pixels, same places, as `core.decode`: windowing `pixels` by the window
"received" gives what `decode` gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.decode import MAX_BYTES, decode
from pneumoscope.core.decode_dicom import square_pixels
from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import DicomFile, looks_like_dicom
from pneumoscope.core.dicom_grayscale import (
    Mask,
    padding_mask,
    read_modality,
    read_voi,
    read_windows,
    stored_values,
)
from pneumoscope.core.dicom_image_pixel import ImagePixel, read_image_pixel
from pneumoscope.core.dicom_pixels import Words, read_words
from pneumoscope.core.dicom_spacing import Spacing, read_spacing
from pneumoscope.core.errors import InconsistentHeader
from pneumoscope.core.lut import LookupTable, Rescale, Values, Window
from pneumoscope.core.types import FloatImage, Reason

LevelImage: TypeAlias = NDArray[np.uint16]

_TOP = 2**16 - 1
# The darker part of the middle of the picture, where a chest radiograph has its lungs.
_LUNG_ROWS, _LUNG_COLUMNS, _LUNG_SHARE = (0.15, 0.75), (0.1, 0.9), (1, 80)
_LUNG_SAMPLES = 400


@dataclass(frozen=True, slots=True)
class LevelWindow:
    """Levels up to `low` are black, from `high` white, a straight line between.

    name: "received" (what `core.decode` shows), "full" (all there is), "lung", or "file" for each
    further window of the header. label: the header's own word for it, or "".
    """

    name: Literal["received", "full", "lung", "file"]
    low: float
    high: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class GreyLevels:
    """One radiograph before windowing.

    pixels: uint16 [H, W], air dark, square pixels, as displayed. slope, intercept: a pixel's value
    in the file's own numbers (after the modality LUT) is `slope` × level + `intercept`.
    windows: the first is "received". spacing: None where the file states none.
    """

    pixels: LevelImage
    slope: float
    intercept: float
    windows: tuple[LevelWindow, ...]
    spacing: Spacing | None = None


def read_levels(data: bytes, *, max_bytes: int = MAX_BYTES) -> GreyLevels:
    """Read one JPEG, PNG, TIFF or DICOM image at its own depth.

    Where the header shows the image through a curve (VOI LUT, SIGMOID), levels come after the
    curve, at 16 bits. Raises a DecodeError subclass where `core.decode.decode` does.
    """
    if not looks_like_dicom(data):
        return _unit_levels(decode(data, max_bytes=max_bytes).pixels)
    with parser_warnings.ignored(), parser_faults("The DICOM header"):
        file = DicomFile(data, max_bytes=max_bytes)
        if file.pixel_data is None or read_image_pixel(file.dataset).samples != 1:
            radiograph = decode(data, max_bytes=max_bytes)
            spacing = None if _ignored(radiograph.notes) else read_spacing(file.dataset)
            return replace(_unit_levels(radiograph.pixels), spacing=spacing)
        return _dicom_levels(file)


def _dicom_levels(file: DicomFile) -> GreyLevels:
    image = read_image_pixel(file.dataset)
    words = read_words(file, image)
    with np.errstate(all="ignore"):  # hostile numbers show as non-finite and are refused
        table = _Table(words, image, file.dataset)
    unit, notes = square_pixels(
        (table.levels[words] / np.float32(_TOP)).astype(np.float32), file.dataset
    )
    pixels = np.rint(unit * _TOP).astype(np.uint16)
    spacing = None if _ignored(notes) else read_spacing(file.dataset)
    windows = (*table.windows(), lung_window(pixels))
    return GreyLevels(pixels, table.slope, table.intercept, windows, spacing)


def _ignored(notes: tuple[Reason, ...]) -> bool:
    return any(note.code == "pixel_spacing_ignored" for note in notes)


class _Table:
    """Every possible word's level, and the header's windows in levels."""

    def __init__(self, words: Words, image: ImagePixel, dataset: Dataset) -> None:
        every = np.arange(2 ** (8 * words.itemsize))
        present = np.zeros(len(every), dtype=np.bool_)
        present[words] = True
        stored, _, _ = stored_values(every, image, dataset)
        padding = padding_mask(every, stored, dataset)
        modality, _ = read_modality(dataset, image)
        values = modality.apply(stored.astype(np.float64))
        if not np.isfinite(values).all():
            raise InconsistentHeader("The modality LUT leads beyond all numbers.")
        shown = present & ~padding
        self._dataset = dataset
        self._seen = values[shown] if shown.any() else np.zeros(1)
        self._voi = read_voi(dataset, highest=float(values.max())).table
        self._inverted = image.photometric == "MONOCHROME1"
        step = abs(modality.slope) if isinstance(modality, Rescale) else 1.0
        self._curve = self._is_curve() and self._shows_something()
        if self._curve and self._voi:
            display = self._voi.apply_as_voi(values)
            values, self._seen, step = display, display[shown], 1 / _TOP
        self.slope = -step if self._inverted else step
        self.intercept = float(self._seen.max() if self._inverted else self._seen.min())
        if self._curve:
            self.intercept = 1.0 if self._inverted else 0.0
        self.levels = self._levels(values, padding)

    def _levels(self, values: Values, padding: Mask) -> LevelImage:
        levels = np.clip(np.rint((values - self.intercept) / self.slope), 0, _TOP)
        levels[padding] = 0
        return levels.astype(np.uint16)

    def _is_curve(self) -> bool:
        sigmoid = isinstance(self._voi, Window) and self._voi.function == "SIGMOID"
        return sigmoid or isinstance(self._voi, LookupTable)

    def _shows_something(self) -> bool:
        """A window that makes everything one grey is not used by `core.decode` either."""
        return self._voi is not None and bool(np.ptp(self._voi.apply_as_voi(self._seen)))

    def windows(self) -> Iterator[LevelWindow]:
        """The one received first, then the full range, then the header's others."""
        levels = (self._seen - self.intercept) / self.slope
        full = float(levels.min()), float(max(levels.max(), levels.min() + 1))
        if self._curve:
            yield LevelWindow("received", 0, _TOP)
            yield LevelWindow("full", *full)
            return
        if isinstance(self._voi, Window) and self._shows_something():
            yield LevelWindow("received", *self._range(self._voi))
        else:
            yield LevelWindow("received", *full)
        yield LevelWindow("full", *full)
        labels = _texts(self._dataset.get("WindowCenterWidthExplanation"))
        for index, window in enumerate(read_windows(self._dataset)):
            if index and window.is_valid and window.function != "SIGMOID":
                label = labels[index] if index < len(labels) else ""
                yield LevelWindow("file", *self._range(window), label)

    def _range(self, window: Window) -> tuple[float, float]:
        """PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2 as the two ends of the line."""
        center, width = window.center, window.width
        if window.function == "LINEAR":
            center, width = center - 0.5, max(width - 1, 1e-3)
        ends = ((center + side * width / 2 - self.intercept) / self.slope for side in (-1, 1))
        low, high = sorted(ends)
        return low, high


def lung_window(pixels: LevelImage) -> LevelWindow:
    """A window over the darker levels in the middle of the picture; for looking, not measuring."""
    rows, columns = pixels.shape
    top, bottom = (round(rows * share) for share in _LUNG_ROWS)
    left, right = (round(columns * share) for share in _LUNG_COLUMNS)
    stride = max(1, min(rows, columns) // _LUNG_SAMPLES)
    middle = pixels[top : max(bottom, top + 1) : stride, left : max(right, left + 1) : stride]
    low, high = (float(level) for level in np.percentile(middle, _LUNG_SHARE))
    return LevelWindow("lung", low, max(high, low + 1))


def _unit_levels(unit: FloatImage) -> GreyLevels:
    """Pixels 0..1 → levels: of 8 bits where 8 bits were all there was, else of 16."""
    pixels = np.rint(unit * _TOP).astype(np.uint16)
    top = _TOP
    if not (pixels % 257).any():
        pixels, top = pixels // 257, 255
    full = LevelWindow("full", float(pixels.min()), float(max(pixels.max(), pixels.min() + 1)))
    windows = (LevelWindow("received", 0, top), full, lung_window(pixels))
    return GreyLevels(pixels, 1.0, 0.0, windows)


def _texts(value: object) -> list[str]:
    if value in (None, ""):
        return []
    return [str(each) for each in value] if isinstance(value, MultiValue) else [str(value)]
