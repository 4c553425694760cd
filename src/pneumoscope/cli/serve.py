"""`pneumoscope serve`: hands over to Django, in the same process, so that signals reach it."""

import argparse
import os
import sys
from typing import NoReturn

from pneumoscope.cli.extras import require_extra


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine")
    parser.add_argument("--port", type=_port, default=8000, help="default: %(default)s")


def run(options: argparse.Namespace) -> NoReturn:
    require_extra("web")
    require_extra("dicom")  # its pages speak to peers
    command = ["-m", "pneumoscope.web", "serve", "--host", options.host]
    os.execv(sys.executable, [sys.executable, *command, "--port", str(options.port)])


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 65535")
    return number
