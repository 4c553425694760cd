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
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pneumoscope.core.errors import (
    BundleCorrupt,
    BundleIncompatible,
    BundleNotFound,
    UnknownOperatingPoint,
)
from pneumoscope.core.operating import (
    OperatingPoint,
    UncertainBand,
    parse_band,
    parse_operating_points,
)
from pneumoscope.core.preprocess import InputContract
from pneumoscope.core.types import FloatImage, ModelReference

FORMAT = 2
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
class Population:
    """Whom the model was validated on. age: years, lowest and highest. views: DICOM
    ViewPosition."""

    description: str
    age: tuple[float, float]
    views: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """card.json, parsed. `raw` keeps everything, also what only people read.

    classes: "normal" first. operating_point: the name of the one taken where none is asked for.
    precision: of the network's weights, a key of `GOLDEN_TOLERANCE`.
    """

    name: str
    version: str
    title: str
    description: str
    licence: str
    created: str
    input: InputContract
    classes: tuple[str, ...]
    temperature: float
    operating_points: dict[str, OperatingPoint]
    operating_point: str
    uncertain: UncertainBand
    region_level: float
    gate_limit: float
    precision: str
    population: Population
    metrics: dict[str, Any]
    data: dict[str, Any]
    files: dict[str, str]
    raw: dict[str, Any]

    @property
    def threshold(self) -> float:
        """Of the operating point taken where none is asked for."""
        return self.operating_points[self.operating_point].threshold

    def point(self, name: str | None) -> OperatingPoint:
        """An operating point by name, None for the card's own choice.

        Raises UnknownOperatingPoint.
        """
        try:
            return self.operating_points[name or self.operating_point]
        except KeyError:
            known = ", ".join(self.operating_points)
            raise UnknownOperatingPoint(f"no operating point “{name}” among {known}") from None


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
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(
            contents["model.onnx"], options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own classes share no base
        raise BundleIncompatible(f"onnxruntime cannot load {folder.name}/model.onnx") from error
    if missing := set(OUTPUTS) - {output.name for output in session.get_outputs()}:
        raise BundleIncompatible(f"{folder.name}/model.onnx lacks {', '.join(sorted(missing))}")
    bundle = Bundle(folder, content_hash, card, session, _gate(folder / "gate.npz"))
    _check_goldens(bundle, _arrays(folder / "golden.npz"))
    return bundle


def read_card(folder: Path) -> tuple[Card, str]:
    """Parse card.json and hash it. Raises as `load_bundle`."""
    path = folder / "card.json"
    if not path.is_file():
        raise BundleNotFound(f"{folder} holds no card.json")
    content = path.read_bytes()
    try:
        raw = json.loads(content)
        if raw["format"] != FORMAT:
            raise BundleIncompatible(f"{folder.name} has format {raw['format']}, not {FORMAT}")
        card = _parse_card(raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleCorrupt(f"{folder.name}/card.json is not a model card: {error!r}") from error
    return card, hashlib.sha256(content).hexdigest()


def _parse_card(raw: dict[str, Any]) -> Card:
    text = {
        k: str(raw[k]) for k in ("name", "version", "title", "description", "licence", "created")
    }
    population = raw["population"]
    if raw["classes"][0] != "normal":
        raise ValueError("the first class is not normal")
    precision = raw["precision"]["weights"]
    if precision not in GOLDEN_TOLERANCE:
        raise ValueError(f"no precision {precision}")
    points = parse_operating_points(raw["operating_points"])
    if raw["operating_point"] not in points:
        raise ValueError(f"no operating point {raw['operating_point']}")
    return Card(
        **text,
        input=InputContract(int(raw["input"]["size"]), tuple(raw["input"]["stretch"])),
        classes=tuple(raw["classes"]),
        temperature=float(raw["calibration"]["temperature"]),
        operating_points=points,
        operating_point=str(raw["operating_point"]),
        uncertain=parse_band(raw["uncertain"]),
        region_level=float(raw["region_level"]),
        gate_limit=float(raw["gate"]["limit"]),
        precision=precision,
        population=Population(
            population["description"], tuple(population["age"]), tuple(population["views"])
        ),
        metrics=dict(raw["metrics"]),
        data=dict(raw["data"]),
        files=dict(raw["files"]),
        raw=raw,
    )


def _verified_bytes(path: Path, expected: str | None) -> bytes:
    if not path.is_file():
        raise BundleCorrupt(f"{path.parent.name} lacks {path.name}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise BundleCorrupt(f"{path.parent.name}/{path.name} differs from the hash in card.json")
    return content


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _gate(path: Path) -> dict[str, NDArray[Any]]:
    arrays = _arrays(path)
    if missing := [name for name in GATE_ARRAYS if name not in arrays]:
        raise BundleIncompatible(f"{path.parent.name}/{path.name} lacks {', '.join(missing)}")
    return arrays


def _check_goldens(bundle: Bundle, golden: dict[str, NDArray[Any]]) -> None:
    if missing := [name for name in ("pixels", *OUTPUTS) if not len(golden.get(name, ()))]:
        raise BundleIncompatible(f"{bundle.folder.name}/golden.npz lacks {', '.join(missing)}")
    tolerance = GOLDEN_TOLERANCE[bundle.card.precision]
    for i, pixels in enumerate(golden["pixels"]):
        inference = bundle.infer(pixels.astype(np.float32) / 255)
        for name in OUTPUTS:
            difference = np.abs(getattr(inference, name) - golden[name][i]).max()
            if not difference <= tolerance[name]:
                raise BundleCorrupt(
                    f"{bundle.folder.name}: golden {i} differs in {name} by {difference:.2g}"
                )
