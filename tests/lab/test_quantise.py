"""An int8 copy is shipped only where it reads as the original does."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from pneumoscope.lab.export import export_onnx
from pneumoscope.lab.quantise import FIRST, Agreement, measure_agreement, quantise, run_model

pytestmark = pytest.mark.lab
SIDE = 32


class Small(nn.Module):
    """A network and a gate of a few weights that give a bundle's outputs."""

    def __init__(self) -> None:
        super().__init__()
        widths = [1] + [8] * FIRST
        pairs = itertools.pairwise(widths)
        self.first = nn.Sequential(*(nn.Conv2d(a, b, 3, 1, 1) for a, b in pairs))
        self.middle = nn.Conv2d(8, 8, 3, 4, 1)
        self.classifier = nn.Conv2d(8, 3, 1)
        self.gate = nn.Conv2d(1, 4, 3, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = torch.relu(self.middle(torch.relu(self.first(x))))
        activation = self.classifier(y)
        gate = torch.relu(self.gate(x)).mean((2, 3))
        return activation.mean((2, 3)), activation, y.mean((2, 3)), gate


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    rng = np.random.default_rng(0)
    x = np.linspace(0, 200, SIDE)[None, None]
    slopes = rng.random((60, 1, 1))
    return (slopes * x + rng.normal(20, 5, (60, SIDE, SIDE))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(1)
    export_onnx(Small().eval(), SIDE, folder / "float32.onnx")
    quantise(folder / "float32.onnx", folder / "int8.onnx", pixels[:16])
    return folder / "float32.onnx", folder / "int8.onnx"


def labels_of(outputs: dict[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """What the network itself says, with noise; and its own median as the threshold."""
    logits = outputs["logits"]
    score = np.logaddexp(logits[:, 1], logits[:, 2]) - logits[:, 0]
    threshold = float(1 / (1 + np.exp(-np.median(score))))
    noisy = score + np.random.default_rng(1).normal(0, score.std(), len(score))
    return (noisy > np.median(score)).astype(np.int64), threshold


def test_eight_bits_read_nearly_as_thirty_two(models, pixels):
    reference, other = (run_model(path, pixels) for path in models)
    spread = np.ptp(reference["logits"])
    assert np.abs(reference["logits"] - other["logits"]).max() < 0.05 * spread
    assert not np.array_equal(reference["logits"], other["logits"])


def test_the_gate_keeps_its_precision(models, pixels):
    reference, other = (run_model(path, pixels)["gate_features"] for path in models)
    np.testing.assert_allclose(reference, other, atol=1e-5)


def test_every_channel_has_its_own_scale(models):
    graph = onnx.load(models[1]).graph
    scales = [onnx.numpy_helper.to_array(i) for i in graph.initializer if i.name.endswith("_scale")]
    assert (8,) in {scale.shape for scale in scales}


def test_torch_and_onnx_agree(models, pixels):
    torch.manual_seed(1)
    with torch.no_grad():
        expected = Small().eval()(torch.from_numpy(pixels[:, None] / np.float32(255)))
    for name, value in zip(run_model(models[0], pixels).values(), expected, strict=True):
        np.testing.assert_allclose(name, value.numpy(), atol=1e-5)


def test_a_model_agrees_with_itself_and_not_with_a_ruined_one(models, pixels):
    reference = run_model(models[0], pixels)
    labels, threshold = labels_of(reference)
    same = measure_agreement(reference, reference, labels, temperature=1.0, threshold=threshold)
    assert (same.auroc_change, same.flipped) == (0, 0)
    assert same.heatmap_cosine == pytest.approx(1)
    assert same.accepted
    ruined = reference | {"logits": reference["logits"][::-1]}
    other = measure_agreement(reference, ruined, labels, temperature=1.0, threshold=threshold)
    assert other.flipped > 0.01
    assert not other.accepted


@pytest.mark.parametrize(
    "change",
    [{"auroc_change": 0.002}, {"flipped": 0.011}, {"heatmap_cosine": 0.97}],
)
def test_each_rule_refuses_by_itself(change):
    good = Agreement(images=700, auroc_change=0.0019, flipped=0.01, heatmap_cosine=0.98)
    assert good.accepted
    assert good.sentence.endswith("int8 ships")
    refused = replace(good, **change)
    assert not refused.accepted
    assert refused.sentence.endswith("float32 ships")


def test_without_positives_nothing_is_proved(models, pixels):
    reference = run_model(models[0], pixels)
    labels, _ = labels_of(reference)
    outcome = measure_agreement(reference, reference, labels, temperature=1.0, threshold=1 - 1e-9)
    assert not outcome.accepted
