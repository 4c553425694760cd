"""`pneumoscope data import | relabel | sheet | check`: thin over pneumoscope.lab."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.main import UsageError
from pneumoscope.cli.paths import (
    make_folder,
    require_data,
    require_file,
    require_folders,
    require_place,
)
from pneumoscope.core.bundle import bundle_find, load_bundle
from pneumoscope.lab.manifest import doubted_label, read_manifest, read_rows, write_manifest
from pneumoscope.lab.nih import LabelPriors, import_nih
from pneumoscope.lab.relabel import relabel
from pneumoscope.lab.sources import columns_passed_over, read_sources, training_examples
from pneumoscope.lab.tables import Row

_DATA = "a folder with manifest.csv or train/NORMAL and train/PNEUMONIA, or a manifest"
_MOST = 50


def configure(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    convert = commands.add_parser("import", help="turn a public set's labels into a manifest")
    sets = convert.add_subparsers(dest="set", metavar="SET", required=True)
    _configure_nih(sets.add_parser("nih", help="NIH ChestX-ray14: labels.csv and images/"))
    _configure_relabel(commands.add_parser("relabel", help="read doubtful labels with a model"))
    _configure_sheet(commands.add_parser("sheet", help="draw what the network sees in training"))
    _configure_check(commands.add_parser("check", help="leaks, duplicates, bad files, shortcuts"))


def run(options: argparse.Namespace) -> int:
    return {"import": _import, "relabel": _relabel, "sheet": _sheet, "check": _check}[
        options.action
    ](options)


def _configure_nih(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Images that radiologists of the RSNA challenge read, and all others of their patients, "
        "are left out: they are for validation."
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the manifest")
    for field in fields(LabelPriors):
        parser.add_argument(
            f"--{field.name}",
            type=_prior,
            default=field.default,
            metavar="P",
            help="P(pneumonia) under it; above 1 leaves its images out; default: %(default)s",
        )


def _configure_relabel(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Combines each row's label and reliability with what a model says of the radiograph, "
        "compared within its site and view. The model must not have been trained on these labels."
    )
    add = parser.add_argument
    add("manifest", type=Path, metavar="FILE", help="as `data import` writes it")
    add("--model", required=True, metavar="NAME|DIR", help="the bundle that reads")
    add("--out", type=Path, required=True, metavar="FILE", help="the new manifest")


def _configure_sheet(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--recipe", type=Path, required=True, metavar="FILE", help="a TOML file, as in recipes/")
    add("--data", type=Path, required=True, nargs="+", metavar="DIR", help=_DATA)
    add("--out", type=Path, required=True, metavar="FILE", help="a PNG")
    add("--rows", type=_count, default=6, metavar="N", help="radiographs; default: %(default)s")
    add("--copies", type=_count, default=5, metavar="N", help="of each; default: %(default)s")
    add("--seed", type=int, default=0, metavar="N", help="another seed, other copies")


def _configure_check(parser: argparse.ArgumentParser) -> None:
    parser.description = "Exit status 1 when splits leak into each other or a file is unreadable."
    parser.add_argument("data", type=Path, nargs="+", metavar="DIR", help=_DATA)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write data_check.json there")
    parser.add_argument("--json", action="store_true", help="the whole report instead of a summary")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {_MOST}")
    return number


def _prior(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not at least 0")
    return number


def _import(options: argparse.Namespace) -> int:
    require_folders("DIR", options.folder)
    priors = LabelPriors(**{f.name: getattr(options, f.name) for f in fields(LabelPriors)})
    result = import_nih(options.folder, options.out, priors)
    _write_rows(options.out, result.rows)
    for title, counts in (("kept", result.kept), ("left out", result.left_out)):
        for name, count in counts.most_common():
            print(f"{title:<9} {count:>6}  {name}")
    return 0


def _relabel(options: argparse.Namespace) -> int:
    if options.out.resolve().parent != options.manifest.resolve().parent:
        raise UsageError("--out must lie beside the manifest: its paths are relative.")
    require_file("FILE", options.manifest)
    require_place("--out", options.out)
    rows = read_rows(options.manifest)
    examples = read_manifest(options.manifest)
    bundle = load_bundle(bundle_find(options.model))
    probability = relabel(examples, bundle, _progress(len(examples)))
    pairs = zip(rows, probability.tolist(), strict=True)
    _write_rows(options.out, [{**row, **doubted_label(p)} for row, p in pairs])
    sick = int((probability >= 0.5).sum())
    print(f"{len(rows)} radiographs: {sick} rather pneumonia, {len(rows) - sick} rather normal")
    return 0


def _write_rows(out: Path, rows: Sequence[Row]) -> None:
    try:
        write_manifest(out, rows)
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {error.strerror}.") from error


def _sheet(options: argparse.Namespace) -> int:
    require_extra("lab")
    from pneumoscope.lab.contact_sheet import contact_sheet
    from pneumoscope.lab.recipe import read_recipe

    require_file("--recipe", options.recipe)
    require_data(*options.data)
    require_place("--out", options.out)
    recipe = read_recipe(options.recipe)
    sheet = contact_sheet(
        training_examples(options.data, recipe.data),
        recipe,
        rows=options.rows,
        copies=options.copies,
        seed=options.seed,
    )
    try:
        sheet.save(options.out, "PNG")
    except OSError as error:
        raise UsageError(f"--out {options.out} cannot be written: {error.strerror}.") from error
    return 0


def _check(options: argparse.Namespace) -> int:
    require_extra("lab")
    from pneumoscope.cli.data_summary import check_summary
    from pneumoscope.lab.data_check import check_data

    require_data(*options.data, option="DIR")
    if options.out:
        make_folder("--out", options.out)
    examples = read_sources(options.data)
    passed_over = columns_passed_over(options.data)
    result = check_data(examples, _progress(len(examples)), columns_passed_over=passed_over)
    report = json.dumps(result.as_dict(), indent=2, ensure_ascii=False)
    if options.out:
        (options.out / "data_check.json").write_text(report + "\n", encoding="utf-8")
    print(report if options.json else "\n".join(check_summary(result)))
    return 0 if result.clean else 1


def _progress(total: int) -> Callable[[int], None]:
    """Only for eyes."""

    def show(done: int) -> None:
        if sys.stderr.isatty() and (done % 50 == 0 or done == total):
            end = "\r\x1b[K" if done == total else ""
            print(f"\r{done} of {total}{end}", end="", file=sys.stderr, flush=True)

    return show
