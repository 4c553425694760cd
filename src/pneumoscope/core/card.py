"""card.json: what a bundle promises, parsed and free of contradictions."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

FORMAT = 2
PRECISIONS = ("float32", "int8")


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
    precision: of the network's weights, one of `PRECISIONS`.
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


def read_card(folder: Path) -> tuple[Card, str]:
    """Parse card.json and hash it. Raises BundleNotFound, BundleCorrupt, BundleIncompatible."""
    path = folder / "card.json"
    if not path.is_file():
        raise BundleNotFound(f"{folder} holds no card.json")
    content = read_bytes(path)
    try:
        raw = json.loads(content)
        if raw["format"] != FORMAT:
            raise BundleIncompatible(f"{folder.name} has format {raw['format']}, not {FORMAT}")
        card = _parse_card(raw)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BundleCorrupt(f"{folder.name}/card.json is not a model card: {error!r}") from error
    return card, hashlib.sha256(content).hexdigest()


def read_bytes(path: Path) -> bytes:
    """A file of a bundle. Raises BundleCorrupt where it is missing or may not be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BundleCorrupt(f"{path.parent.name} lacks {path.name}") from None
    except OSError as error:
        raise BundleCorrupt(
            f"{path.parent.name}/{path.name} cannot be read: {error.strerror}"
        ) from error


def _parse_card(raw: dict[str, Any]) -> Card:
    text = {
        k: str(raw[k]) for k in ("name", "version", "title", "description", "licence", "created")
    }
    if raw["classes"][0] != "normal":
        raise ValueError("the first class is not normal")
    precision = raw["precision"]["weights"]
    if precision not in PRECISIONS:
        raise ValueError(f"no precision {precision}")
    points = parse_operating_points(raw["operating_points"])
    if raw["operating_point"] not in points:
        raise ValueError(f"no operating point {raw['operating_point']}")
    return Card(
        **text,
        input=_parse_input(raw["input"]),
        classes=tuple(raw["classes"]),
        temperature=_positive(raw["calibration"]["temperature"]),
        operating_points=points,
        operating_point=str(raw["operating_point"]),
        uncertain=parse_band(raw["uncertain"]),
        region_level=_positive(raw["region_level"]),
        gate_limit=_positive(raw["gate"]["limit"]),
        precision=precision,
        population=_parse_population(raw["population"]),
        metrics=dict(raw["metrics"]),
        data=dict(raw["data"]),
        files=dict(raw["files"]),
        raw=raw,
    )


def _parse_input(raw: dict[str, Any]) -> InputContract:
    low, high = map(float, raw["stretch"])
    if not 0 <= low < high <= 100:
        raise ValueError(f"the contrast is stretched between the percentiles {low} and {high}")
    return InputContract(int(_positive(raw["size"])), (low, high))


def _parse_population(raw: dict[str, Any]) -> Population:
    low, high = map(float, raw["age"])
    return Population(str(raw["description"]), (low, high), tuple(map(str, raw["views"])))


def _positive(value: float) -> float:
    """What would otherwise make every result NaN, or everything pass."""
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{number} is not positive and finite")
    return number
