"""From a trained network to a bundle that serves, and back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lab.blobs import SIDE, blobs, plan
from pneumoscope.core.bundle import OUTPUTS, load_bundle
from pneumoscope.core.explain import heatmap_from_activation, regions_from_heatmap
from pneumoscope.core.operating import OPERATING_POINTS, OperatingPoint, UncertainBand
from pneumoscope.lab.data import CLASSES
from pneumoscope.lab.export import ExportFailed, Trained, check_parity, export_bundle, export_onnx
from pneumoscope.lab.gate import build_gate, gate_trunk
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.quantise import run_model

pytestmark = pytest.mark.lab


class BrightSquares(nn.Module):
    """Sees pneumonia where the image is brighter than half, on a map of an eighth of its side."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        bright = nn.functional.avg_pool2d(x, 8) - 0.5
        activation = torch.cat([-4 * bright, 4 * bright, 2 * bright], dim=1)
        logits = activation.mean((2, 3))
        return logits, activation, bright.flatten(1), x.mean((2, 3))


@pytest.mark.parametrize(("row", "column"), [(8, 8), (8, 40), (40, 16)])
def test_the_map_of_a_planted_square_peaks_inside_it(tmp_path, row, column):
    """From the exported model, as serving explains: heatmap, then regions in pixels."""
    export_onnx(BrightSquares().eval(), SIDE, tmp_path / "model.onnx")
    image = np.full((SIDE, SIDE), 40, dtype=np.uint8)
    image[row : row + 16, column : column + 16] = 250
    activation = run_model(tmp_path / "model.onnx", image[None])["activation"][0]
    heatmap = heatmap_from_activation(activation, CLASSES, 0.9)
    (region,) = regions_from_heatmap(heatmap, SIDE, SIDE, 0.5)
    assert column <= region.peak[0] <= column + 16
    assert row <= region.peak[1] <= row + 16


@pytest.fixture(scope="module")
def trained() -> Trained:
    """An untrained network: exporting does not ask for skill."""
    dozen = blobs(24, 0)
    pixels, labels = dozen.pixels[:, 0].numpy(), dozen.labels.numpy()
    recipe = plan()
    recipe = replace(recipe, input=replace(recipe.input, size=SIDE))
    torch.manual_seed(0)
    trunk = gate_trunk()
    gate, limit = build_gate(trunk, [(pixels, np.arange(24) % 3 == 0)], 0)
    return Trained(
        recipe=recipe,
        network=build_network(recipe.network, len(CLASSES)).eval(),
        trunk=trunk,
        temperature=1.0,
        operating_points=tuple(OperatingPoint(name, 0.5, 1.0, 1.0) for name in OPERATING_POINTS),
        uncertain=UncertainBand(0.4, 0.6, 0.1, {}, {}),
        gate=gate,
        gate_limit=limit,
        validation_pixels=pixels,
        validation_labels=labels,
        range_pixels=pixels[:8],
        metrics={},
        data={},
    )


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(trained, tmp_path_factory.mktemp("run") / "bundle")


def test_a_bundle_reloaded_gives_its_goldens_and_says_its_precision(folder):
    bundle = load_bundle(folder)
    precision = json.loads((folder / "card.json").read_text())["precision"]
    assert bundle.card.precision == precision["weights"]
    assert precision["int8_agreement"]["images"] == 24
    with np.load(folder / "golden.npz") as golden:
        inference = bundle.infer(golden["pixels"][0].astype(np.float32) / 255)
        for name in OUTPUTS:
            np.testing.assert_allclose(getattr(inference, name), golden[name][0], atol=2e-3)
    assert {path.name for path in folder.parent.iterdir()} == {"bundle"}


def test_a_bundle_does_not_say_where_it_was_made(folder):
    model = (folder / "model.onnx").read_bytes()
    assert b'.py"' not in model  # as in: File "…/loop.py", line 1
    assert str(Path(__file__).parents[2]).encode() not in model


def test_a_model_that_torch_contradicts_is_not_shipped(trained, tmp_path):
    """Parity is checked against the network that was trained, not against itself."""
    export_onnx(BrightSquares().eval(), SIDE, tmp_path / "model.onnx")
    outputs = run_model(tmp_path / "model.onnx", trained.validation_pixels[:2])
    check_parity(BrightSquares().eval(), trained.validation_pixels[:2], outputs)
    changed = outputs | {"logits": outputs["logits"] + 0.01}
    with pytest.raises(ExportFailed, match="logits"):
        check_parity(BrightSquares().eval(), trained.validation_pixels[:2], changed)
