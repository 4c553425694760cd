"""A training as a process of its own: to be killed, or to be one of several."""

import sys
from pathlib import Path

import torch

from lab.blobs import blobs, plan
from pneumoscope.lab.distributed import process_group
from pneumoscope.lab.loop import fit
from pneumoscope.lab.networks import build_network


def train(out: Path, epochs: int) -> dict[str, torch.Tensor]:
    recipe = plan(epochs=epochs)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.network, 3)
    return fit(network, blobs(12, 0), blobs(6, 1), recipe, out).state_dict()


if __name__ == "__main__":
    out = Path(sys.argv[1])
    with process_group() as process:
        weights = train(out, int(sys.argv[2]))
    torch.save(weights, out / f"process-{process.rank}.pt")
