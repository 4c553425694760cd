"""`pneumoscope models zoo`: what every network costs, beside what bundles of it reached."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pneumoscope.core.bundle import OUTPUTS, read_card
from pneumoscope.core.report import read_report, table
from pneumoscope.lab.data import CLASSES
from pneumoscope.lab.export import export_onnx
from pneumoscope.lab.networks import NETWORKS

SIZE = 224
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one grey image of 224 px, the class-activation map included.

    megaflops: a multiplication and an addition count two. milliseconds: median in onnxruntime,
    float32, one thread. megabytes: of the ONNX file.
    """

    parameters: int
    megaflops: float
    milliseconds: float
    megabytes: float


class Served(nn.Module):
    """What serving asks of a network: logits, activation map, embedding."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(x)[:3])


def measure(name: str, *, repeats: int = 30) -> Cost:
    """The network as the registry builds it, exported as serving runs it, but without the gate."""
    network = NETWORKS[name](len(CLASSES)).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(Served(network).eval(), SIZE, path, OUTPUTS[:3])
        return Cost(
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            megaflops=count_flops(network) / 1e6,
            milliseconds=time_pass(path, repeats),
            megabytes=path.stat().st_size / 1e6,
        )


@torch.no_grad()
def count_flops(network: nn.Module) -> int:
    """Floating-point operations of the matrix products and convolutions of one pass."""
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, SIZE, SIZE))
    return int(counter.get_total_flops())


def time_pass(path: Path, repeats: int) -> float:
    """Milliseconds of one image through an ONNX file, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    pixels = np.zeros((1, 1, SIZE, SIZE), dtype=np.float32)
    seconds = []
    for _ in range(WARM_UP + repeats):
        started = time.perf_counter()
        session.run(None, {"pixels": pixels})
        seconds.append(time.perf_counter() - started)
    return 1000 * median(seconds[WARM_UP:])


def reached(bundles: Sequence[Path]) -> dict[str, dict[str, list[str]]]:
    """{network: {set of images: ["bundle AUROC", …]}} from the bundles' report.json.

    A report that measured other weights than the bundle holds is passed over.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for folder in bundles:
        report = read_report(folder)
        if report is None:
            continue
        card, _ = read_card(folder)
        network = found.setdefault(card.raw["recipe"]["network"]["name"], {})
        for name, part in report["sets"].items():
            if auroc := _auroc(part):
                network.setdefault(name, []).append(f"{card.name} {auroc:.3f}")
    return found


def _auroc(part: dict[str, Any]) -> float | None:
    """Sets of radiographs that must be refused have none."""
    figure = part.get("figures", {}).get("auroc")
    return figure[0] if figure else None


def cost_table(costs: dict[str, Cost], figures: dict[str, dict[str, list[str]]]) -> str:
    """Markdown, one line per network; a column of AUROCs per set of images."""
    sets = sorted({name for found in figures.values() for name in found})
    heads = ["network", "parameters", "MFLOPs", "ms", "MB", *(f"AUROC {name}" for name in sets)]
    rows = []
    for name, cost in costs.items():
        cells = [
            name,
            f"{cost.parameters / 1e6:.2f} M",
            f"{cost.megaflops:.0f}",
            f"{cost.milliseconds:.1f}",
            f"{cost.megabytes:.1f}",
        ]
        cells += [", ".join(figures.get(name, {}).get(one, ["–"])) for one in sets]
        rows.append(cells)
    return "\n".join(table(heads, rows))
