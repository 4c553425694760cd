"""`pneumoscope COMMAND …`: the parser, and the one place where errors become words.

Exit status of every command: 0 all well, 1 something failed, 2 wrong usage, 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from pneumoscope.core.errors import BundleNotFound, PneumoscopeError

COMMANDS = {
    "predict": "analyse radiographs: files, folders or zip archives",
    "models": "list, show or verify the installed models",
    "doctor": "check this installation; every problem with its remedy",
    "serve": "start the web server and its worker",
    "listen": "receive DICOM from modalities and PACS",
    "deidentify": "copy radiographs without what names their patients",
    "reidentify": "give what was made of such copies its patients again",
    "data": "check training data, show them, turn public sets into manifests",
    "train": "train a model by a recipe and export it as a bundle",
    "tune": "search a recipe's values, on as many machines as share a study",
    "evaluate": "measure a model on data that are set apart for it",
    "benchmark": "measure speed and memory",
}


class UsageError(PneumoscopeError):
    """The command cannot be carried out as it was written."""

    code = "usage"
    remedy = "`pneumoscope COMMAND --help` explains the command."


class SystemRefused(PneumoscopeError):
    """The operating system refused, in the middle of the work, to read or to write."""

    code = "system_refused"
    remedy = "Check the disk, the space left on it and this user's rights; then start again."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    try:
        options = _parser(arguments).parse_args(arguments)
        status: int = options.run(options)
    except (UsageError, BundleNotFound) as error:
        return _explain(error, status=2)
    except PneumoscopeError as error:
        return _explain(error, status=1)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        return _explain(SystemRefused(f"{error}."), status=1)
    return status


def _prepare_streams() -> None:
    """Names of files may hold bytes that are no text; a listing must not break on them. What the
    caller closed is /dev/null: Python would have nothing there to write to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as we live
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pneumoscope",
        description="Pneumonia detection from chest radiographs. "
        "Research use only – not a medical device.",
        formatter_class=partial(argparse.HelpFormatter, max_help_position=32),
    )
    parser.add_argument(
        "--version", action="version", version=f"pneumoscope {version('pneumoscope')}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=_sentence(summary))
        # Only the command asked for is imported: a server need not wait for what others use.
        if arguments[:1] == [name]:
            module = import_module(f"pneumoscope.cli.{name}")
            module.configure(command)
            command.set_defaults(run=module.run)
    return parser


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _explain(error: PneumoscopeError, *, status: int) -> int:
    print(f"{error.code}: {error}\n  {error.remedy}", file=sys.stderr)
    return status


def _reader_left() -> int:
    """What reads our output has ended, as `head` does: so do we, without a word."""
    # Python flushes stdout once more at exit; that must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
