"""The repository and the wheel made of it: what must be in them and what must not."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pydicom
import pytest
from PIL import Image

from commands import REPOSITORY, SAMPLES
from peers import require_peer
from pneumoscope.core.bundle import FILES, MODELS

MEGABYTE = 1e6
# Places and people of the machines that build this have no business in it. In pieces, so that this
# file passes too.
FORBIDDEN = [
    "/wo" + "rk/",
    "/ro" + "ot/",
    "/ho" + r"me/\w",
    "/op" + "t/pypi",
    "/op" + "t/wheels",
    "--extra-index" + "-url",
    "--find" + "-links",
    "BEGIN " + r"\w* ?PRIVATE KEY",
]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """What is or would be committed."""
    git = require_peer("git", "apt-get install git")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True)
    paths = [REPOSITORY / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def _required(path: Path) -> list[str]:
    return re.findall(r"^([\w.-]+)==", path.read_text(), re.MULTILINE)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_traces_of_the_machines_that_build_this(files: list[Path]) -> None:
    forbidden = re.compile("|".join(FORBIDDEN))
    found = []
    for path in files:
        text = path.read_bytes().decode("latin-1")  # pictures and models have words in them too
        if path != REPOSITORY / "Makefile":  # it keeps such options out of the locks, by name
            found += [f"{path.relative_to(REPOSITORY)}: {m}" for m in forbidden.findall(text)]
    # Torch notes for every node where its source lay.
    found += [str(path) for path in MODELS.glob("*/model.onnx") if b'.py"' in path.read_bytes()]
    assert found == []


def test_the_repository_stays_small(files: list[Path]) -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 20 * MEGABYTE
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 2.5 * MEGABYTE
    assert sum(path.stat().st_size for path in files) < 30 * MEGABYTE


def test_every_dependency_is_explained() -> None:
    rows = re.findall(
        r"^\| ([\w.-]+) \| (.+) \| (.+) \|$",
        (REPOSITORY / "docs" / "dependencies.md").read_text(),
        re.MULTILINE,
    )
    explained = {_normal(name) for name, why, licence in rows if why.strip() and licence.strip()}
    required = {
        _normal(name)
        for lock in (REPOSITORY / "requirements").glob("*.txt")
        for name in _required(lock)
    }
    assert required - explained == set()


def test_every_locked_requirement_has_hashes() -> None:
    for name in ("serve", "build", "dev"):
        text = (REPOSITORY / "requirements" / f"{name}.txt").read_text()
        blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
        assert blocks
        assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_locks_and_project_agree() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lab = (REPOSITORY / "requirements" / "lab.txt").read_text().splitlines()
    assert set(extras["lab"]) <= set(lab)
    locked = {_normal(name) for name in _required(REPOSITORY / "requirements" / "serve.txt")}
    wanted = {re.match(r"[\w.-]+", text)[0] for text in project["dependencies"] + extras["web"]}  # type: ignore[index]
    assert {_normal(name) for name in wanted} <= locked
    # Serving stays small.
    assert locked & {"torch", "pandas", "scikit-learn", "scipy", "monai", "onnx"} == set()


def test_the_wheel_carries_the_model_and_what_the_pages_need(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for bundle in MODELS.glob("*/card.json"):
        folder = f"pneumoscope/models/{bundle.parent.name}"
        assert {f"{folder}/{name}" for name in ("card.json", *FILES)} <= names
    web = REPOSITORY / "src" / "pneumoscope" / "web"
    pages = {path for kind in ("templates", "static") for path in web.glob(f"**/{kind}/**/*.*")}
    inside = {str(path.relative_to(web.parent.parent)) for path in pages if path.is_file()}
    assert inside <= names
    assert "pneumoscope/py.typed" in names
    roots = {name.split("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"pneumoscope"}
    assert wheel.stat().st_size < 25 * MEGABYTE


def test_samples_are_what_their_names_say() -> None:
    images = sorted(SAMPLES.glob("*.jpg"))
    assert [path.name.split("_")[0] for path in images] == ["normal"] * 8 + ["pneumonia"] * 8
    for path in images:
        with Image.open(path) as image:
            assert image.mode == "L"
            assert max(image.size) <= 1024


@pytest.mark.parametrize("name", ["dicom_normal.dcm", "dicom_pneumonia.dcm"])
def test_dicom_samples_are_as_a_detector_sends_them(name: str) -> None:
    dataset = pydicom.dcmread(SAMPLES / name)
    assert (dataset.Modality, dataset.PhotometricInterpretation) == ("DX", "MONOCHROME1")
    assert (dataset.BitsStored, dataset.pixel_array.max() < 4096) == (12, True)
    assert str(dataset.PatientName).startswith("Sample^")


@pytest.mark.parametrize("name", ["dicom_normal.dcm", "dicom_pneumonia.dcm"])
def test_dicom_samples_satisfy_the_standard(name: str) -> None:
    dciodvfy = require_peer("dciodvfy", "apt-get install dicom3tools")
    done = subprocess.run([dciodvfy, SAMPLES / name], capture_output=True, text=True, check=False)
    assert "Error" not in done.stderr


def _make(folder: Path, target: str) -> str:
    make = require_peer("make", "apt-get install make")
    command = [make, "-n", "--no-print-directory", target, f"PYTHON={sys.executable}"]
    # The tests may run below `make test`, whose flags are none of this make's business.
    outside = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}  # noqa: TID251
    done = subprocess.run(
        command, cwd=folder, env=outside, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that `make` looks at, without any environment."""
    (tmp_path / "requirements").mkdir()
    for name in ("Makefile", "pyproject.toml", *(REPOSITORY / "requirements").glob("*.txt")):
        relative = (REPOSITORY / name).relative_to(REPOSITORY)
        (tmp_path / relative).write_bytes((REPOSITORY / relative).read_bytes())
    return tmp_path


def _finish_environment(clone: Path) -> None:
    stamp = re.findall(r"touch (\.venv/stamp-\S+)", _make(clone, "run"))[0]
    (clone / ".venv").mkdir(exist_ok=True)
    (clone / stamp).touch()
    (clone / ".venv" / "installed").touch()


def test_make_run_installs_once(clone: Path) -> None:
    assert "-m venv .venv" in _make(clone, "run")
    _finish_environment(clone)
    assert _make(clone, "run") == "exec .venv/bin/pneumoscope serve --port 8000\n"


def test_make_begins_anew_on_a_half_made_or_stale_environment(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    assert "rm -rf .venv\n" in _make(clone, "run")
    _finish_environment(clone)
    with (clone / "requirements" / "serve.txt").open("a") as lock:
        lock.write("# another lock\n")
    assert "rm -rf .venv\n" in _make(clone, "run")
