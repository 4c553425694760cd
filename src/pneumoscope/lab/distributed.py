"""Several processes that train together, started by torchrun; one process is the usual case."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Process:
    """rank: this one's number, from 0; the first alone writes files. count: how many there are."""

    rank: int
    count: int

    @property
    def first(self) -> bool:
        return self.rank == 0


def this_process() -> Process:
    if dist.is_initialized():
        return Process(dist.get_rank(), dist.get_world_size())
    return Process(0, 1)


def this_device() -> torch.device:
    """A GPU of its own for every process, or the CPU."""
    return torch.device("cuda", torch.cuda.current_device()) if _gpu() else torch.device("cpu")


@contextmanager
def process_group() -> Iterator[Process]:
    """Join the other processes where torchrun started this one: NCCL for GPUs, else Gloo."""
    if not dist.is_torchelastic_launched():
        yield this_process()
        return
    if _gpu():
        torch.cuda.set_device(dist.get_node_local_rank())
    dist.init_process_group("nccl" if _gpu() else "gloo")
    try:
        yield this_process()
    finally:
        # What averaged the gradients hangs in cycles and holds the group's threads: left to the
        # end of the interpreter, it aborts a process that has done its work.
        gc.collect()
        dist.destroy_process_group()


def averaging_gradients(network: nn.Module) -> nn.Module:
    """The network, whose gradients are the mean over all processes from now on."""
    if this_process().count == 1:
        return network
    return DistributedDataParallel(network, [this_device()] if _gpu() else None)


def from_first(value: T) -> T:
    """What the first process holds, in every process. A picklable value."""
    if this_process().count == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def _gpu() -> bool:
    return torch.cuda.is_available()
