"""`pneumoscope deidentify IN… OUT`: copies that name nobody, and a report of what was done."""

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

from pneumoscope.cli.inputs import InputError, input_error, inputs
from pneumoscope.cli.main import UsageError
from pneumoscope.cli.paths import make_empty_folder
from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.deidentify import deidentify
from pneumoscope.interop.deidentify_header import Options
from pneumoscope.interop.pseudonyms import Pseudonyms

REPORT = "deidentification.json"
_SHORTEST_SECRET = 16


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a file, a folder (walked) or a zip (expanded)")
    add("out", metavar="OUT", type=Path, help="folder for the copies; must not exist or be empty")
    add(
        "--secret",
        metavar="FILE",
        type=Path,
        help="kept secret that makes later runs agree with this one; made if it does not exist",
    )
    add("--modified-dates", action="store_true", help="keep dates, shifted for each patient")
    add("--patient-characteristics", action="store_true", help="keep sex, age, size and weight")
    add("--descriptors", action="store_true", help="keep the safe words of descriptions")
    add(
        "--safe-private",
        metavar="CREATOR:GGGG,EE",
        action="append",
        default=[],
        type=_private,
        help="a private attribute that may stay; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    pseudonyms = _pseudonyms(options.secret)
    # Nothing that names other patients may lie beside what is written there.
    make_empty_folder("OUT", options.out)
    chosen = Options(
        options.modified_dates,
        options.patient_characteristics,
        options.descriptors,
        frozenset(options.safe_private),
    )
    records, failed = [], 0
    for item in inputs(options.paths):
        try:
            made = deidentify(item.read(MAX_BYTES), pseudonyms, chosen)
            write_copy(options.out / made.name, made.data)
        except PneumoscopeError as error:
            failed += 1
            print(f"{item.path}: {error.code}: {error} {error.remedy}", file=sys.stderr)
            continue
        records.append({"file": made.name, **made.report.record()})
        print(f"{item.path} → {made.name}  {len(made.report.text_boxes)} text boxes blanked")
    _write_report(options.out / REPORT, records)
    print(f"{len(records)} de-identified, {failed} refused. Look at the pictures before sharing.")
    return 1 if failed else 0


def _private(text: str) -> tuple[str, int, int]:
    creator, _, address = text.rpartition(":")
    group, _, element = address.partition(",")
    if not creator or not int(group, 16) % 2:
        raise argparse.ArgumentTypeError(f"“{text}” is not of the form CREATOR:GGGG,EE")
    return creator, int(group, 16), int(element, 16)


def _pseudonyms(path: Path | None) -> Pseudonyms:
    """With the kept secret, or one for this run alone. Raises UsageError."""
    if path is None:
        return Pseudonyms()
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
    except OSError as error:
        raise UsageError(f"{path} cannot be used as secret: {error.strerror}") from error
    return pseudonyms_kept(path)


def pseudonyms_kept(path: Path) -> Pseudonyms:
    """With the secret in the file. Raises UsageError."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{path} cannot be used as secret: {error.strerror}") from error
    if len(secret) < _SHORTEST_SECRET:
        raise UsageError(f"The secret in {path} is shorter than {_SHORTEST_SECRET} bytes.")
    return Pseudonyms(secret)


def write_copy(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)  # half a copy is none
        raise input_error(error) from error


def _write_report(path: Path, records: list[dict[str, object]]) -> None:
    """Beside the copies, and as anonymous: it names no original."""
    try:
        path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
