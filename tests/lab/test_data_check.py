"""What the check must find, planted: leaks, copies, bad files, shortcuts; and what it must pass."""

import json
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.images import encode, make_dicom
from pneumoscope.cli import main
from pneumoscope.lab.data import Example
from pneumoscope.lab.data_check import check_data
from pneumoscope.lab.shortcuts import Looks, shortcut_aurocs

pytestmark = pytest.mark.lab


def picture(seed: int, side: int = 72) -> np.ndarray:
    """Coarse noise: no two alike."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(30, 220, (9, 9)), np.ones((side // 9, side // 9))).astype(np.uint8)


def folder_of(root: Path, n: int = 12) -> list[Example]:
    examples = []
    for i in range(n):
        path = root / f"{i:02}.png"
        path.write_bytes(encode(picture(i), "PNG"))
        split = "test" if i >= n - 2 else "train"
        examples.append(Example(path, i % 2, f"p{i}", split, age=float(i), site="north"))
    return examples


def test_what_is_clean_is_called_clean(tmp_path):
    check = check_data(folder_of(tmp_path))
    assert check.clean
    assert (check.images, check.patients) == (12, 12)
    assert not check.exact_within + check.near_within + check.near_across + check.contradictions
    assert check.counts["split"] == {
        "train": {"normal": 5, "bacterial": 5},
        "test": {"normal": 1, "bacterial": 1},
    }
    assert list(check.counts["age"]) == ["under 1", "1–5", "6–17"]


def test_leaks_copies_and_bad_files_are_found_and_nothing_stops(tmp_path):
    examples = folder_of(tmp_path)
    paths = [example.path for example in examples]
    paths[1].write_bytes(paths[0].read_bytes())  # the same bytes, the other label
    paths[2].write_bytes(encode(picture(3)[::2, ::2], "JPEG", quality=90))  # looks like 3
    paths[10].write_bytes(encode(picture(4), "JPEG"))  # 4 again, in the test split
    paths[11].write_bytes(paths[9].read_bytes())  # the same bytes, in the test split
    paths[5].write_bytes(b"no picture")
    paths[8].write_bytes(make_dicom(picture(8))[:400])
    paths[6].write_bytes(b"")
    paths[7].unlink()
    examples[11] = replace(examples[11], patient="p8")
    check = check_data(examples)
    names = [[Path(p).name for p in group] for group in check.exact_within]
    assert names == [["00.png", "01.png"]]
    assert check.contradictions == check.exact_within
    assert check.of_two_patients == check.exact_within + check.exact_across
    assert [[Path(p).name for p in pair] for pair in check.near_within] == [["02.png", "03.png"]]
    assert [[Path(p).name for p in pair] for pair in check.near_across] == [["04.png", "10.png"]]
    assert [[Path(p).name for p in group] for group in check.exact_across] == [["09.png", "11.png"]]
    assert check.leaking_patients == {"p8": {"train": 1, "test": 1}}
    assert {(Path(bad.path).name, bad.code) for bad in check.unreadable} == {
        ("05.png", "unsupported_format"),
        ("06.png", "empty_file"),
        ("08.png", "truncated_file"),
        ("07.png", "unreadable_file"),
    }
    assert not check.clean


def test_a_set_of_nothing_readable_is_still_a_report(tmp_path):
    examples = [Example(tmp_path / "gone.png", 0, "p", "train")]
    check = check_data(examples)
    assert len(check.unreadable) == 1
    assert set(check.shortcuts.values()) == {None}


def looks(n: int, seed: int = 0) -> tuple[list[Example], Looks]:
    """Nothing that tells the classes apart."""
    rng = np.random.default_rng(seed)
    examples = [Example(Path(f"{i}"), i % 2, f"p{i}", "train") for i in range(n)]
    noise = rng.integers(0, 256, (n, 32, 32), dtype=np.uint8)
    return examples, Looks(rng.random(n), np.ones(n), rng.random(n), noise)


def test_noise_tells_nothing():
    for value in shortcut_aurocs(*looks(400)).values():
        assert value == pytest.approx(0.5, abs=0.12)


def test_planted_shortcuts_are_found():
    examples, nothing = looks(400)
    sick = np.array([e.label > 0 for e in examples])
    pixels = nothing.pixels.copy()
    pixels[sick, 0:3, 0:10] = 255  # a mark in one corner
    examples = [replace(e, view="AP" if e.label else "PA") for e in examples]
    found = shortcut_aurocs(
        examples, replace(nothing, bytes=nothing.bytes - 2 * sick, pixels=pixels)
    )
    for name in ("byte size", "border-only network", "corner-only network", "view"):
        assert found[name] > 0.95, name
    assert found["aspect ratio"] == 0.5
    assert found == shortcut_aurocs(
        examples, replace(nothing, bytes=nothing.bytes - 2 * sick, pixels=pixels)
    )


def test_what_is_in_the_middle_is_not_read():
    examples, nothing = looks(400)
    pixels = nothing.pixels.copy()
    pixels[[bool(e.label) for e in examples], 8:24, 8:24] = 255
    found = shortcut_aurocs(examples, replace(nothing, pixels=pixels))
    for name in ("border-only network", "corner-only network"):
        assert found[name] < 0.62


def test_one_class_has_no_figure_and_a_one_sided_site_is_named(tmp_path):
    examples = [replace(example, label=0) for example in folder_of(tmp_path)]
    check = check_data(examples)
    assert set(check.shortcuts.values()) == {None}
    assert check.one_sided_sites == ["north"]


def test_the_command_says_it_all_and_ends_by_what_it_found(tmp_path, capsys):
    folder_of(tmp_path)
    rows = [f"{i:02}.png,{'normal' if i % 2 else 'viral'},p{i},train" for i in range(12)]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join(["path,label,patient,split", *rows]), encoding="utf-8")
    assert main.main(["data", "check", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    summary = capsys.readouterr().out
    for words in ("12 images of 12 patients", "6*", "byte size", "0  unreadable files"):
        assert words in summary
    (tmp_path / "03.png").unlink()
    assert main.main(["data", "check", str(tmp_path), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [Path(bad["path"]).name for bad in report["unreadable"]] == ["03.png"]
    written = json.loads((tmp_path / "out" / "data_check.json").read_text())
    assert written["clean"]
    assert written.keys() == report.keys()


def test_a_column_of_another_name_is_told(tmp_path, capsys):
    """Nobody's patients are guessed, and nobody should believe that they were read."""
    folder_of(tmp_path)
    rows = [f"{i:02}.png,{'normal' if i % 2 else 'viral'},p{i // 2}" for i in range(12)]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join(["path,label,patient_id", *rows]), encoding="utf-8")
    assert main.main(["data", "check", str(tmp_path)]) == 0
    summary = capsys.readouterr().out
    assert summary.startswith("12 images of 12 patients\n")
    assert f"{manifest}: nothing is read from the columns patient_id\n" in summary


def test_a_disk_that_is_full_in_the_middle_is_named(tmp_path, capsys):
    folder_of(tmp_path)
    rows = [f"{i:02}.png,{'normal' if i % 2 else 'viral'}" for i in range(12)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        status = main.main(["data", "check", str(tmp_path), "--out", str(tmp_path / "out")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 1
    assert capsys.readouterr().err.startswith("system_refused: ")


def test_nothing_there_is_wrong_and_said(tmp_path, capsys):
    assert main.main(["data", "check", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("usage: DIR ")
    assert main.main(["data", "check", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("no_examples: ")


def test_nih_s_table_by_command(tmp_path, capsys):
    header = "image,patient_id,age,sex,view,nih_labels,rsna_class"
    (tmp_path / "labels.csv").write_text(f"{header}\na.png,1,30,F,PA,No Finding,\n")
    out = tmp_path / "manifest.csv"
    assert main.main(["data", "import", "nih", str(tmp_path), "--out", str(out)]) == 0
    assert "kept           1  normal" in capsys.readouterr().out
    assert out.read_text().splitlines()[1] == "images/a.png,normal,none,1,30,F,PA,nih,train,,0.9500"
    assert main.main(["data", "import", "nih", str(out), "--out", str(out)]) == 2
