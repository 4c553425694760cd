"""The contract other programs build on: records, order, exit status, and nothing lost."""

import csv
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from commands import COMMAND, SAMPLES, pneumoscope
from pneumoscope.cli import predict
from pneumoscope.cli.inputs import Input, PermissionDenied, input_error
from pneumoscope.core.bundle import bundle_find, load_bundle
from pneumoscope.core.explain import ZONES
from pneumoscope.core.record import Record, analysis_record
from pneumoscope.core.types import Analysis

NORMAL = SAMPLES / "normal_NORMAL2-IM-1427-0001.jpg"
PNEUMONIA = SAMPLES / "pneumonia_person1946_bacteria_4874.jpg"
DICOM = SAMPLES / "dicom_pneumonia.dcm"
KEYS = (
    *("path", "status", "code", "reason", "remedy", "probability", "positive", "threshold"),
    *("operating_point", "uncertain", "band"),
    *("aetiology", "regions", "quality", "model", "milliseconds"),
)


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def _records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=_no_constant) for line in output.splitlines()]


def _predict(*arguments: str | bytes | Path, status: int = 0) -> list[dict[str, Any]]:
    done = pneumoscope("predict", "--format", "jsonl", *arguments)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return _records(done.stdout)


def _check_analysed(record: dict[str, Any], width: int, height: int) -> None:
    assert tuple(record)[: len(KEYS)] == KEYS
    assert (record["code"], record["reason"], record["remedy"]) == (None, None, None)
    assert 0 <= record["probability"] <= 1
    assert record["positive"] is (record["probability"] >= record["threshold"])
    low, high = record["band"]
    assert record["uncertain"] is (low <= record["probability"] <= high)
    assert math.isclose(sum(record["aetiology"].values()), record["probability"], abs_tol=3e-6)
    for region in record["regions"]:
        x, y, w, h = region["box"]
        assert region["zone"] in ZONES
        assert 0 <= region["score"] <= 1
        assert 0 <= x <= x + w <= width + 0.2
        assert 0 <= y <= y + h <= height + 0.2
        assert x - 0.2 <= region["peak"][0] <= x + w + 0.2
        assert len(region["contour"]) >= 3
        assert all(len(point) == 2 for point in region["contour"])
    assert record["quality"]["verdict"] in {"pass", "warn"}
    assert set(record["model"]) == {"name", "version", "hash"}
    assert set(record["milliseconds"]) == {"decode", "infer", "explain", "total"}


def test_record_of_a_radiograph_field_by_field() -> None:
    (record,) = _predict(PNEUMONIA)
    with Image.open(PNEUMONIA) as image:
        _check_analysed(record, *image.size)
    assert (record["path"], record["status"]) == (str(PNEUMONIA), "analysed")
    bundle = load_bundle(bundle_find())
    assert record["model"]["hash"] == bundle.hash
    assert record["threshold"] == pytest.approx(bundle.card.threshold, abs=1e-6)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_operating_point_asked_for_decides(workers: str) -> None:
    card = load_bundle(bundle_find()).card
    for name, point in card.operating_points.items():
        (record,) = _predict("--operating-point", name, "--workers", workers, DICOM)
        assert record["operating_point"] == name
        assert record["threshold"] == pytest.approx(point.threshold, abs=1e-6)
        assert record["positive"] is (record["probability"] >= point.threshold)


def test_an_uncertain_result_advises_a_second_reader(tmp_path: Path) -> None:
    """Half a normal and half a pneumonia: whatever the number, its band decides the words."""
    a, b = (Image.open(path).convert("L").resize((900, 900)) for path in (NORMAL, PNEUMONIA))
    for i, share in enumerate((0.0, 0.35, 0.5, 0.65, 1.0)):
        Image.blend(a, b, share).save(tmp_path / f"{i}.png")
    records = [record for record in _predict(tmp_path) if record["status"] == "analysed"]
    done = pneumoscope("predict", tmp_path)
    advised = done.stdout.count("uncertain – a second reader is advised")
    uncertain = sum(record["uncertain"] for record in records)
    assert advised == uncertain
    assert f"({uncertain} of them uncertain)" in done.stdout


def test_input_order_over_files_folders_and_archives(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    (folder / "sub").mkdir(parents=True)
    for target in ("z.jpg", "a.jpg", "sub/m.jpg", ".hidden.jpg", "notes.md"):
        shutil.copy(NORMAL, folder / target)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.write(PNEUMONIA, "two.jpg")
        archive.write(NORMAL, "in/one.jpg")
    records = _predict(DICOM, tmp_path / "c.zip", folder, NORMAL)
    assert [record["path"] for record in records] == [
        str(DICOM),
        f"{tmp_path}/c.zip/two.jpg",
        f"{tmp_path}/c.zip/in/one.jpg",
        f"{folder}/a.jpg",
        f"{folder}/sub/m.jpg",
        f"{folder}/z.jpg",
        str(NORMAL),
    ]
    assert {record["status"] for record in records} == {"analysed"}


def _bad_inputs(folder: Path) -> dict[Path, set[str]]:
    """Files and what each must be called."""
    whole = NORMAL.read_bytes()
    contents = {
        "zero.jpg": (b"", {"empty_file"}),
        "text.dcm": (b"no image here\n" * 9, {"unsupported_format"}),
        "cut.jpg": (whole[: len(whole) // 2], {"truncated_file"}),
        "cut.dcm": (DICOM.read_bytes()[:60000], {"truncated_file", "corrupt_file"}),
        "paper.pdf": (b"%PDF-1.7\n%%EOF\n", {"unsupported_format"}),
        "page.html": (b"<!doctype html><title>x</title>", {"unsupported_format"}),
        "drawing.svg": (b"<svg><script>alert(1)</script></svg>", {"unsupported_format"}),
        "broken.zip": (b"PK\3\4" + bytes(40), {"corrupt_archive"}),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("ok.jpg", whole)
        archive.writestr("../../escaped.jpg", whole)
    (folder / "link.png").symlink_to(folder / "nowhere.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe.png")
    return {folder / name: codes for name, (_, codes) in contents.items()} | {
        folder / "slip.zip": {"unsafe_archive"},
        folder / "link.png": {"not_found"},
        folder / "loop.png": {"unreadable_file"},
        folder / "pipe.png": {"not_a_file"},
        folder / "empty": {"empty_folder"},
        folder / "missing.png": {"not_found"},
        folder / f"{'long' * 100}.png": {"unreadable_file"},
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_bad_inputs_have_names_and_stop_nothing(tmp_path: Path, workers: str) -> None:
    expected = _bad_inputs(tmp_path)
    records = _predict("--workers", workers, NORMAL, *expected, PNEUMONIA, status=1)
    first, *failed, last = records
    assert (first["status"], last["status"]) == ("analysed", "analysed")
    assert [record["path"] for record in failed] == [str(path) for path in expected]
    for record, codes in zip(failed, expected.values(), strict=True):
        assert tuple(record) == KEYS
        assert record["status"] == "failed"
        assert record["code"] in codes, record
        assert record["reason"]
        assert record["remedy"]
        assert record["probability"] is None


def test_what_is_wrong_in_a_folder_stops_nothing(tmp_path: Path) -> None:
    expected = _bad_inputs(tmp_path)
    shutil.copy(NORMAL, tmp_path / "zzz.jpg")
    *failed, last = _predict(tmp_path, status=1)
    assert (last["path"], last["status"]) == (str(tmp_path / "zzz.jpg"), "analysed")
    there = sorted(path for path in tmp_path.iterdir() if path.name not in ("empty", "zzz.jpg"))
    assert [Path(record["path"]) for record in failed] == there
    for record in failed:
        assert record["code"] in expected[Path(record["path"])], record


def test_a_file_over_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(1024**2 + 1)
    (record,) = _predict("--max-mb", "1", path, status=1)
    assert record["code"] == "file_too_large"


def test_a_photograph_is_rejected_without_a_number_and_is_no_failure(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "photo.png")
    (record,) = _predict(tmp_path / "photo.png")
    assert record["status"] == "rejected"
    assert record["code"]
    assert record["reason"]
    assert record["probability"] is None
    assert record["positive"] is None
    assert record["regions"] == []


def test_workers_change_nothing_but_the_time() -> None:
    def without_time(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [record | {"milliseconds": None} for record in records]

    one, two = _predict(SAMPLES), _predict("--workers", "2", SAMPLES)
    assert len(one) == 18
    assert without_time(one) == without_time(two)


def test_heatmaps_of_inputs_of_one_name_stay_two_files(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(PNEUMONIA, other / NORMAL.name)
    out = tmp_path / "made" / "heatmaps"
    records = _predict("--heatmaps", out, NORMAL, other, tmp_path / "missing", status=1)
    images = [Path(record["heatmap"]) for record in records if "heatmap" in record]
    assert sorted(images) == sorted(out.iterdir())
    assert len(images) == 2
    for path, width in zip(images, (1024, 968), strict=True):
        with Image.open(path) as image:
            assert (image.mode, image.width) == ("RGB", width)


def test_a_heatmap_that_cannot_be_kept_is_named_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / f"00001_{NORMAL.stem}.png").mkdir()  # refused as a full disk is
    first, second = _predict("--heatmaps", tmp_path, NORMAL, NORMAL, status=1)
    assert (first["status"], first["code"]) == ("failed", "heatmap_not_written")
    assert first["reason"].endswith("Is a directory.")
    assert Path(second["heatmap"]).is_file()


def test_csv_has_a_row_per_input(tmp_path: Path) -> None:
    done = pneumoscope("predict", "--format", "csv", PNEUMONIA, tmp_path / "missing")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 1
    assert [row["status"] for row in rows] == ["analysed", "failed"]
    assert rows[0]["positive"] in {"true", "false"}
    assert rows[0]["uncertain"] in {"true", "false"}
    assert 0 <= float(rows[0]["band_low"]) <= float(rows[0]["band_high"]) <= 1
    assert rows[0]["operating_point"] == "balanced"
    assert 0 <= float(rows[0]["bacterial"]) <= 1
    assert rows[1]["code"] == "not_found"
    assert rows[1]["probability"] == rows[1]["uncertain"] == rows[1]["band_low"] == ""
    assert "Research use only" in done.stderr
    assert "Research use only" not in done.stdout


def test_table_says_what_numbers_mean_and_what_it_is_not(tmp_path: Path) -> None:
    done = pneumoscope("predict", PNEUMONIA, tmp_path / "missing")
    assert done.returncode == 1
    assert re.search(r"likely pneumonia|below threshold", done.stdout)
    assert "THRESHOLD" in done.stdout
    assert "not_found: No such file or directory. Check the path." in done.stdout
    assert done.stdout.rstrip().endswith("Research use only – not a medical device.")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("predict",),
        ("predict", "--format", "xml", "x"),
        ("predict", "--workers", "0", "x"),
        ("predict", "--operating-point", "strict", "x"),
        ("predict", "--max-mb", "many", "x"),
        ("predict", "--model", "no-such-model", "x"),
        ("predict", "--heatmaps", str(NORMAL), "x"),
        ("unknown",),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    done = pneumoscope(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_model_analyses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bundle_find(), folder)
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)
    done = pneumoscope("predict", "--model", folder, NORMAL)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("bundle_corrupt: ")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    shutil.copy(NORMAL, path)
    (record,) = _predict(path)
    assert os.fsencode(record["path"]) == path
    assert pneumoscope("predict", path).returncode == 0


def test_no_name_moves_the_cursor(tmp_path: Path) -> None:
    shutil.copy(NORMAL, tmp_path / "a\x1b[2K\nb\x9b1A.jpg")
    done = pneumoscope("predict", tmp_path)
    assert done.stdout.splitlines()[1].endswith("/a\\x1b[2K\\x0ab\\x9b1A.jpg")
    assert "\x1b" not in done.stdout


def test_refusals_of_the_system_are_named() -> None:
    assert isinstance(input_error(PermissionError(13, "Permission denied")), PermissionDenied)


def test_a_defect_met_with_one_input_fails_that_input_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(path: str, analysis: Analysis) -> Record:
        return analysis_record(path, analysis) | {"probability": math.nan}

    bundle = load_bundle(bundle_find())
    monkeypatch.setattr(predict, "analysis_record", broken)
    item = Input(str(NORMAL), file=NORMAL)
    record = predict.predict_one((1, item), bundle=bundle, wishes=predict.Wishes(10**8))
    assert (record["status"], record["code"]) == ("failed", "unexpected_error")


def _endless(*options: str) -> subprocess.Popen[str]:
    """A run that lasts until something is done about it."""
    arguments = [*COMMAND, "predict", "--format", "jsonl", *options, *[str(NORMAL)] * 5000]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupted_it_ends_at_once_with_its_processes(workers: str) -> None:
    with _endless("--workers", workers) as process:
        assert process.stdout
        process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "Interrupted.\n"
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_processes_do_not_outlive_a_killed_parent() -> None:
    with _endless("--workers", "2") as process:
        assert process.stdout
        process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate(timeout=30)
    assert len(children) >= 2
    assert psutil.wait_procs(children, timeout=10)[1] == []


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_outputs_that_the_caller_closed(tmp_path: Path, form: str, closed: str) -> None:
    arguments = ("predict", "--format", form, "--heatmaps", tmp_path, NORMAL)
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, *map(str, arguments)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_a_full_disk_behind_the_output_is_named(form: str) -> None:
    with Path("/dev/full").open("w") as full:
        arguments = [*COMMAND, "predict", "--format", form, str(NORMAL)]
        done = subprocess.run(
            arguments, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("system_refused: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reader_that_leaves_is_no_error(workers: str) -> None:
    with _endless("--workers", workers) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(timeout=30)


def test_a_killed_worker_loses_no_other_input() -> None:
    arguments = [*COMMAND, "predict", "--format", "jsonl", "--workers", "2", *[str(NORMAL)] * 150]
    # Unbuffered: `communicate` does not see what `readline` would have read ahead.
    with subprocess.Popen(
        arguments, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        workers = [
            child
            for child in psutil.Process(process.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        workers[0].kill()
        output, _ = process.communicate(timeout=120)
    records = _records(output.decode())
    lost = [record for record in records if record["status"] == "failed"]
    assert len(records) == 149
    assert {record["code"] for record in lost} <= {"process_lost"}
    assert len(lost) <= 1
    assert process.returncode == len(lost)
