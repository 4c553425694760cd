"""Several processes, started by torchrun as its users do."""

import os
import signal
from pathlib import Path

import pytest
from torch.distributed import run

TESTS = Path(__file__).parents[1]
# What torchrun takes over, and does not give back.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def torchrun(patch: pytest.MonkeyPatch, module: str, *arguments: object) -> None:
    """Two processes of `module`, started by torchrun itself, which runs here, where torch is
    imported already. Raises ChildFailedError."""
    patch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    patch.setenv("OMP_NUM_THREADS", "1")
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        run.main(["--standalone", "--nproc-per-node=2", "-m", module, *map(str, arguments)])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
