"""Heatmap and regions: a planted finding is found where it was planted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.core.explain import (
    ZONES,
    enlarge,
    heatmap_from_activation,
    regions_from_heatmap,
    zone_name,
)

CLASSES = ("normal", "bacterial", "viral")


# Half a cell of the refined grid, in pixels of the images made here.
ABOUT = 3.5


def planted(row, column, value=0.9):
    heatmap = np.full((7, 7), 0.05, dtype=np.float32)
    heatmap[row, column] = value
    return heatmap


@pytest.mark.parametrize(
    ("row", "column", "zone"),
    [
        (1, 1, "right upper zone"),
        (3, 1, "right middle zone"),
        (5, 1, "right lower zone"),
        (1, 5, "left upper zone"),
        (3, 5, "left middle zone"),
        (5, 5, "left lower zone"),
    ],
)
def test_a_planted_finding_is_named_and_bounded(row, column, zone):
    """The patient's right is on the left of the image."""
    (region,) = regions_from_heatmap(planted(row, column), 1400, 700, 0.5)
    assert region.zone == zone
    cell = (column * 200, row * 100, (column + 1) * 200, (row + 1) * 100)
    assert cell[0] <= region.peak[0] <= cell[2]
    assert cell[1] <= region.peak[1] <= cell[3]
    x, y, width, height = region.box
    assert x <= region.peak[0] <= x + width
    assert y <= region.peak[1] <= y + height
    assert region.score == pytest.approx(0.9, abs=0.03)


def test_two_findings_are_two_regions_strongest_first():
    heatmap = np.maximum(planted(1, 1, 0.7), planted(5, 5, 0.95))
    regions = regions_from_heatmap(heatmap, 700, 700, 0.5)
    assert [region.zone for region in regions] == ["left lower zone", "right upper zone"]


def test_the_level_is_a_share_of_the_strongest():
    heatmap = np.maximum(planted(1, 1, 0.32), planted(5, 5, 0.4))
    assert len(regions_from_heatmap(heatmap, 700, 700, 0.5)) == 2
    assert len(regions_from_heatmap(heatmap, 700, 700, 0.7)) == 1


def test_a_dark_heatmap_has_no_region():
    assert regions_from_heatmap(np.zeros((7, 7), np.float32), 700, 700, 0.5) == ()


def by_side(regions):
    return sorted(regions, key=lambda region: region.box[0])


def test_a_finding_that_fills_the_image_is_closed_at_its_border():
    right, left = by_side(regions_from_heatmap(np.ones((7, 7), np.float32), 640, 480, 0.5))
    assert right.box == pytest.approx((0, 0, 320, 480), abs=ABOUT)
    assert left.box == pytest.approx((320, 0, 320, 480), abs=ABOUT)


def test_a_hole_does_not_open_the_contour():
    heatmap = np.full((7, 7), 0.9, dtype=np.float32)
    heatmap[3, 3] = 0.0
    right, left = by_side(regions_from_heatmap(heatmap, 700, 700, 0.5))
    assert right.box == pytest.approx((0, 0, 350, 700), abs=ABOUT)
    assert left.box == pytest.approx((350, 0, 350, 700), abs=ABOUT)


def test_what_reaches_over_the_middle_is_named_on_both_sides():
    heatmap = np.maximum(planted(2, 3, 0.9), planted(3, 3, 0.8))
    regions = regions_from_heatmap(heatmap, 700, 700, 0.5)
    assert {region.zone.split()[0] for region in regions} == {"right", "left"}
    for region in regions:
        left, _, width, _ = region.box
        assert left + width <= 350 + ABOUT or left >= 350 - ABOUT


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, (7, 7), elements=st.floats(0, 1, width=32)),
    st.integers(30, 3000),
    st.integers(30, 3000),
)
def test_regions_stay_inside_the_image(heatmap, width, height):
    for region in regions_from_heatmap(heatmap, width, height, 0.5):
        points = np.array([*region.contour, region.peak])
        assert points.min() >= 0
        assert points[:, 0].max() <= width
        assert points[:, 1].max() <= height
        assert region.zone in ZONES
        assert 0.5 * heatmap.max() <= region.score <= heatmap.max() + 1e-6
        assert len(region.contour) >= 3


@settings(max_examples=60)
@given(hnp.arrays(np.float32, (3, 7, 7), elements=st.floats(-30, 30, width=32)), st.floats(0, 1))
def test_the_heatmap_is_as_bright_as_the_result_is_sure(activation, probability):
    heatmap = heatmap_from_activation(activation, CLASSES, probability)
    assert heatmap.shape == (7, 7)
    assert heatmap.dtype == np.float32
    assert heatmap.min() >= 0
    assert heatmap.max() == pytest.approx(probability, abs=1e-5) or not heatmap.any()


def test_evidence_for_pneumonia_is_bright_and_for_normal_dark():
    activation = np.zeros((3, 7, 7), dtype=np.float32)
    activation[1, 2, 3] = 9
    activation[0, 5, 5] = 9
    heatmap = heatmap_from_activation(activation, CLASSES, 0.9)
    assert np.unravel_index(heatmap.argmax(), heatmap.shape) == (2, 3)
    assert heatmap[5, 5] == 0


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, (7, 7), elements=st.floats(0, 1, width=32)))
def test_enlarging_invents_no_value(heatmap):
    large = enlarge(heatmap, 90, 61)
    assert large.shape == (61, 90)
    assert heatmap.min() - 1e-6 <= large.min()
    assert large.max() <= heatmap.max() + 1e-6


def test_zone_names_cover_the_image():
    grid = [zone_name(x, y) for x in np.linspace(0, 1, 9) for y in np.linspace(0, 1, 9)]
    assert set(grid) == set(ZONES)
