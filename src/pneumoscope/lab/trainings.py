"""`pneumoscope models trainings`: what several trainings came to, side by side.

Read from the report that `pneumoscope evaluate --targets DATA --no-test` leaves beside a bundle,
and from its card. No official test split has a part in it: recipes are chosen by these figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from pneumoscope.core.card import Card, read_card
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.report import number, read_report
from pneumoscope.core.section import table

VALIDATION = "validation fold"
# What is asked of adults (evaluation.targets), as it is called at the head of a column.
COLUMNS = {
    VALIDATION: VALIDATION,
    "NIH adults: Lung Opacity against Normal, AUROC": "NIH opacity / normal",
    "the same within AP": "AP",
    "the same within PA": "PA",
    "NIH adults: Lung Opacity against all others, AUROC": "opacity / all others",
    "Hannover sensitivity where 90 % of NIH Normal are negative": "Hannover",
    "pointing game, true positives with a box": "pointing game",
    "mIoU of regions and boxes": "mIoU",
}


class NotMeasured(PneumoscopeError):
    """A training of which no figure was taken yet."""

    code = "not_measured"
    remedy = "Run pneumoscope evaluate --targets DATA --no-test --model BUNDLE --out BUNDLE."


class UnknownRecipe(PneumoscopeError):
    """A card that does not say by what recipe its model was trained."""

    code = "unknown_recipe"
    remedy = "Leave that bundle out: only those that `pneumoscope train` exported can be compared."


@dataclass(frozen=True, slots=True)
class Training:
    """One run. settings: what else decided it, "section.key" to value, the sites trained on
    included. bundle: its hash. measured: date. figures: by measure, None where there is none."""

    run: str
    network: str
    seed: int
    fold: int
    settings: dict[str, Any]
    bundle: str
    measured: str
    figures: dict[str, float | None]


def run_name(folder: Path) -> str:
    """The run's folder, where the bundle lies as training left it; else the model's name."""
    return folder.resolve().parent.name if folder.name == "bundle" else read_card(folder)[0].name


def stated_recipe(card: Card) -> dict[str, Any]:
    """ "section.key" to value. Raises UnknownRecipe."""
    recipe = card.raw.get("recipe")
    values = _flat(recipe) if isinstance(recipe, dict) else {}
    if missing := [key for key in ("network.name", "seed", "data.fold") if key not in values]:
        what = ", ".join(missing)
        raise UnknownRecipe(f"The card of {card.name} {card.version} does not say its {what}.")
    return values


def read_training(folder: Path) -> Training:
    """Raises NotMeasured, UnknownRecipe, BundleError."""
    card, content_hash = read_card(folder)
    report = read_report(folder)
    if report is None or "targets" not in report:
        raise NotMeasured(f"{folder} was not measured with --targets.")
    found = {row["measure"]: row["found"][0] for row in report["targets"]}
    if (validation := card.metrics.get("validation_auroc")) is not None:
        found[VALIDATION] = round(validation, 4)
    settings = stated_recipe(card)
    for identity in ("name", "version"):
        settings.pop(identity, None)
    return Training(
        run=run_name(folder),
        network=settings.pop("network.name"),
        seed=settings.pop("seed"),
        fold=settings.pop("data.fold"),
        settings=settings | {"sites": ", ".join(card.data.get("sites", ())) or "not named"},
        bundle=content_hash,
        measured=report["date"],
        figures={measure: found.get(measure) for measure in COLUMNS},
    )


def _flat(recipe: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        found |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return found


def training_lines(trainings: Sequence[Training]) -> Iterator[str]:
    """A Markdown table: every run, and below runs that differ in seed or fold alone their mean and
    standard deviation; then what sets each group apart from the first."""
    groups: list[list[Training]] = []
    for training in trainings:
        alike = (group for group in groups if _decided_alike(group[0], training))
        group = next(alike, None)
        groups.append([training]) if group is None else group.append(training)
    rows = [row for group in groups for row in _group_rows(group)]
    yield from table(("run", "network", "seed", "fold", *COLUMNS.values()), rows)
    for group in groups[1:]:
        if told := _differences(groups[0][0], group[0]):
            yield f"- {', '.join(t.run for t in group)}: {'; '.join(told)}\n"


def _decided_alike(one: Training, other: Training) -> bool:
    return (one.network, one.settings) == (other.network, other.settings)


def _group_rows(group: Sequence[Training]) -> Iterator[tuple[str, ...]]:
    for training in group:
        figures = (number(training.figures[measure], _digits(measure)) for measure in COLUMNS)
        decided = (training.run, training.network, str(training.seed), str(training.fold))
        yield *decided, *figures
    if len(group) > 1:
        spread = (_mean_and_deviation(group, measure) for measure in COLUMNS)
        yield f"**mean ± SD of {len(group)}**", group[0].network, "", "", *spread


def _mean_and_deviation(group: Sequence[Training], measure: str) -> str:
    values = [value for t in group if (value := t.figures[measure]) is not None]
    if len(values) < 2:
        return number(None)
    digits = _digits(measure)
    return f"{number(mean(values), digits)} ± {number(stdev(values), digits)}"


def _digits(measure: str) -> int:
    """The validation fold is so easy that only the fourth digit tells trainings apart."""
    return 4 if measure == VALIDATION else 3


def _differences(first: Training, other: Training) -> list[str]:
    """Settings that both name and that differ: a key that an older version did not know says
    nothing."""
    return [
        f"{key} {other.settings[key]}, not {value}"
        for key, value in first.settings.items()
        if key in other.settings and other.settings[key] != value
    ]
