"""What every network of the registry costs to serve: counted, and timed as serving runs it."""

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pneumoscope.core.bundle import OUTPUTS
from pneumoscope.lab.data import CLASSES
from pneumoscope.lab.export import export_onnx
from pneumoscope.lab.networks import NETWORKS
from pneumoscope.lab.zoo_table import Cost

SIZE = 224
WARM_UP = 3


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
