"""`pneumoscope train`: thin over pneumoscope.lab.train."""

import argparse
import logging
import os
import sys
from pathlib import Path

from pneumoscope.cli.extras import require_extra
from pneumoscope.cli.main import UsageError

# glibc otherwise gives every large tensor back to the system and asks for it again: training on
# CPUs is nearly twice as fast with these, which are read when a process starts.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--recipe", type=Path, required=True, metavar="FILE", help="a TOML file, as in recipes/")
    add("--data", type=Path, required=True, metavar="DIR", help="the radiographs")
    add("--out", type=Path, required=True, metavar="DIR", help="checkpoints, and then bundle/")
    add(
        "--frontal",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="further frontal chest radiographs, without labels, that the gate must let through",
    )
    add("--resume", action="store_true", help="go on from the checkpoint in --out")


def run(options: argparse.Namespace) -> int:
    require_extra("lab")
    _check_paths(options)
    _restart_with_allocator(options)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    from pneumoscope.lab.train import train

    print(train(options.recipe, options.data, options.out, frontal=options.frontal))
    return 0


def _check_paths(options: argparse.Namespace) -> None:
    if not options.recipe.is_file():
        raise UsageError(f"--recipe {options.recipe} is not a file.")
    if not options.data.is_dir():
        raise UsageError(f"--data {options.data} is not a folder.")
    for folder in options.frontal:
        if not folder.is_dir():
            raise UsageError(f"--frontal {folder} is not a folder.")
    if options.out.is_dir() and any(options.out.iterdir()) and not options.resume:
        raise UsageError(f"--out {options.out} is not empty: choose another, or add --resume.")


def _restart_with_allocator(options: argparse.Namespace) -> None:
    """Once: the new process finds the variables set and goes on."""
    environment = os.environ  # noqa: TID251 - the command line may
    if sys.platform != "linux" or ALLOCATOR.keys() <= environment.keys():
        return
    paths = [f"--{name}={getattr(options, name)}" for name in ("recipe", "data", "out")]
    resume = ["--resume"] if options.resume else []
    frontal = ["--frontal", *map(str, options.frontal)] if options.frontal else []
    command = [sys.executable, "-m", "pneumoscope.cli", "train", *paths, *resume, *frontal]
    os.execve(sys.executable, command, {**environment, **ALLOCATOR})
