"""What the processes of tests/cli/test_pool.py do; importable by name, as a process needs it."""

import os
import signal
import time
from collections.abc import Callable


def squarer() -> Callable[[int], int]:
    return _square


def mortal() -> Callable[[int], int]:
    """Dies of negative numbers, the way the kernel kills a process that took all memory."""
    return _square_or_die


def _square(number: int) -> int:
    time.sleep(0.02 * (number % 3))  # so that results come out of order
    return number * number


def _square_or_die(number: int) -> int:
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return _square(number)
