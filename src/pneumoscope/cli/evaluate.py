"""`pneumoscope evaluate`: thin over pneumoscope.lab.evaluation."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.logs import log_progress
from pneumoscope.cli.main import UsageError
from pneumoscope.cli.paths import (
    make_folder,
    require_data,
    require_file,
    require_folders,
    require_place,
)
from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.report import number, whole

# In a clone of the repository looks are kept here.
REPOSITORY_LEDGER = Path("docs/ledger.csv")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", metavar="NAME|DIR", help="an installed model or a bundle's folder")
    add("--data", type=Path, nargs="+", metavar="DIR", help="the radiographs")
    add(
        "--set",
        choices=("kermany", "manifest", "nih_rsna", "hannover", "gate"),
        default="kermany",
        help="how DIR is read; default: %(default)s",
    )
    add(
        "--split",
        choices=("test", "validation", "train", "val", "all"),
        default="test",
        help="of kermany and manifest; validation: the fold the model was not trained on",
    )
    add(
        "--targets", type=Path, metavar="DIR", help="every figure of the plan, from all sets in DIR"
    )
    add(
        "--no-test",
        action="store_true",
        help="of --targets only what adults tell: no look at a test",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="gets report.json and report.html")
    add("--against", metavar="NAME|DIR", help="a second model to compare with")
    add("--boxes", type=Path, metavar="CSV", help="image, finding, x, y, width, height")
    add("--normals", type=Path, metavar="DIR", help="hannover: the NIH folder with its Normal")
    add("--refuse", type=Path, nargs="+", default=[], metavar="DIR", help="gate: must be refused")
    add("--robustness", type=int, default=0, metavar="N", help="corrupt N of the radiographs")
    add("--masks", action="store_true", help="mask borders and corners, and all but them")
    add("--pictures", action="store_true", help="show the worst errors in report.html")
    add("--ledger", type=Path, metavar="FILE", help="a CSV that gets one line per look at a test")


def run(options: argparse.Namespace) -> int:
    require_extra("lab")
    log_progress()
    _check(options)
    make_folder("--out", options.out)
    from pneumoscope.lab.evaluation.command import Request, measure

    report = measure(
        Request(
            model=bundle_find(options.model),
            against=bundle_find(options.against) if options.against else None,
            data=options.data or [],
            kind="targets" if options.targets else options.set,
            targets=options.targets,
            test=not options.no_test,
            split=options.split,
            boxes=options.boxes,
            normals=options.normals,
            refuse=options.refuse,
            robustness=options.robustness,
            masks=options.masks,
            pictures=options.pictures,
            ledger=options.ledger or (REPOSITORY_LEDGER if REPOSITORY_LEDGER.exists() else None),
        ),
        options.out,
    )
    _print(report)
    print(f"{options.out / 'report.html'}")
    return 0


def _check(options: argparse.Namespace) -> None:
    if bool(options.data) == bool(options.targets):
        raise UsageError("Give --data, or --targets for every set at once.")
    if options.no_test and not options.targets:
        raise UsageError("--no-test belongs to --targets; elsewhere --split says what is read.")
    require_data(*(options.data or ()))
    require_folders("--refuse", *options.refuse)
    for name in ("targets", "normals"):
        if folder := getattr(options, name):
            require_folders(f"--{name}", folder)
    if options.boxes:
        require_file("--boxes", options.boxes)
    if options.ledger:
        require_place("--ledger", options.ledger)
    if options.set in ("nih_rsna", "hannover") and len(options.data or ()) > 1:
        raise UsageError(f"--set {options.set} reads one folder.")
    if options.robustness < 0 or options.robustness == 1:
        raise UsageError("--robustness needs 2 radiographs at least, one ill and one well.")
    if options.set == "hannover" and not options.normals:
        raise UsageError("--set hannover needs --normals: its patients are all ill.")


def _print(report: dict[str, Any]) -> None:
    for name, part in report["sets"].items():
        print(name)
        if "figures" not in part:
            for must in ("refused", "read"):
                if total := part[must]:
                    print(f"  must be {must:<22} {total['refused']} of {total['images']} refused")
            continue
        for name, figure in part["figures"].items():
            print(f"  {name:<30} {whole(figure)}")
        for row in part["contrasts"]:
            if row["figures"]:
                print(f"  {row['name']}: AUROC {whole(row['figures']['auroc'])}")
        if codes := Counter(refused["code"] for refused in part["refused"]):
            told = ", ".join(f"{code} {count}" for code, count in codes.most_common())
            print(f"  not read and in no figure: {told}")
    for row in report.get("targets", ()):
        mark = "reached" if row["reached"] else "NOT REACHED"
        print(
            f"{mark:<12} {row['measure']}: {number(row['found'][0])} {row['sign']} {row['target']}"
        )
