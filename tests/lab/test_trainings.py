"""Trainings side by side: which belong together, what sets the others apart."""

import json
import shutil
from dataclasses import replace

import pytest

from lab.made_sets import bright_bundle, hannover, nih
from pneumoscope.cli.main import main
from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.card import read_card
from pneumoscope.lab.trainings import (
    COLUMNS,
    VALIDATION,
    NotMeasured,
    Training,
    read_training,
    training_lines,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Two runs' bundles, measured on made adults, beside a test split that nobody may read."""
    root = tmp_path_factory.mktemp("trainings")
    nih(root / "data" / "nih_adult")
    hannover(root / "data" / "hannover_covid")
    bundles = [
        bright_bundle(root / run / "bundle", gain=gain) for run, gain in (("a", 8), ("b", 1))
    ]
    for bundle in bundles:
        arguments = ("--model", str(bundle), "--targets", str(root / "data"), "--no-test")
        assert main(["evaluate", *arguments, "--out", str(bundle)]) == 0
    return bundles


def test_a_training_is_measured_without_a_test_split(measured):
    report = json.loads((measured[0] / "report.json").read_text(encoding="utf-8"))
    assert set(report["sets"]) == {"nih_rsna", "hannover"}
    found = {row["measure"] for row in report["targets"]}
    assert found | {VALIDATION} == set(COLUMNS)
    training = read_training(measured[0])
    assert (training.run, training.bundle) == ("a", report["model"]["hash"])
    assert all(value is not None for value in training.figures.values())


def test_without_a_measurement_there_is_no_row(tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_find(), bundle, ignore=shutil.ignore_patterns("report.json"))
    with pytest.raises(NotMeasured):
        read_training(bundle)


def test_a_card_that_does_not_say_how_it_was_trained_is_named(measured, tmp_path, capsys):
    """Made by another program: measured and served like any, but its recipe is not known."""
    bundle = tmp_path / "bundle"
    shutil.copytree(measured[0], bundle)
    card = json.loads((bundle / "card.json").read_text(encoding="utf-8"))
    del card["recipe"]
    for key in ("intended_use", "limits"):
        del card[key]
    (bundle / "card.json").write_text(json.dumps(card | {"data": {}}), encoding="utf-8")
    report = json.loads((bundle / "report.json").read_text(encoding="utf-8"))
    report["model"]["hash"] = read_card(bundle)[1]
    (bundle / "report.json").write_text(json.dumps(report), encoding="utf-8")
    for command in (["trainings", str(bundle)], ["zoo", str(bundle)]):
        assert main(["models", *command]) == 1
        assert capsys.readouterr().err.startswith("unknown_recipe: The card of bright")
    (tmp_path / "data").mkdir()
    arguments = ["--data", str(tmp_path / "data"), "--split", "validation"]
    assert main(["evaluate", "--model", str(bundle), *arguments, "--out", str(tmp_path)]) == 1
    assert "unknown_fold: The card of bright" in capsys.readouterr().err
    assert main(["models", "card", str(bundle)]) == 0
    assert capsys.readouterr().out.count("Not stated.") == 3


def test_a_figure_that_was_not_measured_is_a_dash(measured, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(measured[0], bundle)
    report = json.loads((bundle / "report.json").read_text(encoding="utf-8"))
    report["targets"] = [row for row in report["targets"] if "mIoU" not in row["measure"]]
    (bundle / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert read_training(bundle).figures["mIoU of regions and boxes"] is None
    assert " – |" in next(
        line for line in training_lines([read_training(bundle)]) if "lung" in line
    )


def test_the_command_writes_what_the_table_is_made_of(measured, capsys):
    assert main(["models", "trainings", *map(str, measured), "--format", "json"]) == 0
    trainings = [Training(**row) for row in json.loads(capsys.readouterr().out)]
    assert trainings == [read_training(bundle) for bundle in measured]
    assert main(["models", "trainings", *map(str, measured)]) == 0
    assert capsys.readouterr().out.rstrip("\n") == "\n".join(training_lines(trainings)).rstrip("\n")


def training(run, seed, auroc, **settings):
    figures = dict.fromkeys(COLUMNS, auroc)
    return Training(run, "net", seed, 0, {"optimiser.epochs": 4, **settings}, "", "", figures)


def test_seeds_are_pooled_and_other_settings_are_told():
    first, second, third = (training(f"s{seed}", seed, 0.8 + seed / 10) for seed in (0, 1, 2))
    longer = training("long", 0, 0.5, **{"optimiser.epochs": 9})
    older = replace(longer, run="old", settings={})
    lines = list(training_lines([first, longer, second, third, older]))
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:8]] == [
        *("s0", "s1", "s2", "**mean ± SD of 3**"),
        *("long", "old"),
    ]
    assert "| 0.900 ± 0.100 |" in lines[5]
    assert lines[9:] == ["- long: optimiser.epochs 9, not 4\n"]


def test_one_without_a_figure_leaves_the_mean_of_the_others():
    rows = [training(str(seed), seed, value) for seed, value in enumerate((0.5, 0.7, None))]
    assert "| 0.600 ± 0.141 |" in list(training_lines(rows))[5]
    assert "±" not in list(training_lines(rows[1:]))[4].split(" | ", 4)[4]


def test_the_test_split_is_left_out_of_targets_alone(tmp_path, capsys):
    arguments = ["--data", str(tmp_path), "--no-test", "--out", str(tmp_path)]
    assert main(["evaluate", *arguments]) == 2
    assert "--targets" in capsys.readouterr().err
