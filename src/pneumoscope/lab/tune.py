"""`pneumoscope tune`: search a recipe's values with Optuna, on as many machines as share a study.

A trial is one training, judged by the loss on the validation fold; one that falls behind the median
of the others at the same epoch, or whose values cannot be trained by, is given up.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.trial import TrialState

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.lab.data import CLASSES, Example, load_pixels
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.folds import divided
from pneumoscope.lab.loop import TrainingDiverged, fit, validate
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.progress import read_records
from pneumoscope.lab.ranges import Range, read_ranges, with_value
from pneumoscope.lab.recipe import Recipe, RecipeError, read_values, recipe_from, write_values
from pneumoscope.lab.sources import training_examples
from pneumoscope.lab.study import finished, shared_study, study_database
from pneumoscope.lab.study_plots import draw_importance, draw_slices

logger = logging.getLogger(__name__)


class NoCompleteTrial(PneumoscopeError):
    """Every trial was given up."""

    code = "no_complete_trial"
    remedy = "The log says why; narrow the ranges, lower batch_size, or give more --trials."


@dataclass(frozen=True, slots=True)
class Search:
    """values: the recipe's, which every trial starts from."""

    values: dict[str, Any]
    ranges: list[Range]
    training: Dataset
    validation: Dataset
    out: Path

    def __call__(self, trial: optuna.Trial) -> float:
        """Train once. Returns the validation loss of the weights that training gives."""
        values = self.values
        for item in self.ranges:
            values = with_value(values, item.path, item.suggest(trial))
        told = (f"{name} {value}" for name, value in trial.params.items())
        logger.info("trial %d: %s", trial.number, ", ".join(told))
        folder = self._folder(trial.number)
        write_values(values, folder / "recipe.toml")
        recipe = recipe_from(values)

        def report() -> None:
            record = read_records(folder)[-1]
            trial.report(record.validation_loss, record.epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        torch.manual_seed(recipe.seed)
        network = build_network(recipe.network, len(CLASSES))
        try:
            trained = fit(
                network, self.training, self.validation, recipe, folder, after_epoch=report
            )
        except (RecipeError, TrainingDiverged, torch.OutOfMemoryError) as error:
            logger.warning("trial %d is given up: %s", trial.number, error)
            raise optuna.TrialPruned from error
        finally:
            (folder / "checkpoint.pt").unlink(missing_ok=True)
        return validate(trained, self.validation).validation_loss

    def _folder(self, number: int) -> Path:
        folder = self.out / f"trial-{number:04}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise RecipeError(f"{folder} is of another study: choose another --out.") from None
        return folder


def tune(
    recipe: Path,
    ranges: Path,
    data: Sequence[Path],
    out: Path,
    *,
    study: str,
    trials: int,
    limit: int | None = None,
) -> Path:
    """Search until the study has `trials` finished trials, whoever ran them.

    data: as for training; no test split is read. study: a database's URL; the study in it is called
    by the recipe's name. limit: of how many images, drawn evenly from what there is. Writes
    out/trial-*/, best.toml, trials.jsonl, importance.png and slices.png, and returns the path of
    best.toml. What a killed process was at stays in the study as running and does not count.
    Raises RecipeError, StudyUnavailable, NoCompleteTrial, OneSidedFold.
    """
    values, searched = read_values(recipe), read_ranges(ranges)
    plan = recipe_from(values)
    examples = _limited(training_examples(data, plan.data), limit)
    with study_database(study) as database:
        shared = shared_study(database, plan, examples)
        search = _search(values, searched, examples, plan, out)
        try:
            _optimise(shared, search, trials)
        finally:
            best = write_study(shared, values, searched, out)
    if best is None:
        raise NoCompleteTrial(f"None of the trials of “{plan.name}” was trained to its end.")
    return best


def _optimise(study: optuna.Study, search: Search, trials: int) -> None:
    def stop_when_done(study: optuna.Study, _: optuna.trial.FrozenTrial) -> None:
        if finished(study) >= trials:
            study.stop()

    if finished(study) < trials:
        study.optimize(search, callbacks=[stop_when_done])


def _search(
    values: dict[str, Any],
    ranges: list[Range],
    examples: Sequence[Example],
    plan: Recipe,
    out: Path,
) -> Search:
    held_out = torch.from_numpy(divided(examples, plan.data, plan.seed))
    logger.info("reading %d radiographs", len(examples))
    whole = Dataset.of(examples, load_pixels(examples, plan.input))
    return Search(values, ranges, whole[~held_out], whole[held_out], out)


def _limited(examples: list[Example], limit: int | None) -> list[Example]:
    """Every n-th, so that sites and classes keep their shares: examples are sorted by path."""
    if limit is None or limit >= len(examples):
        return examples
    return [examples[i] for i in np.linspace(0, len(examples) - 1, limit).round().astype(int)]


def write_study(
    study: optuna.Study, values: dict[str, Any], ranges: Sequence[Range], out: Path
) -> Path | None:
    """best.toml, the recipe with the values of the best trial; trials.jsonl; two plots.

    Without a complete trial nothing is written. Returns the path of best.toml.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        return None
    out.mkdir(parents=True, exist_ok=True)
    for item in ranges:
        values = with_value(values, item.path, item.chosen(study.best_params))
    write_values(values, out / "best.toml")
    lines = [json.dumps(_row(trial)) for trial in study.get_trials(deepcopy=False)]
    (out / "trials.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw_slices(complete, ranges, out / "slices.png")
    draw_importance(study, out / "importance.png")
    return out / "best.toml"


def _row(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    seconds = trial.duration.total_seconds() if trial.duration else None
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "validation_loss": trial.value,
        "values": trial.params,
        "epochs": len(trial.intermediate_values),
        "seconds": seconds,
    }
