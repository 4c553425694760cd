"""What a search may change: a TOML file shaped like a recipe, with ranges in place of values."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna import Trial

from pneumoscope.lab.recipe import RecipeError


@dataclass(frozen=True, slots=True)
class Range:
    """Where one value of a recipe may lie.

    path: the keys that lead to it. Either `choices`, or low to high, both included: whole numbers
    when both are, in steps where `step` is given, evenly on a logarithmic scale when `log`.
    """

    path: tuple[str, ...]
    low: float | int = 0
    high: float | int = 0
    step: float | int | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def suggest(self, trial: Trial) -> Any:
        """A value of this range, chosen by the study's sampler. Choices go in as JSON: a study
        holds words and numbers, no lists."""
        if self.choices:
            words = tuple(map(json.dumps, self.choices))
            return json.loads(trial.suggest_categorical(self.name, words))
        if isinstance(self.low, int) and isinstance(self.high, int):
            step = int(self.step or 1)
            return trial.suggest_int(self.name, self.low, self.high, step=step, log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.log)

    def chosen(self, params: dict[str, Any]) -> Any:
        """The value of this range among a trial's, where choices stand as JSON."""
        value = params[self.name]
        return json.loads(value) if self.choices else value


def read_ranges(path: Path) -> list[Range]:
    """Raises RecipeError for what is no range."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return list(_ranges(values, ()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise RecipeError(f"{path}: {error}") from error


def _ranges(values: dict[str, Any], path: tuple[str, ...]) -> Iterator[Range]:
    if "choices" in values:
        yield Range(path, **{**values, "choices": tuple(values["choices"])})
    elif "low" in values:
        item = Range(path, **values)
        if not item.low < item.high:
            raise RecipeError(f"{item.name}: low must be below high.")
        yield item
    else:
        for key, value in values.items():
            if not isinstance(value, dict):
                raise RecipeError(
                    f"{'.'.join((*path, key))} is no range: low and high, or choices."
                )
            yield from _ranges(value, (*path, key))


def with_value(values: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy of a recipe's values with one of them replaced or added."""
    key, *rest = path
    inner = with_value(values.get(key, {}), tuple(rest), value) if rest else value
    return {**values, key: inner}
