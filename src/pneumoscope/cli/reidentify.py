"""`pneumoscope reidentify MADE… OUT`: what was made of copies, with patient and study again."""

import argparse
import sys
from pathlib import Path

from pneumoscope.cli.deidentify import pseudonyms_kept, write_copy
from pneumoscope.cli.inputs import inputs
from pneumoscope.cli.paths import make_empty_folder
from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.reidentify import Originals


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", metavar="MADE", help="reports, masks, pictures: a file, folder or zip")
    add("out", metavar="OUT", type=Path, help="folder for the objects; must not exist or be empty")
    add("--secret", metavar="FILE", type=Path, required=True, help="that the copies were made with")
    add(
        "--originals",
        metavar="PATH",
        action="append",
        required=True,
        help="where the originals are: a file, folder or zip; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    pseudonyms = pseudonyms_kept(options.secret)
    make_empty_folder("OUT", options.out)
    originals = Originals(pseudonyms)
    for item in inputs(options.originals):
        try:
            originals.add(item.read(MAX_BYTES))
        except PneumoscopeError as error:
            print(f"{item.path}: no original: {error}", file=sys.stderr)
    done = failed = 0
    for item in inputs(options.paths):
        try:
            made = originals.reidentify(item.read(MAX_BYTES))
            write_copy(options.out / f"{done + 1:05d}.dcm", made)
        except PneumoscopeError as error:
            failed += 1
            print(f"{item.path}: {error.code}: {error} {error.remedy}", file=sys.stderr)
            continue
        done += 1
        print(f"{item.path} → {done:05d}.dcm")
    print(f"{done} re-identified, {failed} refused.")
    return 1 if failed else 0
