"""From bytes to result: golden figures at two tolerances, and how encodings must agree."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.bundles import default_bundle
from core.images import encode
from pneumoscope.core.decode import decode
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.preprocess import preprocess

SAMPLES = Path(__file__).parents[2] / "samples"
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "samples.json").read_text())
NAMES = sorted(GOLDEN["probability"])


def grey(name: str) -> Image.Image:
    with Image.open(SAMPLES / name) as image:
        return image.convert("L")


def probability(data: bytes) -> float:
    prediction = analyze(data, default_bundle()).prediction
    assert prediction is not None
    return prediction.probability


def test_the_goldens_are_of_the_bundle_that_ships():
    """After a new bundle: `python -m core.write_goldens` in tests/, and read the difference."""
    assert GOLDEN["hash"] == default_bundle().hash


@pytest.mark.parametrize("name", NAMES)
def test_tight_from_the_same_bytes(name):
    assert probability((SAMPLES / name).read_bytes()) == pytest.approx(
        GOLDEN["probability"][name], abs=2e-3
    )


@pytest.mark.parametrize("name", NAMES[::4])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_lossless_copies_give_the_same_number(name, file_format):
    same = probability(encode(grey(name), file_format))
    assert same == pytest.approx(GOLDEN["probability"][name], abs=2e-3)


@pytest.mark.parametrize("name", NAMES[::4])
def test_loose_from_a_larger_and_recompressed_copy(name):
    """A 2500-pixel-high original and a camera's JPEG must not change the reading."""
    image = grey(name)
    large = image.resize((round(image.width * 2500 / image.height), 2500), Image.Resampling.BICUBIC)
    assert probability(encode(large, "JPEG", quality=90)) == pytest.approx(
        GOLDEN["probability"][name], abs=0.06
    )


def test_sixteen_bits_and_eight_bits_agree():
    image = grey(NAMES[0])
    deep = np.asarray(image, dtype=np.uint16) * 257
    assert probability(encode(deep, "PNG")) == pytest.approx(
        probability(encode(image, "PNG")), abs=1e-4
    )


def test_times_add_up_and_coordinates_are_the_input_s():
    analysis = analyze((SAMPLES / NAMES[-1]).read_bytes(), default_bundle())
    times = analysis.milliseconds
    assert times.total == pytest.approx(times.decode + times.infer + times.explain, rel=1e-6)
    for region in analysis.regions:
        x, y, width, height = region.box
        assert 0 <= x <= x + width <= analysis.radiograph.width + 1e-6
        assert 0 <= y <= y + height <= analysis.radiograph.height + 1e-6


def test_the_network_sees_what_training_saw():
    """float32 pixels rounded to the 8 bits training keeps differ by less than one grey level."""
    bundle = default_bundle()
    pixels = preprocess(decode((SAMPLES / NAMES[0]).read_bytes()).pixels, bundle.card.input)
    stored = (np.rint(pixels * 255) / 255).astype(np.float32)
    a, b = bundle.infer(pixels).logits, bundle.infer(stored).logits
    assert np.abs(a - b).max() < 0.05
