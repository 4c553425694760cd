"""models, doctor, serve, train, benchmark: what they say and how they end."""

import json
import shutil
from pathlib import Path

import pytest

from commands import REPOSITORY, pneumoscope
from pneumoscope.cli import doctor, extras, main
from pneumoscope.cli.doctor import TRANSFER_SYNTAXES, Finding, _state_folder
from pneumoscope.core.bundle import bundle_find, load_bundle


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    assert all(name in output for name in main.COMMANDS)
    assert "Research use only" in output


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: pneumoscope {command}" in capsys.readouterr().out


def test_models_list_marks_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(f"* {bundle_find().name} ")]


def test_models_show_says_for_whom(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = load_bundle(bundle_find())
    assert main.main(["models", "show", bundle.name]) == 0
    output = capsys.readouterr().out
    assert bundle.hash in output
    assert bundle.card.population.description in output
    assert main.main(["models", "show", "--json", bundle.name]) == 0
    assert json.loads(capsys.readouterr().out) == {"hash": bundle.hash} | bundle.card.raw


def test_models_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["models", "verify"]) == 0
    assert capsys.readouterr().out.endswith("intact\n")
    damaged = tmp_path / "damaged"
    shutil.copytree(bundle_find(), damaged)
    (damaged / "golden.npz").write_bytes(b"")
    assert main.main(["models", "verify", str(damaged)]) == 1
    assert capsys.readouterr().err.startswith("damaged: bundle_corrupt: ")


def test_an_unknown_model_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["models", "show", "nobody"]) == 2
    code, remedy = capsys.readouterr().err.splitlines()
    assert code.startswith("bundle_not_found: ")
    assert remedy.startswith("  ")


def test_doctor_finds_nothing_wrong_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert "0 problems found." in output
    assert all(f"DICOM {syntax.keyword} " in output for syntax in TRANSFER_SYNTAXES)


def test_doctor_has_a_remedy_for_a_folder_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMOSCOPE_HOME", str(tmp_path / "new" / "home"))
    folder, disk = _state_folder()
    assert folder == Finding(folder.what, f"{tmp_path}/new/home, not made yet")
    assert disk.detail.endswith("GiB")
    (tmp_path / "file").touch()
    monkeypatch.setenv("PNEUMOSCOPE_HOME", str(tmp_path / "file" / "home"))
    assert next(_state_folder()).remedy.startswith(f"Make {tmp_path}/file a folder")
    monkeypatch.setenv("PNEUMOSCOPE_HOME", str(tmp_path / ("long" * 100)))
    assert "not made yet" in next(_state_folder()).detail


def test_doctor_finds_what_an_extra_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    required = ["numpy>=1", 'no-such-package[x]>=2; extra == "web"', 'nor-this>=1; extra == "lab"']
    monkeypatch.setattr(doctor, "requires", lambda _: required)
    monkeypatch.setattr(doctor, "extra_installed", lambda name: name == "web")
    numpy, missing = doctor._packages()
    assert not numpy.remedy
    assert (missing.detail, missing.remedy) == ("missing", "pip install 'no-such-package[x]>=2'")


def test_doctor_as_a_command_shows_problems_with_remedies(tmp_path: Path) -> None:
    done = pneumoscope("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"{tmp_path}/var, not made yet" in done.stdout


@pytest.mark.parametrize(
    ("command", "extra"), [("serve", "web"), ("serve", "dicom"), ("train", "lab")]
)
def test_a_missing_extra_is_named(
    command: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(extras.EXTRAS, extra, "no_such_module")
    needed = ["--recipe", "r", "--data", "d", "--out", "o"] if command == "train" else []
    assert main.main([command, *needed]) == 1
    error = capsys.readouterr().err
    assert error.startswith("missing_extra: ")
    assert "\n  Install it: " in error


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_serve_wants_a_port(port: str) -> None:
    assert pneumoscope("serve", "--port", port).returncode == 2


@pytest.mark.lab
def test_train_names_what_is_wrong_before_it_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    recipe = next((REPOSITORY / "recipes").glob("*.toml"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint").touch()
    for paths, complaint in (
        (("nowhere", tmp_path, tmp_path / "new"), "--recipe nowhere is not a file"),
        ((recipe, tmp_path / "nowhere", tmp_path / "new"), "is not a folder"),
        ((recipe, tmp_path, tmp_path / "out"), "is not empty"),
        ((recipe, tmp_path, tmp_path / "out" / "checkpoint"), "cannot be made a folder"),
    ):
        names = ("--recipe", "--data", "--out")
        options = [text for pair in zip(names, map(str, paths), strict=True) for text in pair]
        assert main.main(["train", *options]) == 2
        assert complaint in capsys.readouterr().err


def test_benchmark_measures_every_step() -> None:
    done = pneumoscope(
        *("benchmark", "--threads", "1", "--repeats", "2", "--format", "json"),
        REPOSITORY / "samples" / "dicom_normal.dcm",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["cores"] >= 1
    rows = [row for row in report["rows"] if "DenseNet" not in row["input"]]
    assert len(rows) == 3
    for row in rows:
        middle = row["median_ms"]
        assert set(middle) == {"decode", "preprocess", "infer", "explain", "total"}
        assert middle["total"] >= middle["infer"] > 0
        assert row["images_per_second"] > 0
        assert 20 < row["peak_resident_mb"] < 4000
