"""Searching a recipe: ranges, studies that are shared, what a study leaves behind."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path

import optuna
import pytest

from core.images import encode
from lab.blobs import RECIPE, SIDE, blobs, plan
from peers import postgres
from pneumoscope.cli.main import main
from pneumoscope.lab.ranges import Range, read_ranges, with_value
from pneumoscope.lab.recipe import RecipeError, read_recipe, read_values, recipe_from, write_values
from pneumoscope.lab.study import StudyUnavailable, shared_study, study_database
from pneumoscope.lab.study_plots import draw_importance
from pneumoscope.lab.tune import NoCompleteTrial, tune

pytestmark = pytest.mark.lab
RANGES = Path(__file__).parents[2] / "recipes" / "ranges"
SEARCHED = """
[network.options]
width = { low = 4, high = 8, step = 4 }
[optimiser]
learning_rate = { low = 1.0e-3, high = 3.0e-2, log = true }
balance = { choices = ["loss", "sampler"] }
[augmentation]
gamma = { choices = [[0.9, 1.1], [0.7, 1.45]] }
"""


@pytest.fixture
def task(tmp_path):
    """Images in Kermany's folders, a recipe trained in a second, ranges."""
    images = blobs(18, 0)
    kinds = ("NORMAL/IM-{:04}-0001", "PNEUMONIA/person{}_bacteria_1", "PNEUMONIA/person{}_virus_1")
    for i, pixels in enumerate(images.pixels[:, 0].numpy()):
        path = tmp_path / "data" / "train" / f"{kinds[i % 3].format(i)}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(pixels, "JPEG"))
    recipe = plan(epochs=2)
    values = read_values(RECIPE) | {
        "network": asdict(recipe.network),
        "optimiser": asdict(recipe.optimiser),
        "augmentation": asdict(recipe.augmentation),
        "input": asdict(recipe.input) | {"size": SIDE},
        "data": {"folds": 3, "fold": 0},
    }
    write_values(values, tmp_path / "recipe.toml")
    (tmp_path / "ranges.toml").write_text(SEARCHED)
    return tmp_path


def arguments(task: Path, out: str, trials: int) -> dict[str, object]:
    return {
        "recipe": task / "recipe.toml",
        "ranges": task / "ranges.toml",
        "data": [task / "data"],
        "out": task / out,
        "study": f"sqlite:///{task / 'study.db'}",
        "trials": trials,
    }


def words(given: dict[str, object]) -> list[str]:
    """The same on the command line."""
    values = given | {"data": given["data"][0]}
    return [f"--{name}={value}" for name, value in values.items()]


def test_a_study_ends_in_a_recipe_that_trains(task):
    best = tune(**arguments(task, "out", 6))
    recipe = read_recipe(best)
    rows = [json.loads(line) for line in (task / "out" / "trials.jsonl").read_text().splitlines()]
    complete = [row for row in rows if row["state"] == "complete"]
    winner = min(complete, key=lambda row: row["validation_loss"])
    assert len(rows) == 6
    assert recipe == read_recipe(task / "out" / f"trial-{winner['number']:04}" / "recipe.toml")
    assert recipe.optimiser.learning_rate == winner["values"]["optimiser.learning_rate"]
    assert recipe.network.options["width"] in (4, 8)
    assert recipe.augmentation.gamma in ((0.9, 1.1), (0.7, 1.45))
    for picture in ("slices.png", "importance.png"):
        assert (task / "out" / picture).read_bytes().startswith(b"\x89PNG")
    assert not list((task / "out").rglob("checkpoint.pt"))
    # A study that is finished is not gone on with, only written out again.
    assert tune(**arguments(task, "again", 6)).read_text() == best.read_text()
    assert not list((task / "again").glob("trial-*"))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_processes_share_a_study(task, database):
    """Started at the same moment on an empty database: no trial twice, none too many."""
    with postgres() if database == "postgresql" else nullcontext() as server:
        url = server.replace("://", "+psycopg://") if server else f"sqlite:///{task / 'study.db'}"
        program = [sys.executable, "-m", "pneumoscope.cli", "tune"]
        both = [
            subprocess.Popen(
                [*program, *words(arguments(task, out, 3) | {"study": url})], stderr=subprocess.PIPE
            )
            for out in ("one", "two")
        ]
        errors = [process.communicate(timeout=300)[1].decode() for process in both]
        assert [process.returncode for process in both] == [0, 0], errors
        with study_database(url) as opened:
            study = optuna.load_study(study_name=None, storage=opened)
            numbers = [trial.number for trial in study.trials]
    assert numbers == list(range(len(numbers)))
    assert 3 <= len(numbers) <= 4  # the other's last trial may have begun
    folders = [path.name for out in ("one", "two") for path in (task / out).glob("trial-*")]
    assert sorted(folders) == [f"trial-{number:04}" for number in numbers]


def test_a_database_that_is_lost_on_the_way_is_named(tmp_path):
    def ask(url: str) -> None:
        with study_database(url) as database:
            study = shared_study(database, plan(), [])
            with closing(sqlite3.connect(tmp_path / "study.db")) as other:
                other.execute("DROP TABLE trials")
            study.ask()

    with pytest.raises(StudyUnavailable, match="no such table"):
        ask(f"sqlite:///{tmp_path / 'study.db'}")


def test_trials_of_another_study_are_not_written_over(task):
    tune(**arguments(task, "out", 1))
    (task / "study.db").unlink()
    with pytest.raises(RecipeError, match="another study"):
        tune(**arguments(task, "out", 1))


def test_a_study_of_other_images_or_another_recipe_is_not_gone_on_with(task):
    tune(**arguments(task, "out", 1))
    with pytest.raises(RecipeError, match="another data"):
        tune(**arguments(task, "out", 2), limit=12)
    values = with_value(read_values(task / "recipe.toml"), ("optimiser", "epochs"), 1)
    write_values(values, task / "recipe.toml")
    with pytest.raises(RecipeError, match="another recipe"):
        tune(**arguments(task, "out", 2))


def test_trials_whose_values_do_not_fit_the_images_are_given_up(task):
    """Of twelve images no batch of 64 can be made: that trial ends, not the search."""
    (task / "ranges.toml").write_text("[optimiser]\nbatch_size = { choices = [64] }\n")
    with pytest.raises(NoCompleteTrial):
        tune(**arguments(task, "out", 2))
    assert len(list((task / "out").glob("trial-*"))) == 2


def test_what_mattered_is_not_drawn_of_values_that_never_changed(tmp_path):
    study = optuna.create_study()
    kind = optuna.distributions.CategoricalDistribution([4, 64])
    for loss in range(5):
        study.add_trial(
            optuna.trial.create_trial(params={"a": 4}, distributions={"a": kind}, value=float(loss))
        )
    draw_importance(study, tmp_path / "importance.png")
    assert not list(tmp_path.iterdir())


def test_trials_that_all_run_away_end_and_say_so(task):
    values = with_value(read_values(task / "recipe.toml"), ("optimiser", "learning_rate"), 1e30)
    write_values(values, task / "recipe.toml")
    (task / "ranges.toml").write_text("[optimiser]\nweight_decay = { low = 0.0, high = 0.1 }\n")
    with pytest.raises(NoCompleteTrial):
        tune(**arguments(task, "out", 2))
    assert not (task / "out" / "best.toml").exists()


@pytest.mark.parametrize("option", ["--trials=0", "--limit=-3"])
def test_nothing_to_search_on_is_wrong_usage(task, option):
    with pytest.raises(SystemExit, match="2"):
        main(["tune", *words(arguments(task, "out", 1)), option])


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("sqlite:////nowhere/study.db", "nowhere"),
        ("postgresql+psycopg://scope:secret@127.0.0.1:1/study", "refused"),
        ("oracle9://scope:secret@host/study", "oracle9"),
        ("postgresql+pg8000://scope:secret@host/study", "No module named .pg8000"),
        ("postgresql+psycopg://scope:secret@host:port/study", "port"),
    ],
)
def test_a_study_that_cannot_be_reached_is_named_without_its_password(task, url, named):
    with pytest.raises(StudyUnavailable, match=named) as caught:
        tune(**arguments(task, "out", 1) | {"study": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[optimiser]\nlearning_rate = 0.1", r"optimiser\.learning_rate"),
        ("[optimiser]\nlearning_rate = { low = 2, high = 1 }", r"optimiser\.learning_rate"),
        ("[optimiser]\nlearning_rate = { low = 1, hight = 2 }", "hight"),
        ("[optimiser", "ranges.toml"),
    ],
)
def test_what_is_no_range_is_named(tmp_path, text, named):
    path = tmp_path / "ranges.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=named):
        read_ranges(path)


@pytest.mark.parametrize("path", sorted(RANGES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_range_that_ships_fits_a_recipe_that_ships(path):
    """Every key exists, and lowest and highest values make a recipe."""
    base = RECIPE.parent / ("pneumonet.toml" if path.stem == "pneumonet" else "default.toml")
    for end in (0, -1):
        values = read_values(base)
        for item in read_ranges(path):
            ends = item.choices or (item.low, item.high)
            values = with_value(values, item.path, ends[end])
        recipe_from(values)


def test_values_are_suggested_of_their_kind():
    trial = optuna.trial.FixedTrial({"a": 3, "b": 0.5, "c": "[0.7, 1.4]"})
    assert Range(("a",), low=1, high=5, step=2).suggest(trial) == 3
    assert Range(("b",), low=0.1, high=1.0, log=True).suggest(trial) == 0.5
    listed = Range(("c",), choices=([0.7, 1.4], [0.9, 1.1]))
    assert listed.suggest(trial) == listed.chosen({"c": "[0.7, 1.4]"}) == [0.7, 1.4]


def test_the_command_says_what_is_missing(task, capsys):
    given = words(arguments(task, "out", 1) | {"ranges": task / "nowhere.toml"})
    assert main(["tune", *given]) == 2
    assert "nowhere.toml is not a file" in capsys.readouterr().err
