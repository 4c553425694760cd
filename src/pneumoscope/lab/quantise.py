"""An 8-bit copy of an exported network, and the judgement whether it may take its place.

Static quantisation with one scale per output channel (Jacob et al. 2018, arXiv:1712.05877), ranges
from training images. Only the network is quantised: the gate's own branch keeps its precision, so
that one fit serves both.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from pneumoscope.core.bundle import OUTPUTS
from pneumoscope.core.explain import heatmap_from_activation
from pneumoscope.core.metrics import auroc
from pneumoscope.lab.calibration import log_odds
from pneumoscope.lab.data import CLASSES

Arrays = dict[str, NDArray[np.float32]]
AUROC_CHANGE = 0.002
FLIPPED = 0.01
HEATMAP_COSINE = 0.98
FIRST = 4
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two models read the same images.

    auroc_change: of pneumonia, absolute. flipped: share of the images whose decision changes.
    heatmap_cosine: median over the positive images; 0 where there are none to compare.
    """

    images: int
    auroc_change: float
    flipped: float
    heatmap_cosine: float

    @property
    def accepted(self) -> bool:
        """Whether the second may be shipped instead of the first."""
        return (
            self.auroc_change < AUROC_CHANGE
            and self.flipped <= FLIPPED
            and self.heatmap_cosine >= HEATMAP_COSINE
        )

    @property
    def sentence(self) -> str:
        return (
            f"8 bits change AUROC by {self.auroc_change:.4f}, {self.flipped:.1%} of "
            f"{self.images} decisions, heatmaps to a cosine of {self.heatmap_cosine:.3f}: "
            f"{'int8' if self.accepted else 'float32'} ships"
        )


def quantise(source: Path, target: Path, pixels: NDArray[np.uint8]) -> None:
    """Write an int8 copy of `source`. pixels: uint8 [N, size, size], to find the ranges on.

    Weights have seven bits: with eight, processors without VNNI saturate silently where two
    products are added in 16 bits, and the same model would read differently there.
    """
    with tempfile.TemporaryDirectory() as folder, silence():
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Calibration(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Relu", "Add", "Pad", "MaxPool"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_outside_network(onnx.load(prepared).graph),
        )


@contextmanager
def silence() -> Iterator[None]:
    """onnxruntime warns in the root logger of every channel whose scale it widens, torch of
    operators of torchvision that nothing here has."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    """One image after the other, as the network takes them."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._images: Iterator[NDArray[np.uint8]] = iter(pixels)

    def get_next(self) -> Arrays | None:
        image = next(self._images, None)
        return None if image is None else {"pixels": _batch(image[None])}


def _outside_network(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes on which no other output than the gate's features depends, and of the
    network's first convolutions and its last.

    The first have few channels of very different ranges: in eight bits they moved every log-odds of
    the lung-attending network by 0.8, in floating point by 0.1.
    """
    network = _needed_for(graph, [name for name in OUTPUTS if name != "gate_features"])
    convolutions = [n.name for n in graph.node if n.op_type == "Conv" and n.name in network]
    return [
        *(node.name for node in graph.node if node.name not in network),
        *convolutions[:FIRST],
        convolutions[-1],
    ]


def _needed_for(graph: onnx.GraphProto, outputs: list[str]) -> set[str]:
    wanted, names = set(outputs), set()
    for node in reversed(graph.node):  # ONNX keeps them in topological order
        if wanted & set(node.output):
            wanted |= set(node.input)
            names.add(node.name)
    return names


def run_model(path: Path, pixels: NDArray[np.uint8]) -> Arrays:
    """All outputs, by name, of an exported model. pixels: uint8 [N, size, size]."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    parts = [
        session.run(list(OUTPUTS), {"pixels": _batch(pixels[i : i + _BATCH])})
        for i in range(0, len(pixels), _BATCH)
    ]
    columns = zip(*parts, strict=True)
    return {n: np.concatenate(column) for n, column in zip(OUTPUTS, columns, strict=True)}


def _batch(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels[:, None].astype(np.float32) / np.float32(255)


def measure_agreement(
    reference: Arrays,
    other: Arrays,
    labels: NDArray[np.int64],
    *,
    temperature: float,
    threshold: float,
) -> Agreement:
    """Compare the outputs of two models on the same images. threshold: on P(pneumonia)."""
    limit = np.log(threshold) - np.log1p(-threshold)
    scores = [log_odds(arrays["logits"], temperature) for arrays in (reference, other)]
    first, second = scores
    return Agreement(
        images=len(labels),
        auroc_change=abs(auroc(labels > 0, first) - auroc(labels > 0, second)),
        flipped=float(((first >= limit) != (second >= limit)).mean()),
        heatmap_cosine=_heatmap_cosine(
            reference["activation"][first >= limit], other["activation"][first >= limit]
        ),
    )


def _heatmap_cosine(reference: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Median cosine of the heatmaps of each image. Both float32 [N, classes, h, w]."""
    cosines = []
    for a, b in zip(reference, other, strict=True):
        u, v = (heatmap_from_activation(x, CLASSES, 1.0).ravel() for x in (a, b))
        length = float(np.linalg.norm(u) * np.linalg.norm(v))
        cosines.append(float(u @ v) / length if length else 0.0)
    return float(np.median(cosines)) if cosines else 0.0
