"""Radiographs with a known truth, from the sets that Pneumoscope is measured on."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pneumoscope.core.card import Card
from pneumoscope.core.types import Box
from pneumoscope.lab.data import TARGETS, DataError, DataRecipe, Example, fingerprint
from pneumoscope.lab.folds import held_out_mask
from pneumoscope.lab.nih import LABELS
from pneumoscope.lab.sources import read_sources, training_examples
from pneumoscope.lab.tables import Row, TableError, plausible_age, read_table

OPACITY, NORMAL = "Lung Opacity", "Normal"
RSNA_CLASSES = frozenset({OPACITY, NORMAL, "No Lung Opacity / Not Normal"})
BOXED = "boxed by NIH"
# Findings whose boxes mark what pneumonia looks like.
PNEUMONIA_FINDINGS = {"Lung Opacity", "Pneumonia", "Infiltrate", "Infiltration", "Consolidation"}
_SIDES = ("x", "y", "width", "height")
_HANNOVER = ("image", "patient_id", "age", "sex", "view", "finding")


class UnknownFold(DataError):
    """The bundle was not trained on these data, or does not say on what: its validation fold cannot
    be found in them."""

    code = "unknown_fold"
    remedy = (
        "Give --data the folders that the bundle was trained on, in the same order, "
        "or measure another split."
    )


class NoCases(DataError):
    """Nothing to measure on."""

    code = "no_cases"
    remedy = "Check --data, --set and --split."


@dataclass(frozen=True, slots=True)
class Case:
    """One radiograph. ill: the truth. target: the source's own word for it (normal, bacterial,
    Lung Opacity …). age: years. sex, view, site: "" where unknown."""

    path: Path
    ill: bool
    target: str
    patient: str
    age: float | None = None
    sex: str = ""
    view: str = ""
    site: str = ""
    split: str = ""


def labelled_cases(roots: Sequence[Path], split: str, card: Card) -> list[Case]:
    """Manifests and Kermany folders. split: train, test, all, or validation: the fold that the
    bundle was not trained on.

    Raises UnknownFold, NoCases, or what `read_sources` raises.
    """
    if split == "validation":
        examples = _validation_fold(roots, card)
    else:
        examples = [e for e in read_sources(roots) if split in ("all", e.split)]
    if not examples:
        raise NoCases(f"{', '.join(map(str, roots))}: nothing in split “{split}”.")
    return [_case(example) for example in examples]


def _validation_fold(roots: Sequence[Path], card: Card) -> list[Example]:
    """What training held out, chosen as training chose it."""
    model = f"{card.name} {card.version}"
    try:
        recipe, trained_on = card.raw["recipe"], card.data["fingerprint"]
        rule, seed = DataRecipe(**recipe["data"]), int(recipe["seed"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnknownFold(f"The card of {model} does not say what was held out.") from error
    examples = training_examples(roots, rule)
    if fingerprint(examples) != trained_on:
        raise UnknownFold(f"{model} was trained on other data than these.")
    held_out = held_out_mask(examples, rule, seed)
    return [example for example, held in zip(examples, held_out, strict=True) if held]


def _case(example: Example) -> Case:
    target = TARGETS[example.label]
    return Case(
        example.path,
        target != "normal",
        target,
        example.patient,
        example.age,
        example.sex,
        example.view,
        example.site,
        example.split,
    )


def nih_cases(root: Path, boxes: Container[str] = ()) -> list[Case]:
    """NIH radiographs that radiologists read for the RSNA challenge (Shih 2019): Lung Opacity is
    ill, Normal and "No Lung Opacity / Not Normal" are not.

    boxes: names of further images in which a radiologist boxed such a finding; they come as ill,
    with the target BOXED. Raises TableError.
    """
    rows = read_table(root / "labels.csv", LABELS)
    cases = [
        _row_case(root, row, "nih", row["rsna_class"], ill=row["rsna_class"] == OPACITY)
        for _, row in rows
    ]
    boxed = (replace(case, ill=True, target=BOXED) for case in cases if case.path.name in boxes)
    read = [case for case in cases if case.target in RSNA_CLASSES]
    named = {case.path for case in read}
    return read + [case for case in boxed if case.path not in named]


def hannover_cases(root: Path, normals: Path) -> list[Case]:
    """Hannover's COVID-19 radiographs, every one ill, and what the RSNA's radiologists called
    Normal among the NIH's at `normals`: there are no healthy patients from Hannover. Raises
    TableError."""
    rows = read_table(root / "labels.csv", _HANNOVER)
    ill = [_row_case(root, row, "hannover", row["finding"], ill=True) for _, row in rows]
    return ill + [case for case in nih_cases(normals) if case.target == NORMAL]


def _row_case(root: Path, row: Row, site: str, target: str, *, ill: bool) -> Case:
    return Case(
        root / "images" / row["image"],
        ill,
        target,
        f"{site}/{row['patient_id']}",
        plausible_age(row["age"]),
        row["sex"].upper(),
        row["view"].upper(),
        site,
    )


def read_boxes(table: Path) -> dict[str, list[Box]]:
    """Boxes of findings that pneumonia looks like, in pixels of their file, by its name. Columns:
    image, finding, x, y, width, height. Raises TableError."""
    boxes: dict[str, list[Box]] = {}
    for line, row in read_table(table, ("image", "finding", *_SIDES)):
        if row["finding"] in PNEUMONIA_FINDINGS:
            try:
                x, y, width, height = (float(row[side]) for side in _SIDES)
            except ValueError:
                raise TableError(f"{table}: the box in line {line} is not of numbers.") from None
            boxes.setdefault(row["image"], []).append((x, y, width, height))
    return boxes
