"""The input gate: what it sees, and that it tells the usual from the strange."""

import numpy as np
import pytest
import torch
from torch import Generator

from core.images import encode, make_dicom
from pneumoscope.core.preprocess import InputContract
from pneumoscope.core.quality import gate_distance
from pneumoscope.lab.data import UnreadableExample
from pneumoscope.lab.efficientnet_lite import efficientnet_lite0
from pneumoscope.lab.gate import build_gate, gate_features, gate_trunk, read_frontal_folder
from pneumoscope.lab.sources import NoExamples

pytestmark = pytest.mark.lab


def bodies(n: int, seed: int) -> np.ndarray:
    """Something like a chest: two dark fields in a bright body, no two alike. uint8 [n, 96, 96]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:96, 0:96] / 95
    pictures = []
    for _ in range(n):
        left, right, top = (
            0.3 + rng.normal(0, 0.02),
            0.7 + rng.normal(0, 0.02),
            rng.uniform(0.4, 0.5),
        )
        lungs = sum(
            np.exp(-(((x - c) / 0.13) ** 2) - ((y - top) / 0.3) ** 2) for c in (left, right)
        )
        pictures.append(200 * (1 - 0.8 * lungs) + rng.normal(0, 6, x.shape))
    return np.clip(pictures, 0, 255).astype(np.uint8)


def test_the_trunk_is_the_network_s_beginning_on_a_standardised_picture():
    network, trunk = efficientnet_lite0(3, dropout=0.2).eval(), gate_trunk()
    x = torch.rand(2, 1, 112, 112)
    middle = (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True, correction=0) + 1e-3)
    middle = network.stem(middle * 0.25 * 255 / 128)
    for stage in network.stages[:5]:
        middle = stage(middle)
    features = trunk(x)
    assert features.shape == (2, 1008)
    expected = torch.nn.functional.avg_pool2d(middle, 3, 2).flatten(1)
    torch.testing.assert_close(features, expected, atol=1e-3, rtol=1e-3)


def test_brightness_and_contrast_change_nothing():
    x = torch.rand(2, 1, 96, 96)
    trunk = gate_trunk()
    torch.testing.assert_close(trunk(0.2 + 0.5 * x), trunk(x), atol=0.1, rtol=0.1)


def test_scanners_replay_from_their_seed():
    trunk, pixels = gate_trunk(), bodies(3, 0)
    a, b, c = (gate_features(trunk, pixels, Generator().manual_seed(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.fixture(scope="module")
def built():
    trunk = gate_trunk()
    sources = [(bodies(30, 1), np.arange(30) % 3 == 0), (bodies(15, 2), np.arange(15) % 3 == 0)]
    return trunk, *build_gate(trunk, sources, 0)


@pytest.mark.parametrize("quarters", [1, 2])
def test_the_usual_is_near_and_the_turned_is_far(built, quarters):
    trunk, gate, limit = built

    def distances(pixels):
        return np.array([gate_distance(f, gate) for f in gate_features(trunk, pixels, None)])

    usual = distances(bodies(12, 3))
    turned = distances(np.rot90(bodies(12, 3), quarters, (1, 2)).copy())
    noise = distances(np.random.default_rng(0).integers(0, 256, (4, 96, 96), dtype=np.uint8))
    assert np.median(usual) < limit
    assert np.median(usual) < np.median(turned)
    assert noise.min() > limit


def test_a_folder_of_frontal_radiographs_holds_readable_ones(tmp_path):
    contract = InputContract(size=32)
    with pytest.raises(NoExamples, match=str(tmp_path)):
        read_frontal_folder(tmp_path, contract)
    for name in ("1_a.png", "1_b.png"):
        (tmp_path / name).write_bytes(encode(bodies(1, 0)[0], "PNG"))
    pixels, held_out = read_frontal_folder(tmp_path, contract)
    assert pixels.shape == (2, 32, 32)
    assert held_out[0] == held_out[1]  # one patient
    for name, patient in (("I1", "one"), ("I2", "two"), ("I3", "one")):
        words = bodies(1, 0)[0].astype(np.uint16)
        (tmp_path / name).write_bytes(make_dicom(words, PatientID=patient))
    pixels, held_out = read_frontal_folder(tmp_path, contract)
    assert pixels.shape == (5, 32, 32)
    assert held_out[2] == held_out[4]  # one patient, by the header
    (tmp_path / "2.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableExample, match=r"2\.png"):
        read_frontal_folder(tmp_path, contract)


def test_an_average_training_image_has_distance_one(built):
    trunk, gate, _ = built
    assert np.isfinite(gate["components"]).all()
    assert {name: array.dtype for name, array in gate.items()} == dict.fromkeys(gate, np.float32)
    near = [gate_distance(f, gate) for f in gate_features(trunk, bodies(30, 1)[1::3], None)]
    assert 0.1 < float(np.mean(near)) < 2
