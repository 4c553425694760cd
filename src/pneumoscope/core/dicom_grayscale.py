"""Words of monochrome pixel data → grey levels 0..1, air dark (PS3.3 C.11.1, C.11.2, C.7.5.1.1.2).

The whole chain, stored bits → modality LUT → VOI LUT → inversion, is a function of the word alone.
It is therefore computed once for every possible word, in float64, and looked up per pixel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.dicom_image_pixel import ImagePixel, read_int
from pneumoscope.core.dicom_pixels import Words
from pneumoscope.core.errors import InconsistentHeader
from pneumoscope.core.lut import LookupTable, Rescale, Values, VoiFunction, Window, stretch
from pneumoscope.core.types import FloatImage, Reason

Mask = NDArray[np.bool_]


def show_grayscale(
    words: Words, image: ImagePixel, dataset: Dataset
) -> tuple[FloatImage, tuple[Reason, ...]]:
    """Words uint8 or uint16 [H, W] → float32 [H, W] and what had to be assumed.

    Order: stored bits → modality LUT → VOI LUT → inversion. Padding is air (0) and takes no part
    in the range; an image of one single value is 0 throughout.
    Raises InconsistentHeader where words hold bits beyond Bits Stored that nothing explains.
    """
    every = np.arange(2 ** (8 * words.itemsize))
    present = np.zeros(len(every), dtype=np.bool_)
    present[words] = True
    stored, unexplained, overlaid = stored_values(every, image, dataset)
    padding = padding_mask(every, stored, dataset)
    if (present & unexplained & ~padding).any():
        raise InconsistentHeader(f"Pixels exceed the {image.bits_stored} bits stored.")
    notes = [_OVERLAY] if overlaid else []
    if (present & padding).any():
        notes.append(_PADDING)
    with np.errstate(all="ignore"):  # hostile numbers show as non-finite and are refused
        shown = present & ~padding
        display, remarks = _display(stored.astype(np.float64), shown, image, dataset)
    display[padding] = 0
    return display.astype(np.float32)[words], (*notes, *remarks)


_OVERLAY = Reason("overlay_masked", "An overlay in unused bits of the pixels was left out.")
_PADDING = Reason("pixel_padding", "Padding around the image is shown as air.")
_SEVERAL_WINDOWS = Reason(
    "several_windows", "The header offers several windows; the first is used."
)
_LUT_PREFERRED = Reason("voi_lut_preferred", "The VOI LUT is used rather than the window.")
_LUT_BITS = Reason("voi_lut_bits", "The VOI LUT fills fewer bits than stated; those are used.")
_WINDOW_IGNORED = Reason("window_ignored", "The window shows nothing; the full range is used.")
_WINDOW_INVALID = Reason("window_invalid", "The window is invalid; the full range is used.")
_RESCALE_INVALID = Reason("rescale_invalid", "The rescale values are invalid and left out.")
_SHAPE_CONFLICT = Reason(
    "presentation_lut_conflict",
    "Presentation LUT Shape contradicts Photometric Interpretation, which is followed.",
)


def stored_values(
    every: NDArray[np.intp], image: ImagePixel, dataset: Dataset
) -> tuple[NDArray[np.intp], Mask, bool]:
    """Per word: its stored value, whether other bits are set without reason; overlays masked?"""
    bits = (1 << image.bits_stored) - 1
    stored = (every >> image.shift) & bits
    unused = (len(every) - 1) & ~(bits << image.shift)
    overlay = _overlay_bits(dataset) & unused
    unexplained = (every & unused & ~overlay) != 0
    if image.signed:
        negative = stored >> (image.bits_stored - 1) == 1
        stored = np.where(negative, stored - bits - 1, stored)
        # The sign may be repeated in the bits above.
        above = unused & ~((1 << image.shift) - 1) & ~overlay
        unexplained &= ~(negative & (every & unused & ~overlay == above))
    return stored, unexplained, bool(overlay)


def _overlay_bits(dataset: Dataset) -> int:
    """Bits that retired overlays occupy in the pixel words (PS3.5 section 8.1.2)."""
    bits = 0
    for group in range(0x6000, 0x6100, 2):
        if (group, 0x0102) in dataset and (group, 0x3000) not in dataset:
            bits |= 1 << int(dataset[group, 0x0102].value)
    return bits


def padding_mask(every: NDArray[np.intp], stored: NDArray[np.intp], dataset: Dataset) -> Mask:
    """Words between Pixel Padding Value and its Range Limit (PS3.3 C.7.5.1.1.2)."""
    if dataset.get("PixelPaddingValue") in (None, ""):
        return np.zeros(len(every), dtype=np.bool_)
    value = read_int(dataset, "PixelPaddingValue", 0)
    limit = read_int(dataset, "PixelPaddingRangeLimit", value)
    # Some devices state an unsigned value for signed pixels, or pad beyond Bits Stored.
    exact = every == value % len(every)
    return cast(Mask, exact | ((stored >= min(value, limit)) & (stored <= max(value, limit))))


def _display(
    stored: Values, shown: Mask, image: ImagePixel, dataset: Dataset
) -> tuple[Values, list[Reason]]:
    """Stored values → 0..1, for every word; only `shown` ones make the range."""
    if not shown.any():
        return np.zeros_like(stored), []
    modality, notes = read_modality(dataset, image)
    values = modality.apply(stored)
    if not np.isfinite(values).all():
        raise InconsistentHeader("The modality LUT leads beyond all numbers.")
    if np.ptp(values[shown]) == 0:
        return np.zeros_like(values), notes
    voi = read_voi(dataset, highest=float(values.max()))
    display = voi.table.apply_as_voi(values) if voi.table else stretch(values, values[shown])
    notes += voi.notes
    if np.ptp(display[shown]) == 0:
        display = stretch(values, values[shown])
        notes.append(_WINDOW_IGNORED)
    shape = dataset.get("PresentationLUTShape")
    inverted = image.photometric == "MONOCHROME1"
    if shape == ("IDENTITY" if inverted else "INVERSE"):
        notes.append(_SHAPE_CONFLICT)
    return (1 - display if inverted else display), notes


def read_modality(
    dataset: Dataset, image: ImagePixel
) -> tuple[Rescale | LookupTable, list[Reason]]:
    if sequence := dataset.get("ModalityLUTSequence"):
        top = 2 ** (image.bits_stored - image.signed) - 1
        return read_lut(sequence[0], dataset, highest=top), []
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    rescale = Rescale(
        *(
            default if value in (None, "") else float(value)
            for value, default in ((slope, 1.0), (intercept, 0.0))
        )
    )
    if rescale.slope == 0 or not np.isfinite([rescale.slope, rescale.intercept]).all():
        return Rescale(), [_RESCALE_INVALID]
    return rescale, []


@dataclass(frozen=True, slots=True)
class Voi:
    table: LookupTable | Window | None
    notes: list[Reason]


def read_voi(dataset: Dataset, *, highest: float) -> Voi:
    """The first VOI LUT, else the first window (PS3.3 C.11.2.1: any of them may be used)."""
    windows = list(read_windows(dataset))
    if sequence := dataset.get("VOILUTSequence"):
        table = read_lut(sequence[0], dataset, highest=highest)
        notes = [_LUT_PREFERRED] if windows else []
        return Voi(table, [*notes, *([_LUT_BITS] if table.effective_bits != table.bits else [])])
    if not windows:
        return Voi(None, [])
    if not windows[0].is_valid:
        return Voi(None, [_WINDOW_INVALID])
    return Voi(windows[0], [_SEVERAL_WINDOWS] if len(set(windows)) > 1 else [])


def read_windows(dataset: Dataset) -> Iterator[Window]:
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    if function not in get_args(VoiFunction):
        function = "LINEAR"
    centers, widths = (_floats(dataset, key) for key in ("WindowCenter", "WindowWidth"))
    for center, width in zip(centers, widths, strict=False):
        yield Window(center, width, cast(VoiFunction, function))


def _floats(dataset: Dataset, keyword: str) -> list[float]:
    value = dataset.get(keyword)
    if value in (None, ""):
        return []
    return [float(each) for each in (value if isinstance(value, MultiValue) else [value])]


def read_lut(item: Dataset, dataset: Dataset, *, highest: float) -> LookupTable:
    """One item of a Modality or VOI LUT Sequence (PS3.3 C.11.1.1.1, C.11.2.1.1).

    highest: the largest input there can be; a first input beyond it was a negative number.
    Raises InconsistentHeader where LUT Data are shorter than the descriptor states.
    """
    order = "<" if dataset.original_encoding[1] else ">"
    descriptor, data = (_as_bytes(item[key].value, order) for key in ("LUTDescriptor", "LUTData"))
    length, first, bits = (int(each) for each in np.frombuffer(descriptor, f"{order}u2", 3))
    length = length or 2**16
    if first >= 2**15 and first > highest:
        first -= 2**16
    if len(data) >= 2 * length:
        entries = np.frombuffer(data, f"{order}u2", length)
    elif len(data) >= length and bits <= 8:  # two entries to a word
        words = np.frombuffer(data, f"{order}u2", len(data) // 2).astype("<u2")
        entries = np.frombuffer(words.tobytes() + data[len(data) // 2 * 2 :], "u1", length)
    else:
        raise InconsistentHeader("LUT Data are shorter than the LUT Descriptor states.")
    return LookupTable(first, entries.astype(np.float64), bits)


def _as_bytes(value: object, order: str) -> bytes:
    if isinstance(value, bytes):
        return value
    return (np.asarray(value).astype(np.int64) & 0xFFFF).astype(f"{order}u2").tobytes()
