"""`pneumoscope tune`: search a recipe's values with Optuna, on as many machines as share a study.

A trial is one training, judged by the loss on the validation fold; one that falls behind the median
of the others at the same epoch is given up.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.lab.checkpoint import decisive
from pneumoscope.lab.data import CLASSES, Example, fingerprint, load_pixels
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.folds import held_out_mask
from pneumoscope.lab.loop import TrainingDiverged, fit, validate
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.progress import read_records
from pneumoscope.lab.ranges import Range, read_ranges, with_value
from pneumoscope.lab.recipe import Recipe, RecipeError, read_values, recipe_from, write_values
from pneumoscope.lab.sources import training_examples
from pneumoscope.lab.study_plots import draw_importance, draw_slices

logger = logging.getLogger(__name__)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
LOCK_SECONDS = 60


class NoCompleteTrial(PneumoscopeError):
    """Every trial was given up."""

    code = "no_complete_trial"
    remedy = "The log says why; narrow the ranges, lower batch_size, or give more --trials."


class StudyUnavailable(PneumoscopeError):
    """The database of the study cannot be used."""

    code = "study_unavailable"
    remedy = "Give --study as sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE."


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
        folder = self.out / f"trial-{trial.number:04}"
        folder.mkdir(parents=True)
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
        except (TrainingDiverged, torch.OutOfMemoryError) as error:
            logger.warning("trial %d is given up: %s", trial.number, error)
            raise optuna.TrialPruned from error
        finally:
            (folder / "checkpoint.pt").unlink(missing_ok=True)
        return validate(trained, self.validation).validation_loss


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
    Raises RecipeError, StudyUnavailable, NoCompleteTrial.
    """
    values, searched = read_values(recipe), read_ranges(ranges)
    plan = recipe_from(values)
    examples = _limited(training_examples(data, plan.data), limit)
    shared = _shared_study(study, plan, examples)
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
        if _finished(study) >= trials:
            study.stop()

    if _finished(study) < trials:
        study.optimize(search, callbacks=[stop_when_done])


def _finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=FINISHED))


def _search(
    values: dict[str, Any],
    ranges: list[Range],
    examples: Sequence[Example],
    plan: Recipe,
    out: Path,
) -> Search:
    held_out = torch.from_numpy(held_out_mask(examples, plan.data, plan.seed))
    whole = Dataset.of(examples, load_pixels(examples, plan.input))
    return Search(values, ranges, whole[~held_out], whole[held_out], out)


def _limited(examples: list[Example], limit: int | None) -> list[Example]:
    """Every n-th, so that sites and classes keep their shares: examples are sorted by path."""
    if limit is None or limit >= len(examples):
        return examples
    return [examples[i] for i in np.linspace(0, len(examples) - 1, limit).round().astype(int)]


def _shared_study(url: str, plan: Recipe, examples: Sequence[Example]) -> optuna.Study:
    """The study of this recipe and these images. Raises RecipeError where it is of others."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=_storage(url),
        study_name=plan.name,
        load_if_exists=True,
        # Unseeded: two machines with one seed would try the same values.
        sampler=optuna.samplers.TPESampler(multivariate=True, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )
    begun_with = {"data": fingerprint(examples), "recipe": json.dumps(decisive(plan))}
    for key, value in begun_with.items():
        if study.user_attrs.get(key, value) != value:
            raise RecipeError(f"The study “{plan.name}” was begun with another {key}: rename one.")
        study.set_user_attr(key, value)
    return study


def _storage(url: str, attempts: int = 3) -> optuna.storages.RDBStorage:
    """SQLite waits for others to finish writing. Of two processes that make the tables at the same
    moment one fails, and finds them made the next time."""
    options = {"connect_args": {"timeout": LOCK_SECONDS}} if url.startswith("sqlite") else {}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=options)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        if attempts == 1:
            raise StudyUnavailable(f"{url}: {error}") from error
    time.sleep(1)
    return _storage(url, attempts - 1)


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
