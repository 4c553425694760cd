"""`pneumoscope train`: thin over pneumoscope.lab.train."""

import argparse
import os
from pathlib import Path

from pneumoscope.cli.allocator import restart_with_allocator
from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.logs import log_progress
from pneumoscope.cli.paths import (
    make_empty_folder,
    make_folder,
    require_data,
    require_file,
    require_folders,
)


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--recipe", type=Path, required=True, metavar="FILE", help="a TOML file, as in recipes/")
    add("--data", type=Path, required=True, nargs="+", metavar="DIR", help="folders or manifests")
    add("--out", type=Path, required=True, metavar="DIR", help="checkpoints, and then bundle/")
    add(
        "--frontal",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="further frontal chest radiographs, without labels, that the gate must let through",
    )
    add(
        "--teachers",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN",
        help="folders of earlier trainings to be followed, as the recipe's distillation says",
    )
    add("--resume", action="store_true", help="go on from the checkpoint in --out")


def run(options: argparse.Namespace) -> int:
    require_extra("lab")
    _check_paths(options)
    restart_with_allocator()
    log_progress(speaks=_first())
    from pneumoscope.lab.train import train

    folders = {"frontal": options.frontal, "teachers": options.teachers}
    bundle = train(options.recipe, options.data, options.out, **folders)
    if _first():  # it alone wrote the bundle; the others were done before that
        print(bundle)
    return 0


def _first() -> bool:
    """Of several processes that torchrun starts, the one that writes and speaks."""
    return os.environ.get("RANK", "0") == "0"  # noqa: TID251 - the command line may


def _check_paths(options: argparse.Namespace) -> None:
    require_file("--recipe", options.recipe)
    require_data(*options.data)
    require_folders("--frontal", *options.frontal)
    require_folders("--teachers", *options.teachers)
    if options.resume or not _first():  # for the others, the first has perhaps begun to write
        make_folder("--out", options.out)
    else:
        make_empty_folder("--out", options.out, instead="choose another, or add --resume")
