"""`pneumoscope data import | sheet | check`: thin over pneumoscope.lab."""

import argparse
from dataclasses import fields
from pathlib import Path

from pneumoscope.cli.main import UsageError
from pneumoscope.lab.manifest import write_manifest
from pneumoscope.lab.nih import LabelWeights, import_nih


def configure(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    convert = commands.add_parser("import", help="turn a public set's labels into a manifest")
    sets = convert.add_subparsers(dest="set", metavar="SET", required=True)
    _configure_nih(sets.add_parser("nih", help="NIH ChestX-ray14: labels.csv and images/"))


def run(options: argparse.Namespace) -> int:
    return {"import": _import}[options.action](options)


def _configure_nih(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Images that radiologists of the RSNA challenge read, and all others of their patients, "
        "are left out: they are for validation."
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the manifest")
    for field in fields(LabelWeights):
        parser.add_argument(
            f"--{field.name}",
            type=_weight,
            default=field.default,
            metavar="WEIGHT",
            help="how much this label counts; 0 leaves its images out; default: %(default)s",
        )


def _weight(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not at least 0")
    return number


def _import(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise UsageError(f"{options.folder} is not a folder.")
    weights = LabelWeights(**{f.name: getattr(options, f.name) for f in fields(LabelWeights)})
    result = import_nih(options.folder, options.out, weights)
    try:
        write_manifest(options.out, result.rows)
    except OSError as error:
        raise UsageError(f"--out {options.out} cannot be written: {error.strerror}.") from error
    for title, counts in (("kept", result.kept), ("left out", result.left_out)):
        for name, count in counts.most_common():
            print(f"{title:<9} {count:>6}  {name}")
    return 0
