"""Pictures of a tuning study. Optuna draws such too, but warns that its own may change."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from optuna.trial import FrozenTrial

from pneumoscope.lab.ranges import Range

TEAL = "#0b6e6e"
# Fewer complete trials say nothing of what mattered.
ENOUGH_TRIALS = 5


def draw_slices(trials: Sequence[FrozenTrial], ranges: Sequence[Range], path: Path) -> None:
    """The validation loss of every complete trial against each value; later trials darker,
    the best one ringed."""
    columns = min(4, len(ranges))
    rows = -(-len(ranges) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.8 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    # Every complete trial has a value.
    losses = [trial.value or 0.0 for trial in trials]
    for axes, item in zip(grid, ranges, strict=False):
        _draw_slice(axes, [trial.params[item.name] for trial in trials], losses, item)
    for axes in grid[len(ranges) :]:
        axes.set_axis_off()
    for axes in grid[::columns]:
        axes.set_ylabel("validation loss")
    figure.savefig(path, dpi=110)


def _draw_slice(axes: Axes, values: list[Any], losses: list[float], item: Range) -> None:
    if item.choices:  # in the order of the range, not in that of the trials
        words = [json.dumps(choice) for choice in item.choices]
        values = [words.index(value) for value in values]
        axes.set_xticks(range(len(words)), words)
    order = range(len(losses))
    axes.scatter(values, losses, c=order, cmap="GnBu", vmin=-len(losses) / 2, s=22, zorder=2)
    best = losses.index(min(losses))
    axes.scatter(values[best], losses[best], s=90, facecolors="none", edgecolors="black")
    axes.set_xlabel(item.name)
    if item.log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif isinstance(item.low, int) and not item.choices:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)


def draw_importance(study: optuna.Study, path: Path) -> None:
    """How much of the losses' variance each value explains (fANOVA, Hutter et al. 2014).

    Nothing is drawn of a few trials, or of values that never changed.
    """
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < ENOUGH_TRIALS:
        return
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        importance = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except RuntimeError:  # no variance: every complete trial had the same values, or loss
        return
    names = list(importance)[::-1]
    figure = Figure(figsize=(6.4, 1 + 0.32 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [importance[name] for name in names], color=TEAL)
    axes.set_xlabel("share of the variance explained (fANOVA)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
