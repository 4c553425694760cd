"""`pneumoscope predict PATH…`: what other programs build on."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from pneumoscope.cli.formats import WRITERS, Tally
from pneumoscope.cli.inputs import Input, input_error, inputs
from pneumoscope.cli.numbers import positive
from pneumoscope.cli.paths import make_folder
from pneumoscope.cli.pool import map_ordered
from pneumoscope.core.bundle import Bundle, bundle_find, load_bundle
from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.operating import OPERATING_POINTS
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.record import Record, analysis_record, failure_record
from pneumoscope.core.render import render_overlay
from pneumoscope.core.types import Analysis, ModelReference

OVERLAY_SIDE = 1280
_MEGABYTE = 1024**2

Numbered = tuple[int, Input]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for, for every input alike."""

    max_bytes: int
    operating_point: str | None = None
    heatmaps: Path | None = None


class ProcessLost(PneumoscopeError):
    """The process that analysed this input was killed, or died."""

    code = "process_lost"
    remedy = "Analyse it alone; if that works, memory ran out: use fewer --workers."


class HeatmapNotWritten(PneumoscopeError):
    """The radiograph was analysed, but its overlay cannot be kept."""

    code = "heatmap_not_written"
    remedy = "Free space or choose another --heatmaps folder, and analyse it again."


class UnexpectedError(PneumoscopeError):
    """A defect of ours, met with this input."""

    code = "unexpected_error"
    remedy = "Report this with the file that led to it, if you may share it."


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a file, a folder (walked) or a zip (expanded)")
    add("--model", metavar="NAME|DIR", help="an installed model or a bundle's folder")
    add(
        "--operating-point",
        choices=OPERATING_POINTS,
        help="where to call pneumonia; default: the model's own choice",
    )
    add("--format", choices=WRITERS, default="table", help="default: %(default)s")
    add("--heatmaps", metavar="DIR", type=Path, help="write an overlay per radiograph, as PNG")
    add("--workers", metavar="N", type=positive, default=1, help="processes; default: 1")
    add(
        "--max-mb",
        metavar="N",
        type=positive,
        default=MAX_BYTES // _MEGABYTE,
        help="largest file in MiB; default: %(default)s",
    )


def run(options: argparse.Namespace) -> int:
    bundle = load_bundle(bundle_find(options.model))
    if options.heatmaps:
        make_folder("--heatmaps", options.heatmaps)
    writer, tally = WRITERS[options.format](), Tally()
    for record in _records(options, bundle):
        writer.write(record)
        tally.count(record)
        _show_progress(tally)
    _clear_progress()
    writer.close(tally)
    return 1 if tally.failed else 0


def _records(options: argparse.Namespace, bundle: Bundle) -> Iterator[Record]:
    wishes = Wishes(options.max_mb * _MEGABYTE, options.operating_point, options.heatmaps)
    tasks = enumerate(inputs(options.paths, wishes.max_bytes), start=1)
    if options.workers == 1:
        return map(partial(predict_one, bundle=bundle, wishes=wishes), tasks)
    return map_ordered(
        partial(_predictor, bundle.folder, wishes),
        tasks,
        workers=options.workers,
        lost=partial(_lost, model=bundle.reference),
    )


def _predictor(folder: Path, wishes: Wishes) -> Callable[[Numbered], Record]:
    """A process's own model, one thread: the processes are the parallelism."""
    return partial(predict_one, bundle=load_bundle(folder), wishes=wishes)


def _lost(task: Numbered, model: ModelReference) -> Record:
    error = ProcessLost("The process analysing it ended before it answered.")
    return failure_record(task[1].path, error, model)


def predict_one(task: Numbered, *, bundle: Bundle, wishes: Wishes) -> Record:
    """The record of one numbered input; whatever is wrong with it ends in the record."""
    number, item = task
    try:
        analysis = analyze(
            item.read(wishes.max_bytes),
            bundle,
            max_bytes=wishes.max_bytes,
            operating_point=wishes.operating_point,
        )
        record = analysis_record(item.path, analysis)
        json.dumps(record, allow_nan=False)  # a NaN is a failure here, not a crash at the end
        if wishes.heatmaps and analysis.status == "analysed":
            record["heatmap"] = str(_save_overlay(analysis, wishes.heatmaps, number, item.path))
    except PneumoscopeError as error:
        return failure_record(item.path, error, bundle.reference)
    except OSError as error:
        return failure_record(item.path, input_error(error), bundle.reference)
    except Exception as error:  # noqa: BLE001 - a defect met here must not take the others down
        unexpected = UnexpectedError(f"{type(error).__name__}: {error}")
        return failure_record(item.path, unexpected, bundle.reference)
    return record


def _save_overlay(analysis: Analysis, folder: Path, number: int, path: str) -> Path:
    """Named by the input's number and name: two inputs of one name stay two files. Raises
    HeatmapNotWritten."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(path).stem)[:80]
    target = folder / f"{number:05d}_{stem}.png"
    try:
        render_overlay(analysis, max_side=OVERLAY_SIDE).save(target, compress_level=1)
    except OSError as error:
        raise HeatmapNotWritten(f"{target}: {error.strerror or error}.") from error
    return target


def _show_progress(tally: Tally) -> None:
    """Only for eyes, and only where the records themselves go elsewhere."""
    if sys.stderr.isatty() and not sys.stdout.isatty():
        print(f"\r\x1b[K{tally}", end="", file=sys.stderr, flush=True)


def _clear_progress() -> None:
    if sys.stderr.isatty() and not sys.stdout.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
