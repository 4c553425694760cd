"""Pictures: sizes, colours and that nothing is painted that the result does not hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import ImageFont

from pneumoscope.core import render
from pneumoscope.core.explain import regions_from_heatmap
from pneumoscope.core.render import (
    ACCENT,
    INK,
    render_heatmap,
    render_overlay,
    render_radiograph,
)
from pneumoscope.core.types import (
    Analysis,
    FloatImage,
    Milliseconds,
    ModelReference,
    Prediction,
    QualityReport,
    Radiograph,
    Reason,
)

UNIT = {"min_value": 0, "max_value": 1}
HEATMAPS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=UNIT)
SIZES = st.tuples(st.integers(1, 60), st.integers(1, 60))


def _analysis(width: int, height: int, heatmap: FloatImage | None) -> Analysis:
    grey = np.full((height, width), 0.5, np.float32)
    regions = () if heatmap is None else regions_from_heatmap(heatmap, width, height, 0.5)
    return Analysis(
        status="rejected" if heatmap is None else "analysed",
        radiograph=Radiograph(grey, "png"),
        quality=QualityReport("pass")
        if heatmap is not None
        else QualityReport("reject", (Reason("no", "No."),)),
        model=ModelReference("made", "1", "0" * 64),
        milliseconds=Milliseconds(1, 1, 1, 3),
        prediction=None if heatmap is None else Prediction(0.9, 0.5, True, None),
        heatmap=heatmap,
        regions=regions,
    )


def _spot() -> FloatImage:
    heatmap = np.zeros((7, 7), np.float32)
    heatmap[2:5, 4:6] = 0.95
    return heatmap


def test_radiograph_keeps_grey_levels_and_size() -> None:
    pixels = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    image = render_radiograph(Radiograph(pixels, "png"))
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image).ravel(), np.arange(256))


@pytest.mark.parametrize(
    ("shape", "size"), [((100, 200), (50, 25)), ((200, 100), (25, 50)), ((20, 30), (30, 20))]
)
def test_radiograph_fits_max_side_and_never_grows(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    assert (
        render_radiograph(Radiograph(np.zeros(shape, np.float32), "png"), max_side=50).size == size
    )


@given(HEATMAPS, SIZES)
def test_heatmap_invents_no_value(heatmap: FloatImage, size: tuple[int, int]) -> None:
    image = render_heatmap(heatmap, size)
    assert (image.mode, image.size) == ("RGBA", size)
    alpha = np.asarray(image.getchannel("A")) / 255
    assert heatmap.min() - 0.003 <= alpha.min()
    assert alpha.max() <= heatmap.max() + 0.003


def test_heatmap_is_magma_and_clear_where_it_is_zero() -> None:
    ramp = np.array([[0.0, 0.5, 1.0]], np.float32)
    colours = np.asarray(render_heatmap(ramp, (3, 1)))[0]
    # Magma's entries 0, 128 and 255.
    assert colours[0].tolist() == [0, 0, 4, 0]
    assert np.allclose(colours[1], [183, 56, 121, 128], atol=3)
    assert colours[2].tolist() == [252, 253, 191, 255]


def test_magma_grows_lighter_with_every_value() -> None:
    luma = render._colour_table()[:, :3] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luma) > -0.5).all()


def test_overlay_shows_accented_contour_with_dark_edge_at_the_region() -> None:
    analysis = _analysis(400, 300, _spot())
    pixels = np.asarray(render_overlay(analysis)).astype(int)
    x, y, width, height = analysis.regions[0].box
    row = pixels[round(y + height / 2), :, :]
    accented = np.flatnonzero(np.abs(row - ACCENT).sum(axis=1) < 90)
    assert accented.min() == pytest.approx(x, abs=3)
    assert accented.max() == pytest.approx(x + width, abs=3)
    assert np.abs(row - INK).sum(axis=1).min() < 90


def test_overlay_without_heat_is_the_radiograph() -> None:
    pixels = np.asarray(render_overlay(_analysis(60, 40, np.zeros((7, 7), np.float32))))
    assert (pixels[:40] == 128).all()


@pytest.mark.parametrize("width", [16, 90, 640, 2000])
def test_strip_says_what_it_is_not_at_any_width(width: int) -> None:
    image = render_overlay(_analysis(width, 40, None))
    strip = np.asarray(image)[40:]
    assert image.width == width
    assert strip.max() > 60, "letters on the strip"
    assert (strip[:, [0, -1]] == INK).all(), "no letter is cut off"


def test_contours_follow_the_reduction() -> None:
    full = np.asarray(render_overlay(_analysis(800, 600, _spot()))).astype(int)
    small = np.asarray(render_overlay(_analysis(800, 600, _spot()), max_side=400)).astype(int)
    columns = [
        np.flatnonzero((np.abs(p - ACCENT).sum(axis=2) < 90).any(axis=0)) for p in (full, small)
    ]
    assert columns[0].min() / 2 == pytest.approx(columns[1].min(), abs=3)
    assert columns[0].max() / 2 == pytest.approx(columns[1].max(), abs=3)


def test_every_letter_of_the_strip_is_in_the_font() -> None:
    font = ImageFont.load_default(40)
    unknown = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(letter)) != unknown for letter in render._STRIP_TEXT)
