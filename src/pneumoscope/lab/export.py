"""A trained network becomes a bundle: ONNX in 8 bits if they read alike, gate, goldens, card."""

import hashlib
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import pneumoscope
from pneumoscope.core.bundle import FILES, OUTPUTS, load_bundle
from pneumoscope.core.card import FORMAT
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.operating import OperatingPoint, UncertainBand
from pneumoscope.lab.data import CLASSES
from pneumoscope.lab.gate import GateTrunk
from pneumoscope.lab.quantise import (
    Agreement,
    Arrays,
    measure_agreement,
    quantise,
    run_model,
    silence,
)
from pneumoscope.lab.recipe import Recipe

logger = logging.getLogger(__name__)
GOLDENS = 4
DEFAULT_POINT = "balanced"
PARITY_TOLERANCE = 1e-3


class ExportFailed(PneumoscopeError):
    """The network as ONNX is not the network that was trained."""

    code = "export_failed"
    remedy = "Install the versions of torch, onnx and onnxscript that requirements/lab.txt names."


@dataclass(frozen=True, slots=True)
class Trained:
    """What a finished run hands over.

    validation_pixels: uint8 [N, size, size], with labels int64 [N], which int8 is judged on.
    range_pixels: uint8 [M, size, size], of the training, on which int8 finds its ranges.
    """

    recipe: Recipe
    network: nn.Module
    trunk: GateTrunk
    temperature: float
    operating_points: tuple[OperatingPoint, ...]
    uncertain: UncertainBand
    gate: dict[str, NDArray[np.float32]]
    gate_limit: float
    validation_pixels: NDArray[np.uint8]
    validation_labels: NDArray[np.int64]
    range_pixels: NDArray[np.uint8]
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

    The int8 model is shipped where it reads as the float32 model does (`lab.quantise.Agreement`).
    Raises BundleError when the written bundle does not verify, ExportFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    step = max(1, len(trained.validation_pixels) // GOLDENS)
    golden_pixels = trained.validation_pixels[::step][:GOLDENS]
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as scratch:
        float32, int8 = Path(scratch) / "float32.onnx", Path(scratch) / "int8.onnx"
        deployed = Deployed(trained.network, trained.trunk).cpu().eval()
        export_onnx(deployed, trained.recipe.input.size, float32)
        check_parity(deployed, golden_pixels, run_model(float32, golden_pixels))
        quantise(float32, int8, trained.range_pixels)
        agreement = _agreement(trained, float32, int8)
        logger.info("%s", agreement.sentence)
        shutil.copyfile(int8 if agreement.accepted else float32, folder / "model.onnx")
    np.savez_compressed(folder / "gate.npz", **trained.gate)  # type: ignore[arg-type]
    outputs = _one_by_one(folder / "model.onnx", golden_pixels)
    np.savez_compressed(folder / "golden.npz", pixels=golden_pixels, **outputs)  # type: ignore[arg-type]
    card = json.dumps(_card(trained, agreement, folder), indent=2, ensure_ascii=False) + "\n"
    (folder / "card.json").write_text(card, encoding="utf-8")
    load_bundle(folder)
    return folder


def export_onnx(
    network: nn.Module, size: int, path: Path, outputs: Sequence[str] = OUTPUTS
) -> None:
    """One graph, fixed height and width, batch of any size. outputs: names of what it returns.

    The same weights give the same bytes wherever they are exported: torch notes for every node
    from which file of which folder it came, and that is left out.
    """
    with warnings.catch_warnings(), silence():
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
        raise ExportFailed("torch gave no ONNX program")
    model = program.model_proto
    graph = model.graph
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
    onnx.save(model, path)


@torch.no_grad()
def check_parity(deployed: nn.Module, pixels: NDArray[np.uint8], outputs: Arrays) -> None:
    """Raises ExportFailed when torch gives other outputs than those of the exported model."""
    expected = deployed(torch.from_numpy(pixels[:, None].astype(np.float32) / 255))
    for name, tensor in zip(OUTPUTS, expected, strict=True):
        difference = float(np.abs(outputs[name] - tensor.numpy()).max())
        if difference > PARITY_TOLERANCE:
            raise ExportFailed(f"ONNX and torch differ in {name} by {difference:.2g}")


def _agreement(trained: Trained, float32: Path, int8: Path) -> Agreement:
    points = {point.name: point for point in trained.operating_points}
    return measure_agreement(
        run_model(float32, trained.validation_pixels),
        run_model(int8, trained.validation_pixels),
        trained.validation_labels,
        temperature=trained.temperature,
        threshold=points[DEFAULT_POINT].threshold,
    )


def _one_by_one(model: Path, pixels: NDArray[np.uint8]) -> Arrays:
    """Outputs of batches of one, as serving makes them: a batch may be rounded otherwise."""
    parts = [run_model(model, image[None]) for image in pixels]
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}


def _card(trained: Trained, agreement: Agreement, folder: Path) -> dict[str, Any]:
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
            "prior": "pneumonia as likely as not before the image is seen",
        },
        "operating_points": [asdict(point) for point in trained.operating_points],
        "operating_point": DEFAULT_POINT,
        "uncertain": {
            "method": "class-conditional split conformal prediction",
            **asdict(trained.uncertain),
        },
        "region_level": recipe.card.region_level,
        "gate": {"method": "distance of ImageNet features", "limit": trained.gate_limit},
        "precision": {
            "weights": "int8" if agreement.accepted else "float32",
            "int8_agreement": asdict(agreement),
        },
        "metrics": trained.metrics,
        "data": trained.data,
        "recipe": {k: v for k, v in asdict(recipe).items() if k != "card"},
        "software": {"pneumoscope": pneumoscope.__version__, "torch": torch.__version__},
        "files": hashes,
    }
