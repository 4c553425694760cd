"""The training loop, readable from top to bottom.

AdamW with a one-cycle learning rate, class-balanced cross-entropy, an exponential moving average
of the weights, a checkpoint after every epoch that a later start resumes to the same result.
"""

import copy
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from pneumoscope.lab.augment import augment
from pneumoscope.lab.recipe import OptimiserRecipe, Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dataset:
    """pixels: uint8 [N, 1, H, W]. labels: int64 [N]."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def from_numpy(cls, pixels: NDArray, labels: NDArray) -> "Dataset":  # type: ignore[type-arg]
        return cls(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels))

    def __len__(self) -> int:
        return len(self.labels)


def learning_rate(step: int, steps: int, recipe: OptimiserRecipe) -> float:
    """One cycle (Smith 2018): linear warm-up from a tenth, then a cosine down to a thousandth."""
    warmup = max(1, round(steps * recipe.warmup_fraction))
    if step < warmup:
        return recipe.learning_rate * (0.1 + 0.9 * step / warmup)
    progress = (step - warmup) / max(1, steps - warmup)
    return recipe.learning_rate * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * progress)))


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Inverse frequency, mean 1 over the examples. float32 [classes]."""
    counts = torch.bincount(labels, minlength=classes).clamp_min(1).float()
    return len(labels) / (classes * counts)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """No weight decay on normalisation and biases."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@torch.no_grad()
def ema_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Weights move slowly towards the network's; buffers (running statistics) likewise."""
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


@torch.no_grad()
def predict_logits(network: nn.Module, pixels: Tensor, batch_size: int = 64) -> Tensor:
    """pixels: uint8 [N, 1, H, W]. Returns logits, float32 [N, classes], on the CPU."""
    network.eval()
    device = next(network.parameters()).device
    batches = [
        network(pixels[i : i + batch_size].to(device).float() / 255).logits.cpu()
        for i in range(0, len(pixels), batch_size)
    ]
    return torch.cat(batches)


def fit(
    network: nn.Module,
    train: Dataset,
    validation: Dataset,
    recipe: Recipe,
    out: Path,
    *,
    after_epoch: Callable[[], None] = lambda: None,
) -> nn.Module:
    """Train `network` and return the averaged weights of the last epoch.

    Writes out/checkpoint.pt after every epoch (resumed when present) and a line per epoch to
    out/progress.jsonl. The validation fold is watched, not used to choose an epoch: the schedule
    ends at its minimum, and a chosen epoch would make the fold's figures optimistic.
    `after_epoch` is called once the epoch's checkpoint is safe; what it raises ends the training.
    """
    options = recipe.optimiser
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(parameter_groups(network, options.weight_decay))
    generator = Generator().manual_seed(recipe.seed)
    per_epoch = len(train) // options.batch_size
    steps = per_epoch * options.epochs
    weights = class_weights(train.labels, int(train.labels.max()) + 1).to(device)
    checkpoint = out / "checkpoint.pt"
    first_epoch = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["torch_rng"].cpu())
        first_epoch = int(state["epoch"])
        logger.info("resumed after epoch %d", first_epoch)
    else:
        torch.manual_seed(recipe.seed)
    for epoch in range(first_epoch, options.epochs):
        started = time.monotonic()
        total_loss = 0.0
        network.train()
        order = torch.randperm(len(train), generator=generator)
        for i in range(per_epoch):
            step = epoch * per_epoch + i
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, options)
            chosen = order[i * options.batch_size : (i + 1) * options.batch_size]
            x = train.pixels[chosen].to(device).float() / 255  # [B, 1, H, W]
            x = augment(x, recipe.augmentation, generator)
            y = train.labels[chosen].to(device)
            logits = network(x.contiguous(memory_format=torch.channels_last)).logits
            loss = F.cross_entropy(logits, y, weights, label_smoothing=options.label_smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), options.clip_norm)
            optimiser.step()
            # A young average follows quickly, so that it does not carry the initial weights along.
            ema_update(average, network, min(options.ema_decay, (1 + step) / (10 + step)))
            total_loss += loss.item()
            if i % 20 == 0:
                seconds = (time.monotonic() - started) / (i + 1)
                left = seconds * (steps - step)
                logger.info(
                    "epoch %d step %d/%d loss %.4f, %.0f min left",
                    epoch + 1,
                    i,
                    per_epoch,
                    total_loss / (i + 1),
                    left / 60,
                )
        logits = predict_logits(average, validation.pixels)
        record = EpochRecord(
            epoch=epoch + 1,
            loss=total_loss / per_epoch,
            validation_loss=float(F.cross_entropy(logits, validation.labels)),
            validation_accuracy=float((logits.argmax(1) == validation.labels).float().mean()),
            seconds=time.monotonic() - started,
        )
        logger.info("%s", record)
        with (out / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")
        partial = checkpoint.with_suffix(".partial")
        torch.save(
            {
                "epoch": epoch + 1,
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "generator": generator.get_state(),
                "torch_rng": torch.get_rng_state(),
            },
            partial,
        )
        partial.replace(checkpoint)  # a kill in the middle of writing leaves the old one
        after_epoch()
    return average


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of progress.jsonl; losses are cross-entropy in nats."""

    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
