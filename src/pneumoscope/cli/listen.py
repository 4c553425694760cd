"""`pneumoscope listen`: hands over to Django, in the same process, so that signals reach it."""

import argparse
import os
import sys
from typing import NoReturn

from pneumoscope.cli.extras import require_extra


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="default: PNEUMOSCOPE_LISTEN_HOST or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default: PNEUMOSCOPE_LISTEN_PORT or 11112")
    parser.add_argument("--ae", help="AE title; default: PNEUMOSCOPE_LISTEN_AE or PNEUMOSCOPE")


def run(options: argparse.Namespace) -> NoReturn:
    require_extra("web")
    require_extra("dicom")
    command = [sys.executable, "-m", "pneumoscope.web", "listen"]
    for name in ("host", "port", "ae"):
        value = getattr(options, name)
        if value is not None:
            command += [f"--{name}", str(value)]
    os.execv(sys.executable, command)
