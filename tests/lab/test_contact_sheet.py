"""The sheet shows every kind of radiograph, the original first, and is the same every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.images import encode, radiograph_8_bit
from pneumoscope.cli import main
from pneumoscope.core.preprocess import InputContract
from pneumoscope.lab.contact_sheet import contact_sheet
from pneumoscope.lab.data import Example, load_pixels
from pneumoscope.lab.recipe import read_recipe

pytestmark = pytest.mark.lab
RECIPE = Path(__file__).parents[2] / "recipes" / "default.toml"
SIDE = 64


def examples(folder: Path) -> list[Example]:
    made = []
    for i in range(6):
        path = folder / f"{i}.png"
        path.write_bytes(encode(np.roll(radiograph_8_bit(), 9 * i, axis=0), "PNG"))
        made.append(Example(path, i % 3, str(i), "train", site="north" if i < 3 else "south"))
    return made


def test_a_row_per_radiograph_and_the_original_first(tmp_path):
    recipe = replace(read_recipe(RECIPE), input=InputContract(size=SIDE))
    recipe = replace(recipe, augmentation=replace(recipe.augmentation, cutmix=1.0))
    made = examples(tmp_path)
    sheet = contact_sheet(made, recipe, rows=6, copies=3, seed=1)
    assert sheet.mode == "L"
    # Labels and sites take turns: with six rows every example is shown.
    pixels = np.asarray(sheet)
    originals = {load_pixels([e], recipe.input)[0].tobytes() for e in made}
    rows = [pixels[8 + i * (SIDE + 22) :][:SIDE] for i in range(6)]
    assert {row[:, 8 : 8 + SIDE].tobytes() for row in rows} == originals
    copies = {row[:, 8 + k * (SIDE + 8) :][:, :SIDE].tobytes() for row in rows for k in (1, 2, 3)}
    assert len(copies) == 18
    assert not copies & originals
    assert sheet == contact_sheet(made, recipe, rows=6, copies=3, seed=1)
    assert sheet != contact_sheet(made, recipe, rows=6, copies=3, seed=2)


def test_the_command_writes_a_picture(tmp_path):
    names = "\n".join(f"{e.path.name},normal,train" for e in examples(tmp_path))
    (tmp_path / "manifest.csv").write_text(f"path,label,split\n{names}\n", encoding="utf-8")
    arguments = ["--recipe", RECIPE, "--data", tmp_path, "--out", tmp_path / "sheet.png"]
    assert main.main(["data", "sheet", *map(str, arguments), "--rows", "2", "--copies", "1"]) == 0
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("wrong", ["--out", "--recipe"])
def test_a_path_that_cannot_be_is_named(tmp_path, wrong, capsys):
    examples(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,label\n0.png,normal\n", encoding="utf-8")
    paths = {"--recipe": RECIPE, "--data": tmp_path, "--out": tmp_path / "sheet.png"}
    paths[wrong] = tmp_path / "nowhere" / "file"
    arguments = [str(part) for pair in paths.items() for part in pair]
    assert main.main(["data", "sheet", *arguments]) == 2
    assert "nowhere" in capsys.readouterr().err
