"""A recipe: everything a training run is decided by, read from TOML and kept in the bundle."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pneumoscope.core.bundle import Population
from pneumoscope.core.preprocess import InputContract
from pneumoscope.lab.augment import AugmentationRecipe
from pneumoscope.lab.data import DataRecipe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    name: str
    dropout: float


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    label_smoothing: float
    clip_norm: float
    ema_decay: float


@dataclass(frozen=True, slots=True)
class CardRecipe:
    """What people must know of the model and no run can measure."""

    title: str
    description: str
    licence: str
    intended_use: str
    limits: tuple[str, ...]
    region_level: float
    population: Population


@dataclass(frozen=True, slots=True)
class Recipe:
    name: str
    version: str
    seed: int
    card: CardRecipe
    data: DataRecipe
    input: InputContract
    network: NetworkRecipe
    optimiser: OptimiserRecipe
    augmentation: AugmentationRecipe


def _section(kind: type[T], values: dict[str, Any]) -> T:
    tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return kind(**tuples)
    except TypeError as error:
        raise ValueError(f"recipe section for {kind.__name__}: {error}") from error


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; an unknown or missing key raises ValueError naming it."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        values["card"]["population"] = _section(Population, values["card"]["population"])
    except KeyError as error:
        raise ValueError(f"recipe lacks the section {error}") from error
    sections: dict[str, Any] = {
        "card": CardRecipe,
        "data": DataRecipe,
        "input": InputContract,
        "network": NetworkRecipe,
        "optimiser": OptimiserRecipe,
        "augmentation": AugmentationRecipe,
    }
    built = {k: _section(kind, values.pop(k, {})) for k, kind in sections.items()}
    unknown = set(values) - {field.name for field in fields(Recipe)}
    if unknown:
        raise ValueError(f"recipe has unknown keys: {sorted(unknown)}")
    return _section(Recipe, {**values, **built})
