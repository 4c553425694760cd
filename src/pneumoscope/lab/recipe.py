"""A recipe: everything a training run is decided by, read from TOML and kept in the bundle."""

import json
import math
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pneumoscope.core.card import Population
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.preprocess import InputContract
from pneumoscope.lab.augment import AugmentationRecipe
from pneumoscope.lab.data import DataRecipe

T = TypeVar("T")


class RecipeError(PneumoscopeError):
    """A recipe that cannot be followed."""

    code = "recipe_error"
    remedy = "Compare it with recipes/default.toml."


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    """name: a key of `networks.NETWORKS`; options: that function's further arguments."""

    name: str
    dropout: float
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    """How the loop trains; later keys have defaults that change nothing.

    learning_rate: the highest, see `schedule.learning_rate`. clip_norm: of all gradients together.
    ema_decay: per step. momentum: SGD's, with Nesterov's look ahead.
    focal_gamma: 0 is cross-entropy (Lin et al. 2017). balance: how classes within every source are
    made to weigh the same, see `balance.balanced_weights`. distillation: share of the loss that
    follows the teachers, 0..1. map_distillation: weight of the loss that keeps the map on the
    places where they see pneumonia, see `distillation.map_loss`. patience: epochs without a better
    validation loss after which training stops and the best epoch's average is taken; 0 is never.
    frozen_stages: 0 trains everything, n keeps the stem and the first n - 1 stages as they came.
    lung_attention: weight of the loss that tells a network which looks for lungs where they are.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    label_smoothing: float
    clip_norm: float
    ema_decay: float
    name: Literal["adamw", "sgd"] = "adamw"
    schedule: Literal["one_cycle", "cosine"] = "one_cycle"
    momentum: float = 0.9
    focal_gamma: float = 0.0
    balance: Literal["loss", "sampler", "none"] = "loss"
    distillation: float = 0.0
    map_distillation: float = 0.0
    patience: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    frozen_stages: int = 0
    lung_attention: float = 0.5


@dataclass(frozen=True, slots=True)
class CardRecipe:
    """What people must know of the model and no run can measure. data: each source, its citation
    and licence."""

    title: str
    description: str
    licence: str
    intended_use: str
    limits: tuple[str, ...]
    region_level: float
    population: Population
    data: tuple[str, ...]


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


SECTIONS: dict[str, Any] = {
    "card": CardRecipe,
    "data": DataRecipe,
    "input": InputContract,
    "network": NetworkRecipe,
    "optimiser": OptimiserRecipe,
    "augmentation": AugmentationRecipe,
}


def read_recipe(path: Path) -> Recipe:
    """Raises RecipeError, which names the key that is unknown, missing or of the wrong kind."""
    return recipe_from(read_values(path))


def read_values(path: Path) -> dict[str, Any]:
    """The TOML as it stands. Raises RecipeError where it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: {error}") from error


def recipe_from(values: dict[str, Any]) -> Recipe:
    """The recipe that TOML values describe; `values` stay as they are. Raises RecipeError."""
    missing = [name for name in SECTIONS if not isinstance(values.get(name), dict)]
    if missing:
        raise RecipeError(f"The section [{missing[0]}] is missing.")
    card = values["card"]
    population = _section(Population, card.get("population", {}), "card.population")
    sections = {**values, "card": {**card, "population": population}}
    built = {name: _section(kind, sections[name], name) for name, kind in SECTIONS.items()}
    recipe = _section(Recipe, {**values, **built}, "the recipe")
    _check_counts(recipe)
    return recipe


def _check_counts(recipe: Recipe) -> None:
    """What would otherwise fail only when the images have been read, or the network trained."""
    data, options = recipe.data, recipe.optimiser
    if data.folds < 2 or not 0 <= data.fold < data.folds:
        raise RecipeError(f"data: fold = {data.fold} is not one of folds = {data.folds}.")
    for key in ("epochs", "batch_size"):
        if getattr(options, key) < 1:
            raise RecipeError(f"optimiser: {key} = {getattr(options, key)} is not at least 1.")
    size, (low, high) = recipe.input.size, recipe.input.stretch
    if size < 1 or not 0 <= low < high <= 100:
        raise RecipeError(
            f"input: size = {size} is not at least 1, or stretch = {low}, {high} not two rising "
            "percentiles."
        )
    if not 0 < recipe.card.region_level < math.inf:
        raise RecipeError(f"card: region_level = {recipe.card.region_level} is not above 0.")


def _section(kind: type[T], values: dict[str, Any], name: str) -> T:
    if not isinstance(values, dict):
        raise RecipeError(f"{name} is no section.")
    hints = get_type_hints(kind)
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(values.keys() - known):
        raise RecipeError(f"{name} has unknown keys: {', '.join(unknown)}.")
    for key, value in values.items():
        if not _fits(value, hints[key]):
            raise RecipeError(f"{name}: {key} = {value!r} is not of the kind {hints[key]}.")
    tuples = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    try:
        return kind(**tuples)
    except TypeError as error:
        raise RecipeError(f"{name}: {error}.") from error


def _fits(value: object, hint: Any) -> bool:
    origin, kinds = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in kinds
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        kinds = kinds[:1] * len(value) if kinds[-1] is ... else kinds
        return len(value) == len(kinds) and all(map(_fits, value, kinds))
    if hint is float:
        number = isinstance(value, int | float) and not math.isnan(value)
        return number and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


def write_values(values: dict[str, Any], path: Path) -> None:
    """Write what `read_values` reads back: strings, numbers, lists and nested sections."""
    path.write_text("\n".join(_toml_lines(values, ())) + "\n", encoding="utf-8")


def _toml_lines(values: dict[str, Any], section: tuple[str, ...]) -> list[str]:
    lines = [f"\n[{'.'.join(section)}]"] if section else []
    inner = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines += [f"{_toml_key(k)} = {_toml_value(v)}" for k, v in values.items() if k not in inner]
    for key, value in inner.items():
        lines += _toml_lines(value, (*section, _toml_key(key)))
    return lines


def _toml_key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _toml_value(key)


def _toml_value(value: Any) -> str:
    """JSON's strings and booleans are TOML's, but for one control character."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
