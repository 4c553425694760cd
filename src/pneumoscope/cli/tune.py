"""`pneumoscope tune`: thin over pneumoscope.lab.tune."""

import argparse
import logging
from pathlib import Path

from pneumoscope.cli.allocator import restart_with_allocator
from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.main import UsageError
from pneumoscope.cli.numbers import positive


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--recipe", type=Path, required=True, metavar="FILE", help="what every trial starts from")
    add(
        "--ranges",
        type=Path,
        required=True,
        metavar="FILE",
        help="a TOML file, as in recipes/ranges/",
    )
    add("--data", type=Path, required=True, nargs="+", metavar="DIR", help="folders or manifests")
    add(
        "--study",
        required=True,
        metavar="URL",
        help="sqlite:///FILE or postgresql+psycopg://…; the same on every machine that helps",
    )
    add("--trials", type=positive, required=True, metavar="N", help="of the whole study")
    add("--out", type=Path, required=True, metavar="DIR", help="trials, plots and best.toml")
    add("--limit", type=positive, metavar="N", help="search on N of the images")


def run(options: argparse.Namespace) -> int:
    require_extra("lab")
    for name in ("recipe", "ranges"):
        if not getattr(options, name).is_file():
            raise UsageError(f"--{name} {getattr(options, name)} is not a file.")
    for place in options.data:
        if not place.exists():
            raise UsageError(f"--data {place} is not a folder or manifest.")
    restart_with_allocator()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    from pneumoscope.lab.tune import tune

    best = tune(
        options.recipe,
        options.ranges,
        options.data,
        options.out,
        study=options.study,
        trials=options.trials,
        limit=options.limit,
    )
    print(best)
    return 0
