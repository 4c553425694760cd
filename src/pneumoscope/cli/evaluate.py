"""`pneumoscope evaluate`: thin over pneumoscope.lab.evaluate."""

import argparse
import json
from pathlib import Path

from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.main import UsageError
from pneumoscope.core.bundle import bundle_find


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", metavar="NAME|DIR", help="an installed model or a bundle's folder")
    add("--data", type=Path, required=True, metavar="DIR", help="the radiographs; test/ is read")
    add("--out", type=Path, required=True, metavar="DIR", help="where report.json is written")
    add("--ledger", type=Path, metavar="FILE", help="a CSV that gets one line per look")


def run(options: argparse.Namespace) -> int:
    require_extra("lab")
    if not options.data.is_dir():
        raise UsageError(f"--data {options.data} is not a folder.")
    folder = bundle_find(options.model)
    from pneumoscope.lab.evaluate import evaluate

    report = evaluate(folder, options.data, options.out, ledger=options.ledger)
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 0
