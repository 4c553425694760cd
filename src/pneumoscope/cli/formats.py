"""How `predict` writes its records: for people, for programs, for spreadsheets."""

import csv
import json
import re
import sys
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pneumoscope.core.record import Record
from pneumoscope.core.render import RESEARCH_USE_ONLY

UNCERTAIN = "uncertain – a second reader is advised"


@dataclass(slots=True)
class Tally:
    """What became of the inputs so far; uncertain ones count as positive or negative too."""

    positive: int = 0
    negative: int = 0
    uncertain: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.positive + self.negative + self.rejected + self.failed

    def count(self, record: Record) -> None:
        if record["status"] == "analysed":
            self.positive += record["positive"]
            self.negative += not record["positive"]
            self.uncertain += record["uncertain"]
        else:
            self.rejected += record["status"] == "rejected"
            self.failed += record["status"] == "failed"

    def __str__(self) -> str:
        inputs = "1 input" if self.total == 1 else f"{self.total} inputs"
        return (
            f"{inputs}: {self.positive} likely pneumonia, {self.negative} below threshold "
            f"({self.uncertain} of them uncertain), "
            f"{self.rejected} rejected, {self.failed} failed"
        )


class Writer(Protocol):
    """Writes records to standard output one by one, then whatever closes the output."""

    def write(self, record: Record) -> None: ...

    def close(self, tally: Tally) -> None: ...


class JsonLines:
    """One object per line (pneumoscope.core.record), in ASCII, so that no locale can break it."""

    def write(self, record: Record) -> None:
        print(json.dumps(record, allow_nan=False), flush=True)

    def close(self, tally: Tally) -> None:
        _footnote(tally)


class Csv:
    """One row per record; `regions` and `notes` in words."""

    COLUMNS: ClassVar = (
        *("path", "status", "code", "reason", "remedy", "probability", "positive", "threshold"),
        *("operating_point", "uncertain", "band_low", "band_high"),
        *("bacterial", "viral", "regions", "quality", "notes", "model", "version", "hash"),
        "milliseconds",
    )

    def __init__(self) -> None:
        self._writer = csv.DictWriter(
            sys.stdout, self.COLUMNS, extrasaction="ignore", lineterminator="\n"
        )
        self._writer.writeheader()

    def write(self, record: Record) -> None:
        quality, model = record["quality"] or {"verdict": None, "reasons": []}, record["model"]
        row = record | (record["aetiology"] or {})
        row |= {key: _truth(record[key]) for key in ("positive", "uncertain")}
        row["band_low"], row["band_high"] = record["band"] or (None, None)
        row["regions"] = "; ".join(f"{r['zone']} {r['score']}" for r in record["regions"])
        row["quality"] = quality["verdict"]
        row["notes"] = "; ".join(reason["message"] for reason in quality["reasons"])
        row |= {"model": model["name"], "version": model["version"], "hash": model["hash"]}
        row["milliseconds"] = (record["milliseconds"] or {}).get("total")
        self._writer.writerow(row)
        sys.stdout.flush()

    def close(self, tally: Tally) -> None:
        _footnote(tally)


class Table:
    """For people: one line per input, and below it what there is to say."""

    LAYOUT: ClassVar = "{:<17} {:>12} {:>10}  {:<34} {}"

    def __init__(self) -> None:
        print(self.LAYOUT.format("FINDING", "P(PNEUMONIA)", "THRESHOLD", "REGIONS", "PATH"))

    def write(self, record: Record) -> None:
        print(
            self.LAYOUT.format(
                _finding(record),
                _percent(record["probability"]),
                _percent(record["threshold"]),
                _zones(record),
                _on_one_line(record["path"]),
            )
        )
        for remark in _remarks(record):
            print(f"  {_on_one_line(remark)}")
        sys.stdout.flush()

    def close(self, tally: Tally) -> None:
        print(f"{tally}.\n{RESEARCH_USE_ONLY}.", flush=True)


WRITERS: dict[str, type[Writer]] = {"table": Table, "jsonl": JsonLines, "csv": Csv}


def _truth(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _footnote(tally: Tally) -> None:
    """Beside the data, never in them."""
    print(f"{tally}. {RESEARCH_USE_ONLY}.", file=sys.stderr)


def _finding(record: Record) -> str:
    if record["status"] != "analysed":
        return str(record["status"])
    return "likely pneumonia" if record["positive"] else "below threshold"


def _on_one_line(text: str) -> str:
    """Without control characters: a file's name or header could hold what moves the cursor, and
    write over another's finding."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _percent(probability: float | None) -> str:
    """Whole percents: the calibration supports no more. Never a certain 0 or 100."""
    if probability is None:
        return "–"
    if probability < 0.01:
        return "< 1 %"
    return "> 99 %" if probability > 0.99 else f"{probability:.0%}".replace("%", " %")


def _zones(record: Record) -> str:
    zones = list(dict.fromkeys(region["zone"] for region in record["regions"]))
    more = f" and {len(zones) - 1} more" if len(zones) > 1 else ""
    return f"{zones[0]}{more}" if zones else "–"


def _remarks(record: Record) -> list[str]:
    if record["status"] == "failed":
        return [f"{record['code']}: {record['reason']} {record['remedy']}"]
    advice = [UNCERTAIN] if record["uncertain"] else []
    reasons = record["quality"]["reasons"]
    return [*advice, *(f"{reason['code']}: {reason['message']}" for reason in reasons)]
