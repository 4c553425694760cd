"""The CSV manifest of a set of radiographs.

Columns: path or sop_instance_uid; label or aetiology; and, where known, patient, split, age, sex,
view, site, weight, reliability (the probability that normal or pneumonia is rightly said). What a
DICOM header says fills what the manifest leaves empty.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pneumoscope.lab.data import SPLITS, TARGETS, DataError, Example
from pneumoscope.lab.kermany import patient_key
from pneumoscope.lab.radiograph_files import SEXES, SUFFIXES, header_of, stated_sex
from pneumoscope.lab.tables import Row, Table, read_table

COLUMNS = (
    "path",
    "label",
    "aetiology",
    "patient",
    "age",
    "sex",
    "view",
    "site",
    "split",
    "weight",
    "reliability",
)
_NEEDED = (("path", "sop_instance_uid"), ("label", "aetiology"))
_READ = {*COLUMNS, "sop_instance_uid", "patient_key"}
_SHOWN = 10


class ManifestError(DataError):
    """Rows of a manifest that cannot be understood; the message names their lines."""

    code = "manifest_error"
    remedy = (
        "Correct the lines named. Columns: path or sop_instance_uid; label (normal, pneumonia, "
        "bacterial, viral) or aetiology (none, bacterial, viral, unknown); patient, split (train, "
        "val, test), age (years), sex (M, F, O), view, site, weight (at least 0), reliability "
        "(at least 0, at most 1)."
    )


class _BadRow(Exception):
    """What is wrong with one row, without its line."""


def read_manifest(manifest: Path) -> list[Example]:
    """Every row as an example, in the order of the rows; paths are relative to the manifest.

    Raises TableError, or ManifestError, which names the first ten bad lines.
    """
    table = read_table(manifest)
    _check_columns(manifest, table)
    rows = _filled(table)
    instances = _instances(manifest.parent) if any("sop_instance_uid" in r for _, r in rows) else {}
    examples, problems = [], []
    for line, row in rows:
        try:
            examples.append(_example(row, manifest.parent, instances))
        except _BadRow as bad:
            problems.append(f"line {line}: {bad}")
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise ManifestError(f"{manifest}: " + "; ".join(problems[:_SHOWN] + more))
    return examples


def read_rows(manifest: Path) -> list[Row]:
    """The rows as they stand, without empty cells. Raises TableError."""
    return [row for _, row in _filled(read_table(manifest))]


def unread_columns(manifest: Path) -> list[str]:
    """Columns that tell nothing of an example: “gender”, where “sex” was meant.

    Raises TableError.
    """
    return [column for column in _columns(read_table(manifest)) if column.lower() not in _READ]


def _columns(table: Table) -> list[str]:
    return [column for _, row in table[:1] for column in row]


def _check_columns(manifest: Path, table: Table) -> None:
    """That rows can say which image and what it shows; no column is guessed from another name."""
    columns = _columns(table)
    there = {column.lower() for column in columns}
    for either in _NEEDED if table else ():
        if not there & set(either):
            raise ManifestError(
                f"{manifest}: neither {' nor '.join(either)} among the columns "
                f"{', '.join(columns)}."
            )


def _filled(table: Table) -> list[tuple[int, Row]]:
    """With column names in small letters, and only what is filled in."""
    return [
        (line, {column.lower(): cell for column, cell in row.items() if cell})
        for line, row in table
    ]


def doubted_label(probability: float) -> Row:
    """The columns that say P(pneumonia): the likelier label and how reliable it is."""
    sick = probability >= 0.5
    return {
        "label": "pneumonia" if sick else "normal",
        "aetiology": "unknown" if sick else "none",
        "reliability": f"{max(probability, 1 - probability):.4f}",
    }


def write_manifest(manifest: Path, rows: Sequence[Row]) -> None:
    """Write rows of COLUMNS, and of whatever else they hold after those."""
    columns = dict.fromkeys((*COLUMNS, *(column for row in rows for column in row)))
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _example(row: Row, folder: Path, instances: dict[str, Path]) -> Example:
    path = _path(row, folder, instances)
    header = header_of(path)
    patient = row.get("patient") or row.get("patient_key") or header.patient_id
    patient = patient or patient_key(path)
    site = row.get("site", "")
    return Example(
        path=path,
        label=_label(row.get("label", "").lower(), row.get("aetiology", "").lower()),
        # The same number is another person at another site.
        patient=f"{site}/{patient}" if site else patient,
        split=_one_of(row.get("split", "train").lower(), SPLITS, "split"),
        age=_number(row, "age", 130) if "age" in row else header.patient_age,
        sex=_one_of(row["sex"].upper(), SEXES, "sex") if "sex" in row else stated_sex(header),
        view=(row.get("view") or header.view_position).upper(),
        site=site,
        weight=_number(row, "weight", math.inf) if "weight" in row else 1.0,
        reliability=_number(row, "reliability", 1) if "reliability" in row else 1.0,
    )


def _path(row: Row, folder: Path, instances: dict[str, Path]) -> Path:
    if "path" in row:
        return folder / row["path"]
    if "sop_instance_uid" not in row:
        raise _BadRow("neither path nor sop_instance_uid")
    try:
        return instances[row["sop_instance_uid"]]
    except KeyError:
        raise _BadRow(f"no DICOM file holds {row['sop_instance_uid']}") from None


def _label(label: str, aetiology: str) -> int:
    """An aetiology says more than a label; where both speak they must agree."""
    if aetiology not in ("", "none", "unknown", *TARGETS[1:3]):
        raise _BadRow(f"aetiology “{aetiology}”")
    if label not in ("", *TARGETS):
        raise _BadRow(f"label “{label}”")
    implied = {"": label, "unknown": label or "pneumonia", "none": "normal"}.get(
        aetiology, aetiology
    )
    if not implied:
        raise _BadRow("neither label nor aetiology")
    if label and label != implied and (label != "pneumonia" or implied == "normal"):
        raise _BadRow(f"label “{label}” and aetiology “{aetiology}” contradict each other")
    if label == "normal" and aetiology == "unknown":
        raise _BadRow("a normal radiograph has no unknown aetiology")
    return TARGETS.index(implied)


def _one_of(value: str, allowed: tuple[str, ...], column: str) -> str:
    if value not in allowed:
        raise _BadRow(f"{column} “{value}”")
    return value


def _number(row: Row, column: str, highest: float) -> float:
    try:
        number = float(row[column])
    except ValueError:
        raise _BadRow(f"{column} “{row[column]}” is no number") from None
    if not 0 <= number <= highest or math.isinf(number):
        raise _BadRow(f"{column} {row[column]} is out of range")
    return number


def _instances(folder: Path) -> dict[str, Path]:
    """SOP Instance UID of every DICOM file below `folder`."""
    others = (*SUFFIXES, ".csv", ".md")
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix.lower() not in others)
    return dict(_identified(files))


def _identified(files: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for path in files:
        if uid := header_of(path).sop_instance_uid:
            yield uid, path
