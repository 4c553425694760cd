"""A trained network becomes a bundle: ONNX, gate, goldens, card."""

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import pneumoscope
from pneumoscope.core.bundle import FILES, FORMAT, OUTPUTS, load_bundle
from pneumoscope.core.operating import OperatingPoint, UncertainBand
from pneumoscope.lab.data import CLASSES
from pneumoscope.lab.gate import GateTrunk
from pneumoscope.lab.recipe import Recipe

GOLDENS = 4
DEFAULT_POINT = "balanced"
PARITY_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Trained:
    """What a finished run hands over. pixels: uint8 [N, size, size]."""

    recipe: Recipe
    network: nn.Module
    trunk: GateTrunk
    temperature: float
    operating_points: tuple[OperatingPoint, ...]
    uncertain: UncertainBand
    gate: dict[str, NDArray[np.float32]]
    gate_limit: float
    golden_pixels: NDArray[np.uint8]
    metrics: dict[str, float]
    data: dict[str, Any]


class Deployed(nn.Module):
    """What serving runs: network and gate trunk on the same pixels, giving `OUTPUTS` in order."""

    def __init__(self, network: nn.Module, trunk: GateTrunk) -> None:
        super().__init__()
        self.network = network
        self.trunk = trunk

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        output = self.network(x)
        return output.logits, output.activation, output.embedding, self.trunk(x)


def export_bundle(trained: Trained, folder: Path) -> Path:
    """Write the bundle, load it back as serving would, and return its folder.

    Raises BundleError when the written bundle does not verify, ValueError when ONNX and torch
    disagree.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deployed = Deployed(trained.network, trained.trunk).cpu().eval()
    export_onnx(deployed, trained.recipe.input.size, folder / "model.onnx")
    np.savez_compressed(folder / "gate.npz", **trained.gate)  # type: ignore[arg-type]
    golden = _goldens(deployed, trained.golden_pixels, folder / "model.onnx")
    np.savez_compressed(folder / "golden.npz", **golden)  # type: ignore[arg-type]
    card = json.dumps(_card(trained, folder), indent=2, ensure_ascii=False) + "\n"
    (folder / "card.json").write_text(card, encoding="utf-8")
    load_bundle(folder)
    return folder


def export_onnx(
    network: nn.Module, size: int, path: Path, outputs: Sequence[str] = OUTPUTS
) -> None:
    """One graph, fixed height and width, batch of any size. outputs: names of what it returns."""
    with warnings.catch_warnings():
        # torch's exporter warns of deprecations inside torch.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 1, size, size),),
            input_names=["pixels"],
            output_names=list(outputs),
            dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=1024)}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ValueError("torch gave no ONNX program")
    program.save(str(path), external_data=False)


@torch.no_grad()
def _goldens(deployed: nn.Module, pixels: NDArray[np.uint8], path: Path) -> dict[str, NDArray[Any]]:
    """Inputs with the outputs onnxruntime gives, after checking that torch agrees."""
    x = pixels[:, None].astype(np.float32) / 255
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"pixels": x}), strict=True))
    for name, expected in zip(OUTPUTS, deployed(torch.from_numpy(x)), strict=True):
        difference = float(np.abs(outputs[name] - expected.numpy()).max())
        if difference > PARITY_TOLERANCE:
            raise ValueError(f"ONNX and torch differ in {name} by {difference:.2g}")
    return {"pixels": pixels, **outputs}


def _card(trained: Trained, folder: Path) -> dict[str, Any]:
    recipe = trained.recipe
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    return {
        "format": FORMAT,
        "name": recipe.name,
        "version": recipe.version,
        "title": recipe.card.title,
        "description": recipe.card.description,
        "licence": recipe.card.licence,
        "created": datetime.now(UTC).date().isoformat(),
        "intended_use": recipe.card.intended_use,
        "limits": list(recipe.card.limits),
        "population": asdict(recipe.card.population),
        "input": asdict(recipe.input),
        "classes": list(CLASSES),
        "calibration": {
            "method": "temperature",
            "temperature": trained.temperature,
            "prior": "every class equally likely before the image is seen",
        },
        "operating_points": [asdict(point) for point in trained.operating_points],
        "operating_point": DEFAULT_POINT,
        "uncertain": {
            "method": "class-conditional split conformal prediction",
            **asdict(trained.uncertain),
        },
        "region_level": recipe.card.region_level,
        "gate": {"method": "distance of ImageNet features", "limit": trained.gate_limit},
        "metrics": trained.metrics,
        "data": trained.data,
        "recipe": {k: v for k, v in asdict(recipe).items() if k != "card"},
        "software": {"pneumoscope": pneumoscope.__version__, "torch": torch.__version__},
        "files": hashes,
    }
