"""Preprocessing: what training saw is what serving gives, from an original of any size."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from pneumoscope.core.preprocess import InputContract, preprocess, squash, stretch_contrast

CONTRACT = InputContract()
pixel_arrays = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    elements=st.floats(0, 1, width=32),
)


@settings(max_examples=60, deadline=None)
@given(pixel_arrays)
def test_output_has_the_contract_of_the_network(pixels):
    out = preprocess(pixels, CONTRACT)
    assert out.shape == (224, 224)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 1


@settings(max_examples=40, deadline=None)
@given(pixel_arrays, st.floats(0.2, 1.0), st.floats(0.0, 0.5))
def test_linear_exposure_does_not_matter(pixels, gain, offset):
    """A brighter or flatter copy is the same input, as long as nothing is clipped."""
    flatter = (pixels * gain * (1 - offset) + offset).astype(np.float32)
    low, high = np.percentile(squash(pixels, 224), CONTRACT.stretch)
    if high - low > 0.05:
        np.testing.assert_allclose(
            preprocess(pixels, CONTRACT), preprocess(flatter, CONTRACT), atol=2e-3
        )


@settings(max_examples=40, deadline=None)
@given(pixel_arrays)
def test_inversion_symmetry(pixels):
    """Inverting the radiograph inverts the input: no step prefers bright to dark."""
    low, high = np.percentile(squash(pixels, 224), CONTRACT.stretch)
    if high - low > 0.05:
        np.testing.assert_allclose(
            preprocess(1 - pixels, CONTRACT), 1 - preprocess(pixels, CONTRACT), atol=2e-3
        )


def test_the_squash_skips_no_pixel():
    """Stripes one pixel wide average to grey instead of aliasing to black or white."""
    stripes = np.tile(np.array([0, 1], dtype=np.float32), (2000, 1250))
    assert np.ptp(squash(stripes, 224)) < 0.05


def test_a_training_image_passes_unchanged_through_the_squash():
    pixels = np.random.default_rng(0).random((224, 224), dtype=np.float32)
    assert squash(pixels, 224) is pixels


def test_an_original_gives_what_its_small_copy_gave():
    """The training files are 8-bit squashed copies; the original must lead to the same input."""
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 256, (40, 50), dtype=np.uint8))
    original = coarse.resize((2500, 2000), Image.Resampling.BICUBIC)
    small = original.resize((224, 224), Image.Resampling.BILINEAR)
    a, b = (preprocess(np.asarray(i, dtype=np.float32) / 255, CONTRACT) for i in (original, small))
    assert np.abs(a - b).max() < 0.02


def test_a_blank_image_becomes_zeros_not_nan():
    assert not stretch_contrast(np.full((9, 9), 0.4, dtype=np.float32), (1, 99)).any()
