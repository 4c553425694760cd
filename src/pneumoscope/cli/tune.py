"""`pneumoscope tune`: thin over pneumoscope.lab.tune."""

import argparse
from pathlib import Path

from pneumoscope.cli.allocator import restart_with_allocator
from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.logs import log_progress
from pneumoscope.cli.numbers import positive
from pneumoscope.cli.paths import make_folder, require_data, require_file


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
    require_file("--recipe", options.recipe)
    require_file("--ranges", options.ranges)
    require_data(*options.data)
    make_folder("--out", options.out)
    restart_with_allocator()
    log_progress()
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
