"""Training on CPUs is nearly twice as fast when glibc keeps the memory of large tensors."""

import os
import sys

# glibc otherwise gives every large tensor back to the system and asks for it again. It reads these
# when a process starts.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}


def restart_with_allocator() -> None:
    """Once: the new process is started as this one was, finds the variables set and goes on."""
    environment = os.environ  # noqa: TID251 - the command line may
    if sys.platform != "linux" or ALLOCATOR.keys() <= environment.keys():
        return
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, command, {**environment, **ALLOCATOR})
