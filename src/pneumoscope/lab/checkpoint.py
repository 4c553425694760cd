"""A run on disk: whole at any moment, so that killing the process loses one epoch at most."""

import io
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.lab.data import CLASSES
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.recipe import NetworkRecipe, Recipe, RecipeError
from pneumoscope.lab.whole_files import write_whole

# Sections that decide the weights; a card may be reworded between two starts.
DECISIVE = ("data", "input", "network", "optimiser", "augmentation")
_KEPT = {"epoch", "network", "average", "optimiser", "recipe"}


class CheckpointUnreadable(PneumoscopeError):
    """A file of weights that a disk or a copy has damaged, or that another program wrote."""

    code = "checkpoint_unreadable"
    remedy = "Copy it again, or take it away: training then starts anew."


def save_whole(state: dict[str, Any], path: Path) -> None:
    """Raises OSError."""
    buffer = io.BytesIO()  # torch turns a disk's refusal into a riddle
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())


def load_whole(path: Path, device: torch.device | str) -> dict[str, Any]:
    """What `save_whole` wrote. Raises CheckpointUnreadable."""
    try:
        state: dict[str, Any] = torch.load(path, device, weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise CheckpointUnreadable(f"{path} cannot be read.") from error
    return state


def _load_checkpoint(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` wrote; on a GPU it is moved there as it is filled in. Raises
    CheckpointUnreadable."""
    state = load_whole(path, "cpu")
    if not isinstance(state, dict) or not state.keys() >= _KEPT:
        raise CheckpointUnreadable(f"{path} is not what a training wrote.")
    return state


def save_checkpoint(
    path: Path,
    epoch: int,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    decided: dict[str, Any],
) -> None:
    """epoch: how many are done. decided: from `decisive`, and what was learned from. Raises
    OSError."""
    state = {
        "epoch": epoch,
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "recipe": decided,
    }
    save_whole(state, path)


def load_checkpoint(
    path: Path,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    decided: dict[str, Any],
) -> int:
    """Fill what it is given and return how many epochs are done: 0 where there is no checkpoint.

    Raises RecipeError when the checkpoint was made by a recipe that trains otherwise, on other data
    or by other teachers, CheckpointUnreadable.
    """
    if not path.is_file():
        return 0
    state = _load_checkpoint(path)
    # A key the checkpoint does not know came with a later version, whose default changes nothing.
    changed = sorted(key for key, value in state["recipe"].items() if decided.get(key) != value)
    if changed:
        raise RecipeError(
            f"{path} was made with another {', '.join(changed)}: choose another --out."
        )
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["epoch"])


def load_average(run: Path) -> nn.Module:
    """The network that a training gave, with its averaged weights, for others to learn from: the
    last epoch's, or the best one's where the recipe had patience.

    run: the folder it wrote. Raises RecipeError where there is no checkpoint,
    CheckpointUnreadable.
    """
    path = run / "checkpoint.pt"
    if not path.is_file():
        raise RecipeError(f"{run} holds no checkpoint.pt: it is not what a training wrote.")
    state = _load_checkpoint(path)
    values = {
        key.removeprefix("network."): value
        for key, value in state["recipe"].items()
        if key.startswith("network.")
    }
    network = build_network(NetworkRecipe(**values), len(CLASSES))
    patient = state["recipe"].get("optimiser.patience", 0) > 0
    network.load_state_dict(load_whole(run / "best.pt", "cpu") if patient else state["average"])
    return network.requires_grad_(False).eval()


def decisive(recipe: Recipe) -> dict[str, Any]:
    """All in a recipe that decides a training's weights, by key path, in plain types."""
    values: dict[str, Any] = {"seed": recipe.seed}
    for section in DECISIVE:
        for key, value in asdict(getattr(recipe, section)).items():
            values[f"{section}.{key}"] = value
    return values
