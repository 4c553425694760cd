"""Levels before windowing: the window "received" over them is what `decode` shows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.images import RAMP_12_BIT, encode, lut_item, make_dicom, radiograph_8_bit
from pneumoscope.core.decode import decode
from pneumoscope.core.errors import EmptyFile, TruncatedFile
from pneumoscope.core.levels import GreyLevels, LevelWindow, read_levels

TIGHT = 1e-6


def windowed(levels: GreyLevels, window: LevelWindow) -> NDArray[np.float64]:
    return np.clip((levels.pixels - window.low) / (window.high - window.low), 0, 1)


def read_as_decode_shows(words: NDArray[Any], **attributes: Any) -> GreyLevels:
    data = make_dicom(words, **attributes)
    levels = read_levels(data)
    shown = decode(data).pixels
    assert levels.pixels.dtype == np.uint16
    assert levels.pixels.shape == shown.shape
    received = levels.windows[0]
    assert received.name == "received"
    # Resampled pixels fall between two levels; all others are levels.
    resampled = shown.shape != words.shape[:2]
    tolerance = 0.5 / (received.high - received.low) if resampled else 2e-5
    np.testing.assert_allclose(windowed(levels, received), shown, atol=tolerance + TIGHT)
    return levels


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_every_value_keeps_a_level_of_its_own(photometric: str) -> None:
    levels = read_as_decode_shows(
        RAMP_12_BIT,
        BitsStored=12,
        PhotometricInterpretation=photometric,
        RescaleSlope=2,
        RescaleIntercept=-1000,
        WindowCenter=[1000, 3000],
        WindowWidth=[800, 100],
        WindowCenterWidthExplanation=["NORMAL", "HARD"],
    )
    assert len(np.unique(levels.pixels)) == 4096
    values = levels.slope * levels.pixels.astype(float) + levels.intercept
    np.testing.assert_allclose(values, 2.0 * RAMP_12_BIT - 1000)
    names = [(window.name, window.label) for window in levels.windows]
    assert names == [("received", ""), ("full", ""), ("file", "HARD"), ("lung", "")]
    full = levels.windows[1]
    assert (full.low, full.high) == (0, 4095)


@given(
    photometric=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    slope=st.sampled_from([-3.0, -1.0, 0.25, 1.0, 7.5]),
    intercept=st.integers(-2000, 2000),
    center=st.integers(-3000, 5000),
    width=st.integers(1, 6000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    dtype=st.sampled_from(["u2", "i2"]),
)
def test_the_window_received_is_what_decode_shows(
    photometric: str,
    slope: float,
    intercept: int,
    center: int,
    width: int,
    function: str,
    dtype: str,
) -> None:
    words = (np.arange(600).reshape(20, 30) * 5 - (700 if dtype == "i2" else 0)).astype(dtype)
    read_as_decode_shows(
        words,
        PhotometricInterpretation=photometric,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        WindowCenter=center,
        WindowWidth=width,
        VOILUTFunction=function,
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_curve_comes_before_the_levels(photometric: str) -> None:
    table = np.rint(4095 * np.linspace(0, 1, 4096) ** 2).astype(np.uint16)
    levels = read_as_decode_shows(
        RAMP_12_BIT,
        BitsStored=12,
        PhotometricInterpretation=photometric,
        VOILUTSequence=[lut_item(table, first=0, bits=12)],
    )
    assert levels.windows[0] == LevelWindow("received", 0, 65535)


def test_padding_is_air_and_out_of_the_range() -> None:
    words = RAMP_12_BIT + 100
    words[:4] = 65000
    levels = read_as_decode_shows(
        words, PixelPaddingValue=65000, PhotometricInterpretation="MONOCHROME1"
    )
    assert (levels.pixels[:4] == 0).all()
    assert levels.windows[1].high == np.ptp(words[4:])


@pytest.mark.parametrize("words", [np.full((6, 8), 7, np.uint16), np.zeros((6, 8), np.int8)])
def test_one_single_value_is_black(words: NDArray[Any]) -> None:
    assert not read_as_decode_shows(words).pixels.any()


def test_nothing_but_padding() -> None:
    assert not read_as_decode_shows(np.full((4, 4), 9, np.uint16), PixelPaddingValue=9).pixels.any()


def test_raster_files_keep_their_depth() -> None:
    eight = radiograph_8_bit()
    levels = read_levels(encode(eight, "PNG"))
    np.testing.assert_array_equal(levels.pixels, eight)
    assert levels.windows[0] == LevelWindow("received", 0, 255)
    sixteen = RAMP_12_BIT * 16 + 3
    levels = read_levels(encode(sixteen, "PNG"))
    np.testing.assert_array_equal(levels.pixels, sixteen)
    assert levels.windows[0].high == 65535
    assert levels.spacing is None


def test_grey_in_colour_and_its_spacing() -> None:
    grey = radiograph_8_bit()
    colour = np.stack([grey] * 3, axis=-1)
    levels = read_levels(make_dicom(colour, PixelSpacing=[0.2, 0.2]))
    np.testing.assert_array_equal(levels.pixels, grey)
    assert levels.spacing
    assert levels.spacing.mm == 0.2


@pytest.mark.parametrize(
    ("attributes", "mm", "plane"),
    [
        ({"ImagerPixelSpacing": [0.143, 0.143]}, 0.143, "detector"),
        ({"PixelSpacing": [0.2, 0.2]}, 0.2, "detector"),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, 0.2, "detector"),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, 0.18, "calibrated"),
        (
            {"PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            0.2,
            "calibrated",
        ),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, 0.1, "detector"),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, 0.1, "detector"),
    ],
)
def test_spacing(attributes: dict[str, Any], mm: float, plane: str) -> None:
    spacing = read_as_decode_shows(radiograph_8_bit(), **attributes).spacing
    assert spacing
    assert (spacing.mm, spacing.plane) == (mm, plane)


@pytest.mark.parametrize("value", [None, [0, 0], [-1, 0.2], [900, 900]])
def test_no_spacing_no_millimetres(value: object) -> None:
    assert read_as_decode_shows(radiograph_8_bit(), PixelSpacing=value).spacing is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelSpacing": [0.1, 4.0]},  # each might be, both together cannot
        {"PixelSpacing": [0.1, 4.0], "ImagerPixelSpacing": [0.1, 0.1]},
        {"PixelSpacing": [0.001, 0.001], "ImagerPixelSpacing": [0.1, 0.2]},
    ],
)
def test_spacings_that_contradict_each_other_measure_nothing(attributes: dict[str, Any]) -> None:
    """A length would be wrong in one direction, and nobody could tell."""
    assert read_as_decode_shows(radiograph_8_bit(), **attributes).spacing is None


def test_the_lung_window_lies_in_the_darker_part() -> None:
    levels = read_as_decode_shows(radiograph_8_bit())
    lung = next(window for window in levels.windows if window.name == "lung")
    assert 0 <= lung.low < lung.high < np.percentile(levels.pixels, 90)


@pytest.mark.parametrize(("data", "error"), [(b"", EmptyFile), (b"\xff\xd8\xff", TruncatedFile)])
def test_what_decode_refuses_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode(data)
    with pytest.raises(error):
        read_levels(data)
