"""A model as a folder: what runs, what it promises, and the proof that it still does.

card.json    name, version, input contract, classes, calibration, operating points, population …
             and the SHA-256 of every other file. Its own SHA-256 is the bundle's hash.
model.onnx   float32 [1, 1, size, size] in 0..1 → logits [1, classes],
             activation [1, classes, h, w] (its mean over h, w is the logits), embedding [1, d],
             gate_features [1, g]
gate.npz     the gate features' distribution over frontal chest radiographs (core.quality)
golden.npz   inputs uint8 [n, size, size] and the outputs they must give

`report.json` may lie beside them: figures measured later on a finished bundle, naming its hash.
They are no part of the bundle, so measuring a model does not change it.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pneumoscope.core.card import Card, read_bytes, read_card
from pneumoscope.core.errors import (
    BundleCorrupt,
    BundleError,
    BundleIncompatible,
    BundleNotFound,
)
from pneumoscope.core.types import FloatImage, ModelReference

Arrays: TypeAlias = dict[str, NDArray[Any]]
OUTPUTS = ("logits", "activation", "embedding", "gate_features")
FILES = ("model.onnx", "gate.npz", "golden.npz")
GATE_ARRAYS = ("mean", "spread", "components", "scale", "norm")
MODELS = Path(__file__).parent.parent / "models"
DEFAULT = "lite0"
# By the precision of the weights and by output. Eight bits are rounded a little otherwise by other
# processors: with every fusion off, logits moved by 0.014, the map by 0.16, the embedding by 0.05.
GOLDEN_TOLERANCE = {
    "float32": dict.fromkeys(OUTPUTS, 2e-3),
    "int8": dict(zip(OUTPUTS, (0.05, 0.5, 0.2, 2e-3), strict=True)),
}


@dataclass(frozen=True, slots=True)
class Inference:
    """One forward pass. logits: float32 [classes]. activation: float32 [classes, h, w].
    embedding: float32 [d], for similar cases. gate_features: float32 [g], for `core.quality`."""

    logits: FloatImage
    activation: FloatImage
    embedding: FloatImage
    gate_features: FloatImage


@dataclass(frozen=True)
class Bundle:
    """A verified model, ready to run. Safe to share between threads."""

    folder: Path
    hash: str
    card: Card
    session: ort.InferenceSession
    gate: dict[str, NDArray[np.float32]]

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def version(self) -> str:
        return self.card.version

    @cached_property
    def reference(self) -> ModelReference:
        return ModelReference(self.name, self.version, self.hash)

    def infer(self, pixels: FloatImage) -> Inference:
        """pixels: float32 [size, size], 0..1, from `core.preprocess.preprocess`."""
        outputs = self.session.run(list(OUTPUTS), {"pixels": pixels[None, None]})
        return Inference(*(output[0] for output in outputs))


def bundle_folders() -> list[Path]:
    """Folders of the bundles that came with this installation, by name."""
    return sorted(path.parent for path in MODELS.glob("*/card.json"))


def bundle_find(name: str | None = None) -> Path:
    """The folder of a bundle: an installed name, or a path; None means the default.

    Raises BundleNotFound.
    """
    for folder in (MODELS / (name or DEFAULT), Path(name or DEFAULT)):
        if (folder / "card.json").is_file():
            return folder
    raise BundleNotFound(f"no model bundle “{name or DEFAULT}”")


def load_bundle(folder: Path, *, threads: int = 1) -> Bundle:
    """Load a bundle, verifying every hash and every golden output.

    threads: onnxruntime's threads within one operation.
    Raises BundleNotFound, BundleCorrupt or BundleIncompatible.
    """
    card, content_hash = read_card(folder)
    contents = {name: _verified_bytes(folder / name, card.files.get(name)) for name in FILES}
    arrays = {name: _arrays(folder, name, contents[name]) for name in FILES[1:]}
    session = _session(folder, contents["model.onnx"], threads)
    bundle = Bundle(folder, content_hash, card, session, arrays["gate.npz"])
    try:
        _check_goldens(bundle, arrays["golden.npz"])
    except BundleError:
        raise
    except Exception as error:  # numpy and onnxruntime raise whatever comes to hand
        raise BundleIncompatible(f"{folder.name} does not run: {error}") from error
    return bundle


def _verified_bytes(path: Path, expected: str | None) -> bytes:
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != expected:
        raise BundleCorrupt(f"{path.parent.name}/{path.name} differs from the hash in card.json")
    return content


def _arrays(folder: Path, name: str, content: bytes) -> Arrays:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except Exception as error:  # zipfile, zlib and numpy raise whatever comes to hand
        raise BundleCorrupt(f"{folder.name}/{name} holds no arrays: {error}") from error


def _session(folder: Path, model: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes share no base
        raise BundleIncompatible(f"onnxruntime cannot load {folder.name}/model.onnx") from error
    if missing := set(OUTPUTS) - {output.name for output in session.get_outputs()}:
        raise BundleIncompatible(f"{folder.name}/model.onnx lacks {', '.join(sorted(missing))}")
    return session


def _check_goldens(bundle: Bundle, golden: Arrays) -> None:
    """That the network gives what it gave, in the shapes that card and gate go with."""
    name, card = f"{bundle.folder.name}/golden.npz", bundle.card
    if missing := [each for each in ("pixels", *OUTPUTS) if not len(golden.get(each, ()))]:
        raise BundleIncompatible(f"{name} lacks {', '.join(missing)}")
    if golden["pixels"].shape[1:] != (card.input.size, card.input.size):
        raise BundleIncompatible(f"{name} holds images of another size than card.json states")
    if golden["logits"].shape[1:] != (len(card.classes),):
        raise BundleIncompatible(f"{name} is of other classes than card.json states")
    _check_gate(bundle, golden["gate_features"].shape[-1])
    for i, pixels in enumerate(golden["pixels"]):
        inference = bundle.infer(pixels.astype(np.float32) / 255)
        for output, tolerance in GOLDEN_TOLERANCE[card.precision].items():
            found, expected = getattr(inference, output), golden[output][i]
            same = found.shape == expected.shape
            difference = np.abs(found - expected).max() if same else np.inf
            if not difference <= tolerance:
                raise BundleCorrupt(
                    f"{bundle.folder.name}: golden {i} differs in {output} by {difference:.2g}"
                )


def _check_gate(bundle: Bundle, features: int) -> None:
    """That `core.quality.gate_distance` can use the arrays."""
    name, gate = f"{bundle.folder.name}/gate.npz", bundle.gate
    if missing := [each for each in GATE_ARRAYS if each not in gate]:
        raise BundleIncompatible(f"{name} lacks {', '.join(missing)}")
    count = len(gate["components"])
    shapes = ((features,), (features,), (count, features), (count,), (2,))
    for each, shape in zip(GATE_ARRAYS, shapes, strict=True):
        if gate[each].shape != shape:
            raise BundleIncompatible(f"{name}: {each} does not fit the network's gate features")
