"""The training loop, readable from top to bottom.

Every epoch is a function of the weights, the recipe and the epoch's number alone: its random
numbers are seeded anew. So a run that was killed goes on from its checkpoint to the same result.
"""

import copy
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.metrics import auroc
from pneumoscope.lab.augment import acquire, affine, mix
from pneumoscope.lab.checkpoint import (
    decisive,
    load_checkpoint,
    load_whole,
    save_checkpoint,
    save_whole,
)
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.distillation import ask, map_loss, mean_probability
from pneumoscope.lab.distributed import averaging_gradients, from_first, this_device, this_process
from pneumoscope.lab.losses import example_losses, is_right, surprise
from pneumoscope.lab.lung_network import lung_loss, lung_prior
from pneumoscope.lab.progress import EpochRecord, Figures, Journal, Pace
from pneumoscope.lab.recipe import OptimiserRecipe, Recipe, RecipeError
from pneumoscope.lab.schedule import build_optimiser, frozen_parts, learning_rate

logger = logging.getLogger(__name__)


class TrainingDiverged(PneumoscopeError):
    """The loss is no number any more."""

    code = "training_diverged"
    remedy = "Lower learning_rate or clip_norm, or train in float32; then start anew."


@dataclass(frozen=True, slots=True)
class Run:
    """What a training works on.

    network: the module itself; parallel: the same, perhaps one of several processes; average: the
    moving average of its weights, which is what training gives; teachers: whose mean probability
    is followed; frozen: parts that stay as they came, running statistics included.
    """

    recipe: Recipe
    network: nn.Module
    parallel: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    teachers: list[nn.Module]
    frozen: list[nn.Module]
    device: torch.device


def fit(
    network: nn.Module,
    train: Dataset,
    validation: Dataset,
    recipe: Recipe,
    out: Path,
    *,
    learned_from: Mapping[str, Any] | None = None,
    teachers: Sequence[nn.Module] = (),
    after_epoch: Callable[[], None] = lambda: None,
) -> nn.Module:
    """Train `network` and return the averaged weights of the last epoch.

    Writes out/checkpoint.pt after every epoch (resumed when present), progress.jsonl, curves.png
    and tensorboard/. The validation fold is watched, not used to choose an epoch, unless the recipe
    sets `patience`: the schedule ends at its minimum, and a chosen epoch would make the fold's
    figures optimistic. `learned_from` identifies, in plain types, the images and the teachers: a
    checkpoint of others is not resumed. `teachers` see every image as it was augmented for
    `network`, and the recipe's `distillation` and `map_distillation` are how much what they say,
    and where they see it, count. `after_epoch` is called once the epoch's checkpoint is safe; what
    it raises ends the training. In several processes all share `out` and get weights; those of the
    first count. A resumed run gives the same bits on a CPU; GPUs add in an order of their own.
    Raises RecipeError for a recipe that does not fit the data, CheckpointUnreadable,
    TrainingDiverged.
    """
    options = recipe.optimiser
    _check(options, train, teachers)
    run = _start(network, recipe, teachers)
    decided = {**decisive(recipe), **(learned_from or {})}
    checkpoint, best = out / "checkpoint.pt", out / "best.pt"
    done = load_checkpoint(checkpoint, run.network, run.average, run.optimiser, decided)
    train = train if options.balance == "none" else train.balanced()
    train = train.to_where_it_fits(run.device)
    pace = Pace((options.epochs - done) * (len(train) // options.batch_size), options.batch_size)
    with Journal(out, done) as journal:
        for epoch in range(done, options.epochs):
            if journal.waited(options.patience):
                break
            started = time.monotonic()
            loss = train_epoch(run, train, epoch, pace)
            # All take the figures of the first, so that all stop, or do not, at the same epoch.
            figures = from_first(validate(run.average, validation))._asdict()
            _check_finite(figures["validation_loss"], f"validation after epoch {epoch + 1}")
            seconds = time.monotonic() - started
            journal.add(EpochRecord(epoch=epoch + 1, loss=loss, seconds=seconds, **figures))
            if journal.writes:
                if options.patience and journal.best == epoch + 1:
                    save_whole(run.average.state_dict(), best)
                save_checkpoint(
                    checkpoint, epoch + 1, run.network, run.average, run.optimiser, decided
                )
            after_epoch()
    if options.patience and journal.writes:  # the others may be here before the file is
        run.average.load_state_dict(load_whole(best, run.device))
    return run.average


def train_epoch(run: Run, train: Dataset, epoch: int, pace: Pace) -> float:
    """One pass over the data. Returns the mean loss; raises TrainingDiverged."""
    recipe, options, process = run.recipe, run.recipe.optimiser, this_process()
    order = epoch_order(train, recipe, epoch)
    # Every process sees its own part of each batch, differently augmented.
    generator = Generator().manual_seed(_seed(recipe, epoch, 1 + process.rank))
    torch.manual_seed(_seed(recipe, epoch, 1 + process.rank))  # dropout
    run.parallel.train()
    for part in run.frozen:
        part.eval()
    steps = len(train) // options.batch_size
    total = torch.zeros((), device=run.device)
    for i in range(steps):
        step = epoch * steps + i
        for group in run.optimiser.param_groups:
            group["lr"] = learning_rate(step, steps * options.epochs, options)
        chosen = order[i * options.batch_size : (i + 1) * options.batch_size]
        batch = train[chosen[process.rank :: process.count]].to(run.device)
        loss = batch_loss(run, batch, generator)
        run.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(run.network.parameters(), options.clip_norm)
        run.optimiser.step()
        # A young average follows quickly, so that it does not carry the initial weights along.
        ema_update(run.average, run.network, min(options.ema_decay, (1 + step) / (10 + step)))
        total += loss.detach()
        if pace.step():
            mean = float(total) / (i + 1)
            logger.info("epoch %d step %d/%d loss %.4f, %s", epoch + 1, i + 1, steps, mean, pace)
    mean = float(total) / steps
    _check_finite(mean, f"epoch {epoch + 1}")
    return mean


def _check_finite(loss: float, of: str) -> None:
    """The weights may be lost by the last step of an epoch, whose own loss was a number still."""
    if not math.isfinite(loss):
        raise TrainingDiverged(f"The loss of {of} is {loss}.")


def epoch_order(train: Dataset, recipe: Recipe, epoch: int) -> Tensor:
    """int64 [N]: the same in every process. A sampler draws with replacement, by weight."""
    generator = Generator().manual_seed(_seed(recipe, epoch, 0))
    if recipe.optimiser.balance == "sampler":
        weights = train.weights.cpu().double()
        return torch.multinomial(weights, len(train), replacement=True, generator=generator)
    return torch.randperm(len(train), generator=generator)


def batch_loss(run: Run, batch: Dataset, generator: Generator) -> Tensor:
    """The mean loss of augmented pixels, against the labels of both images that were mixed."""
    recipe, options = run.recipe, run.recipe.optimiser
    x = batch.pixels.float() / 255  # [B, 1, H, W]
    # Where lungs are likely moves with the image; it is asked of networks that look for them.
    prior = lung_prior(x.shape[-1]).to(x.device).expand_as(x)
    moved = affine(torch.cat([x, prior], 1), recipe.augmentation, generator)
    x, prior = moved[:, :1], moved[:, 1:]
    x = acquire(x, recipe.augmentation, generator)
    x, partners, share = mix(x, generator, recipe.augmentation)
    x = x.contiguous(memory_format=torch.channels_last)
    half = options.precision == "bfloat16"
    with torch.autocast(run.device.type, torch.bfloat16, enabled=half):
        output = run.parallel(x)
        said = ask(run.teachers, x)
    word = mean_probability(said)
    losses = _weighted_losses(output.logits, batch, word, options)
    others = _weighted_losses(output.logits, batch[partners], word, options)
    loss = torch.lerp(others, losses, share).mean()
    if options.map_distillation > 0:
        loss = loss + options.map_distillation * map_loss(output.activation, said)
    if output.lungs is None:
        return loss
    return loss + options.lung_attention * lung_loss(output.lungs, prior)


def _weighted_losses(
    logits: Tensor, batch: Dataset, word: Tensor | None, options: OptimiserRecipe
) -> Tensor:
    """float32 [B]. What the sampler has weighted already is not weighted again."""
    losses = example_losses(logits, batch.labels, word, options, batch.reliability)
    return losses if options.balance == "sampler" else losses * batch.weights


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


def validate(network: nn.Module, validation: Dataset) -> Figures:
    """Loss and accuracy with the examples' weights, AUROC without."""
    logits = predict_logits(network, validation.pixels)
    labels, weights = validation.labels, validation.weights / validation.weights.sum()
    sick = (labels > 0).numpy()
    pneumonia = 1 - logits.softmax(dim=1)[:, 0].double().numpy()
    return Figures(
        validation_loss=float((weights * surprise(logits, labels)).sum()),
        validation_accuracy=float((weights * is_right(logits, labels)).sum()),
        validation_auroc=auroc(sick, pneumonia) if 0 < sick.sum() < len(sick) else None,
    )


def _check(options: OptimiserRecipe, train: Dataset, teachers: Sequence[nn.Module]) -> None:
    if len(train) < options.batch_size:
        raise RecipeError(f"{len(train)} images do not fill a batch of {options.batch_size}.")
    if options.batch_size % (count := this_process().count):
        raise RecipeError(f"{count} processes cannot share a batch of {options.batch_size} evenly.")
    if (options.distillation > 0 or options.map_distillation > 0) != bool(teachers):
        raise RecipeError("distillation and teachers go together: one is given without the other.")


def _start(network: nn.Module, recipe: Recipe, teachers: Sequence[nn.Module]) -> Run:
    device = this_device()
    network = _placed(network, device)
    frozen = frozen_parts(network, recipe.optimiser.frozen_stages)
    for part in frozen:
        part.requires_grad_(False)
    return Run(
        recipe=recipe,
        network=network,
        parallel=averaging_gradients(network),
        average=copy.deepcopy(network).eval(),
        optimiser=build_optimiser(network, recipe.optimiser),
        teachers=[_placed(teacher, device).eval() for teacher in teachers],
        frozen=frozen,
        device=device,
    )


def _placed(network: nn.Module, device: torch.device) -> nn.Module:
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _seed(recipe: Recipe, *parts: int) -> int:
    return int(np.random.SeedSequence((recipe.seed, *parts)).generate_state(1)[0])
