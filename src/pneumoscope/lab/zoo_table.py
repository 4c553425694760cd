"""`pneumoscope models zoo`: what every network costs, beside what bundles of it reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from pneumoscope.core.card import Card, read_card
from pneumoscope.core.report import read_report
from pneumoscope.core.section import table
from pneumoscope.lab.trainings import run_name, stated_recipe

# {network: {set of images: ["run AUROC", …]}}
Reached: TypeAlias = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one grey image of 224 px, the class-activation map included.

    megaflops: a multiplication and an addition count two. milliseconds: median in onnxruntime,
    float32, one thread. megabytes: of the ONNX file.
    """

    parameters: int
    megaflops: float
    milliseconds: float
    megabytes: float


def reached(bundles: Sequence[Path]) -> Reached:
    """{network: {set of images: ["run AUROC", …]}} from the bundles' cards, which know the
    validation fold, and their report.json.

    A report that measured other weights than the bundle holds is passed over. A run that is called
    as its network is not named again. Raises UnknownRecipe, BundleError.
    """
    found: Reached = {}
    for folder in bundles:
        card, _ = read_card(folder)
        name = stated_recipe(card)["network.name"]
        run = "" if run_name(folder) == name else f"{run_name(folder)} "
        network = found.setdefault(name, {})
        for one, auroc in _aurocs(folder, card):
            network.setdefault(one, []).append(f"{run}{auroc:.3f}")
    return found


def _aurocs(folder: Path, card: Card) -> Iterator[tuple[str, float]]:
    if "validation_auroc" in card.metrics:
        yield "fold", card.metrics["validation_auroc"]
    report = read_report(folder) or {"sets": {}}
    for name, part in report["sets"].items():
        if auroc := _auroc(part):
            yield name, auroc


def _auroc(part: dict[str, Any]) -> float | None:
    """Sets of radiographs that must be refused have none."""
    figure = part.get("figures", {}).get("auroc")
    return figure[0] if figure else None


def cost_lines(costs: Mapping[str, Cost], figures: Reached) -> Iterator[str]:
    """A Markdown table, one line per network; a column of AUROCs per set of images. A network that
    only a bundle knows has no costs."""
    sets = sorted({name for found in figures.values() for name in found})
    heads = ["network", "parameters", "MFLOPs", "ms", "MB", *(f"AUROC {name}" for name in sets)]
    rows = []
    for name in dict.fromkeys((*costs, *figures)):
        reached_there = (figures.get(name, {}).get(one, ["–"]) for one in sets)
        rows.append([name, *_cost_cells(costs.get(name)), *map(", ".join, reached_there)])
    yield from table(heads, rows)


def _cost_cells(cost: Cost | None) -> list[str]:
    if cost is None:
        return ["–"] * len(fields(Cost))
    return [
        f"{cost.parameters / 1e6:.2f} M",
        f"{cost.megaflops:.0f}",
        f"{cost.milliseconds:.1f}",
        f"{cost.megabytes:.1f}",
    ]
