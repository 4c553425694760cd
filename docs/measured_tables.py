"""Tables of docs/measurements.md, from what commands wrote into docs/measured."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pneumoscope.core.report import number, percent
from pneumoscope.core.section import table
from pneumoscope.lab.trainings import Training, training_lines
from pneumoscope.lab.zoo_table import Cost, cost_lines

MEASURED = Path(__file__).parent / "measured"
STEPS = ("decode", "preprocess", "infer", "explain", "total")


def trainings() -> Iterator[str]:
    rows = _json("trainings.json")
    yield f"Measured on {_days(rows)}.\n"
    yield from training_lines([Training(**row) for row in rows])


def tuning() -> Iterator[str]:
    """The best five of pneumonet's study."""
    lines = (MEASURED / "pneumonet_trials.jsonl").read_text(encoding="utf-8").splitlines()
    trials = [json.loads(line) for line in lines]
    complete = [trial for trial in trials if trial["state"] == "complete"]
    complete.sort(key=lambda trial: trial["validation_loss"])
    yield f"{len(trials)} trials, {len(trials) - len(complete)} of them given up early.\n"
    searched = list(complete[0]["values"])
    head = ("trial", "validation loss", *(name.rpartition(".")[2] for name in searched))
    rows = [
        (
            str(trial["number"]),
            number(trial["validation_loss"]),
            *(_rounded(trial["values"][name]) for name in searched),
        )
        for trial in complete[:5]
    ]
    yield from table(head, rows)


def networks() -> Iterator[str]:
    zoo = _json("zoo.json")
    costs = {name: Cost(**cost) for name, cost in zoo["costs"].items()}
    yield from cost_lines(costs, zoo["reached"])


def dicom() -> Iterator[str]:
    lines = (MEASURED / "dicom.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [_outcome(json.loads(line)) for line in lines]
    yield from table(("file", "outcome", "said of it"), rows)


def speed() -> Iterator[str]:
    found = _json("benchmark.json")
    yield f"Measured on {found['measured']}, {found['cores']} cores of {found['machine']};"
    yield f"load of the machine before it began {found['load']:g}. Milliseconds, median / 95th"
    yield "percentile; “infer” holds the forward pass, the quality judgement and the calibration.\n"
    head = ("input", "threads", *STEPS, "images/s", "peak MB")
    yield from table(head, [_benchmark_row(row) for row in found["rows"]])


def _outcome(record: dict[str, Any]) -> tuple[str, str, str]:
    name = f"`{Path(record['path']).name}`"
    reasons = record["quality"]["reasons"] if record["quality"] else []
    notes = " ".join(reason["message"] for reason in reasons) or record["reason"] or ""
    if record["status"] != "analysed":
        return name, f"{record['status']}, {record['code']}", notes
    doubt = ", uncertain" if record["uncertain"] else ""
    return name, f"read, {percent(record['probability'], 0)}{doubt}", notes


def _benchmark_row(row: dict[str, Any]) -> tuple[str, ...]:
    middle, high = row["median_ms"], row["p95_ms"]
    steps = (
        f"{number(middle[step], 1)} / {number(high[step], 1)}" if step in middle else "–"
        for step in STEPS
    )
    figures = number(row["images_per_second"], 1), str(row["peak_resident_mb"])
    return row["input"], str(row["threads"]), *steps, *figures


def _rounded(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2g}"


def _days(rows: list[dict[str, Any]]) -> str:
    return " and ".join(sorted({row["measured"] for row in rows}))


def _json(name: str) -> Any:
    return json.loads((MEASURED / name).read_text(encoding="utf-8"))
