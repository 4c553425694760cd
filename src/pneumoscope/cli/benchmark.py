"""`pneumoscope benchmark`: what each step costs, on made radiographs and on yours.

Every thread count is measured in a process of its own, so that peak memory is that of serving.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pneumoscope.cli.extras import extra_installed
from pneumoscope.cli.inputs import inputs
from pneumoscope.cli.made import made_dicom, made_jpeg
from pneumoscope.cli.numbers import positive
from pneumoscope.core.bundle import Bundle, bundle_find, load_bundle
from pneumoscope.core.calibrate import predict
from pneumoscope.core.decode import MAX_BYTES, decode
from pneumoscope.core.explain import heatmap_from_activation, regions_from_heatmap
from pneumoscope.core.preprocess import preprocess
from pneumoscope.core.quality import assess

STEPS = ("decode", "preprocess", "infer", "explain", "total")
WARM_UP = 3

Milliseconds = dict[str, list[float]]
Row = dict[str, Any]


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="radiographs to measure on, beside the made ones")
    add("--model", metavar="NAME|DIR", help="an installed model or a bundle's folder")
    add("--threads", type=positive, nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    add("--repeats", type=positive, default=30, metavar="N", help="per input; default: %(default)s")
    add("--format", choices=("table", "json"), default="table", help="default: %(default)s")


def run(options: argparse.Namespace) -> int:
    folder, machine = bundle_find(options.model), _machine()
    sets = _radiographs(folder, options.paths)
    rows: list[Row] = []
    for threads in options.threads:
        rows += _apart(_measure_bundle, folder, sets, threads, options.repeats)
    if extra_installed("lab"):
        rows += [_apart(_measure_densenet, n, options.repeats) for n in options.threads]
    if options.format == "json":
        print(json.dumps({**machine, "rows": rows}, indent=1, allow_nan=False))
    else:
        _print_table(rows)
    return 0


def _apart(function: Callable[..., Any], *arguments: object) -> Any:
    """Call it in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(function, *arguments).result()


def _radiographs(folder: Path, paths: list[str]) -> dict[str, list[bytes]]:
    """The made ones come from the bundle's first golden input, so that its gate lets them pass."""
    with np.load(folder / "golden.npz") as golden:
        small = golden["pixels"][0]
    sets = {
        "made JPEG 1300 × 900": [made_jpeg(small, 1300, 900)],
        "made DICOM 2500 × 2000": [made_dicom(small, 2500, 2000)],
    }
    if paths:
        sets["given files"] = [item.read(MAX_BYTES) for item in inputs(paths)]
    return sets


def _measure_bundle(
    folder: Path, sets: dict[str, list[bytes]], threads: int, repeats: int
) -> list[Row]:
    bundle = load_bundle(folder, threads=threads)
    rows = []
    for name, files in sets.items():
        measured: Milliseconds = {step: [] for step in STEPS}
        for data in files:
            for i in range(WARM_UP + max(1, repeats // len(files))):
                _measure_once(data, bundle, measured if i >= WARM_UP else None)
        rows.append(_row(f"{bundle.name}: {name}", len(files), threads, measured))
    return rows


def _measure_once(data: bytes, bundle: Bundle, measured: Milliseconds | None) -> None:
    """The steps of core.pipeline.analyze, with a look at the clock after each; every input is
    explained, also one that would be rejected."""
    clock = [time.perf_counter()]
    radiograph = decode(data)
    clock.append(time.perf_counter())
    pixels = preprocess(radiograph.pixels, bundle.card.input)
    clock.append(time.perf_counter())
    inference = bundle.infer(pixels)
    assess(radiograph, inference.gate_features, bundle)
    probability = predict(inference.logits, bundle.card).probability
    clock.append(time.perf_counter())
    heatmap = heatmap_from_activation(inference.activation, bundle.card.classes, probability)
    level = bundle.card.region_level
    regions_from_heatmap(heatmap, radiograph.width, radiograph.height, level)
    clock.append(time.perf_counter())
    if measured is not None:
        steps = [*np.diff(clock), clock[-1] - clock[0]]
        for name, seconds in zip(STEPS, steps, strict=True):
            measured[name].append(1000 * float(seconds))


def _measure_densenet(threads: int, repeats: int) -> Row:
    """The usual choice, run the usual way: DenseNet121 in eager torch, one forward pass."""
    import torch
    from monai.networks.nets.densenet import DenseNet121

    torch.set_num_threads(threads)
    network = DenseNet121(spatial_dims=2, in_channels=3, out_channels=3).eval()
    image = torch.zeros(1, 3, 224, 224)
    measured: Milliseconds = {"infer": []}
    with torch.inference_mode():
        for i in range(WARM_UP + repeats):
            started = time.perf_counter()
            network(image)
            if i >= WARM_UP:
                measured["infer"].append(1000 * (time.perf_counter() - started))
    return _row("DenseNet121, eager torch: 224 × 224", 1, threads, measured)


def _row(name: str, files: int, threads: int, measured: Milliseconds) -> Row:
    last = measured["total"] if "total" in measured else measured["infer"]
    return {
        "input": name,
        "files": files,
        "threads": threads,
        "median_ms": {step: round(median(values), 2) for step, values in measured.items()},
        "p95_ms": {
            step: round(float(np.percentile(values, 95)), 2) for step, values in measured.items()
        },
        "images_per_second": round(1000 / (sum(last) / len(last)), 1),
        "peak_resident_mb": round(_peak_resident_bytes() / 1e6),
    }


def _peak_resident_bytes() -> int:
    """Of this process alone. getrusage, which also remembers the process that started this one, is
    for systems without /proc; it counts in kibibytes, on macOS in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return 1024 * int(lines["VmHWM"].split()[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _machine() -> Row:
    """When and on what: other work on the machine is in every figure."""
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def _print_table(rows: list[Row]) -> None:
    layout = "{:<36} {:>7}" + " {:>13}" * len(STEPS) + " {:>9} {:>8}"
    print("Milliseconds, median / 95th percentile")
    print(layout.format("INPUT", "THREADS", *map(str.upper, STEPS), "IMAGES/S", "PEAK MB"))
    for row in rows:
        middle, high = row["median_ms"], row["p95_ms"]
        cells = [f"{middle[s]:.1f} / {high[s]:.1f}" if s in middle else "–" for s in STEPS]
        figures = (row["images_per_second"], row["peak_resident_mb"])
        print(layout.format(row["input"], row["threads"], *cells, *figures))
