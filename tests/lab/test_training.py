"""`pneumoscope train` as a whole, on pictures made here."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.images import encode
from lab.processes import torchrun
from pneumoscope.core.bundle import load_bundle
from pneumoscope.lab.folds import OneSidedFold
from pneumoscope.lab.recipe import RecipeError
from pneumoscope.lab.train import train

pytestmark = pytest.mark.lab
RECIPE = Path(__file__).parents[2] / "recipes" / "default.toml"


def test_train_command_from_folder_to_verified_bundle(tmp_path, monkeypatch, capfd):
    """A tiny training through the real entry, in two processes: the bundle loads, verifies and
    runs, and one of them speaks."""
    data = tmp_path / "data"
    rng = np.random.default_rng(3)
    for i in range(12):
        kind = (
            "NORMAL/IM-{:04}-0001",
            "PNEUMONIA/person{}_bacteria_1",
            "PNEUMONIA/person{}_virus_1",
        )
        path = data / "train" / (kind[i % 3].format(i) + ".jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(rng.integers(0, 256, (80, 90), dtype=np.uint8), "JPEG"))
    text = RECIPE.read_text()
    for key, value in {"epochs": 1, "batch_size": 4, "folds": 2}.items():
        text = re.sub(rf"^{key} = \d+", f"{key} = {value}", text, flags=re.MULTILINE)
    quick = tmp_path / "recipe.toml"
    quick.write_text(text)
    run = tmp_path / "out"
    paths = ("--recipe", quick, "--data", data, "--frontal", data, "--out", run)
    torchrun(monkeypatch, "pneumoscope.cli", "train", *paths)
    output = capfd.readouterr()
    assert output.out == f"{run / 'bundle'}\n"
    assert len(re.findall("epoch 1: loss", output.err)) == 1
    bundle = load_bundle(run / "bundle")
    assert bundle.card.data["images"] == 12
    assert bundle.card.data["gate_sources"] == [f"{tmp_path.name}/data"]
    assert 0 < bundle.card.threshold < 1

    following = tmp_path / "following.toml"
    following.write_text(
        quick.read_text().replace("[optimiser]", "[optimiser]\ndistillation = 0.5")
    )
    taught = load_bundle(train(following, [data], tmp_path / "taught", teachers=[run]))
    assert taught.card.data["teachers"] == [bundle.hash]
    with pytest.raises(RecipeError, match="holds no checkpoint"):
        train(following, [data], tmp_path / "other", teachers=[data])


def test_a_fold_that_cannot_judge_ends_before_training(tmp_path):
    """All normal: found at once, not when thresholds are sought after hours."""
    path = tmp_path / "data" / "train" / "NORMAL"
    path.mkdir(parents=True)
    for i in range(14):
        pixels = np.full((32, 32), i, dtype=np.uint8)
        (path / f"IM-{i:04}-0001.jpeg").write_bytes(encode(pixels, "JPEG"))
    with pytest.raises(OneSidedFold, match="2 normal ones and 0 of pneumonia"):
        train(RECIPE, [tmp_path / "data"], tmp_path / "out")
    shutil.copytree(path, path.parents[1] / "val" / "PNEUMONIA")
    doubted = tmp_path / "data" / "manifest.csv"
    rows = [f"train/NORMAL/IM-{i:04}-0001.jpeg,normal,1" for i in range(14)]
    rows += [f"val/PNEUMONIA/IM-{i:04}-0001.jpeg,pneumonia,0.8" for i in range(14)]
    doubted.write_text("\n".join(["path,label,reliability", *rows]), encoding="utf-8")
    with pytest.raises(OneSidedFold, match="validation would have 2 normal ones and 0 of"):
        train(RECIPE, [tmp_path / "data"], tmp_path / "out")
    # What counts nothing teaches nothing, and judges nothing.
    weighed = doubted.read_text().replace("reliability", "weight").replace(",0.8", ",0")
    doubted.write_text(weighed, encoding="utf-8")
    with pytest.raises(OneSidedFold, match="and 0 of"):
        train(RECIPE, [tmp_path / "data"], tmp_path / "out")
