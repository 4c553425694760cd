"""`pneumoscope train`: recipe and data in, bundle out."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, nn

from pneumoscope.core.bundle import read_card
from pneumoscope.core.calibrate import calibrated_probabilities
from pneumoscope.core.metrics import auroc
from pneumoscope.lab.augment import augment
from pneumoscope.lab.calibration import derive_operating_points, fit_temperature
from pneumoscope.lab.checkpoint import load_average
from pneumoscope.lab.conformal import fit_band
from pneumoscope.lab.data import CLASSES, DataError, Example, fingerprint, load_pixels
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.distributed import process_group
from pneumoscope.lab.export import Trained, export_bundle
from pneumoscope.lab.folds import held_out_mask
from pneumoscope.lab.gate import build_gate, gate_trunk, read_frontal_folder
from pneumoscope.lab.loop import fit, predict_logits
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.recipe import Recipe, read_recipe
from pneumoscope.lab.sources import training_examples

logger = logging.getLogger(__name__)
CALIBRATION_COPIES = 4
RANGE_IMAGES = 128


def train(
    recipe: Path,
    data: Sequence[Path],
    out: Path,
    *,
    frontal: Sequence[Path] = (),
    teachers: Sequence[Path] = (),
) -> Path:
    """Train by the recipe on all but the test splits of `data` and export `out/bundle`.

    data: folders or manifests (docs/data.md). No test split is read. Temperature and threshold
    come from the validation fold.
    frontal: folders of further frontal chest radiographs, without labels, that the input gate
    must let through. teachers: folders of earlier trainings, whose mean probability is followed by
    the recipe's `distillation`. A checkpoint in `out` is resumed. Returns the bundle's folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan = read_recipe(recipe)
    followed = [load_average(run) for run in teachers]
    examples = training_examples(data, plan.data)
    held_out = held_out_mask(examples, plan.data, plan.seed)
    _check_fold(examples, held_out)
    logger.info("reading %d radiographs", len(examples))
    pixels = load_pixels(examples, plan.input)
    # Now: an unreadable one among them would otherwise end a training that is done.
    passed = [read_frontal_folder(folder, plan.input) for folder in frontal]
    whole = Dataset.of(examples, pixels)
    validation = whole[torch.from_numpy(held_out)]
    torch.manual_seed(plan.seed)
    network: nn.Module = build_network(plan.network, len(CLASSES))
    with process_group() as process:
        training = whole[torch.from_numpy(~held_out)]
        network = fit(network, training, validation, plan, out, teachers=followed).cpu()
    if not process.first:
        return out / "bundle"

    logits, repeated = perturbed_logits(network, validation, plan)
    temperature = fit_temperature(logits, repeated)
    points = derive_operating_points(logits, repeated, temperature)
    patients = np.array([e.patient for e, held in zip(examples, held_out, strict=True) if held])
    logger.info("temperature %.3f; fitting the gate", temperature)
    trunk = gate_trunk()
    sites = np.array([example.site for example in examples])
    sources = [(pixels[sites == site], held_out[sites == site]) for site in np.unique(sites)]
    gate, limit = build_gate(trunk, sources + passed, plan.seed)
    ranges = pixels[~held_out]
    trained = Trained(
        recipe=plan,
        network=network,
        trunk=trunk,
        temperature=temperature,
        operating_points=points,
        uncertain=fit_band(
            logits,
            repeated,
            np.tile(patients, 1 + CALIBRATION_COPIES),
            temperature=temperature,
            points=points,
        ),
        gate=gate,
        gate_limit=limit,
        validation_pixels=pixels[held_out],
        validation_labels=validation.labels.numpy(),
        range_pixels=ranges[:: max(1, len(ranges) // RANGE_IMAGES)][:RANGE_IMAGES],
        metrics=_validation_metrics(network, validation, temperature),
        data=_data_record(plan, examples, held_out, frontal, teachers),
    )
    return export_bundle(trained, out / "bundle")


def _check_fold(examples: list[Example], held_out: NDArray[np.bool_]) -> None:
    judged = [example.label > 0 for example, held in zip(examples, held_out, strict=True) if held]
    if len(set(judged)) < 2:
        raise DataError("The validation fold lacks normal radiographs or pneumonia.")


def perturbed_logits(
    network: nn.Module, validation: Dataset, recipe: Recipe
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits of the validation fold as it is and of augmented copies, with the labels repeated.

    A clean fold from the training hospital is too easy: a temperature and threshold fitted on it
    are overconfident at the next hospital. The augmentation stands for that difference.
    """
    generator = Generator().manual_seed(recipe.seed)
    copies = [validation.pixels]
    for _ in range(CALIBRATION_COPIES):
        batches = [
            augment(validation.pixels[i : i + 64].float() / 255, recipe.augmentation, generator)
            for i in range(0, len(validation), 64)
        ]
        copies.append((torch.cat(batches) * 255).round().to(torch.uint8))
    logits = torch.cat([predict_logits(network, copy) for copy in copies]).numpy()
    return logits, validation.labels.repeat(len(copies)).numpy()


def _validation_metrics(
    network: nn.Module, validation: Dataset, temperature: float
) -> dict[str, float]:
    logits = predict_logits(network, validation.pixels).numpy()
    labels = validation.labels.numpy()
    probability = 1 - calibrated_probabilities(logits, temperature)[:, 0]
    metrics = {
        "validation_images": float(len(labels)),
        "validation_auroc": auroc(labels > 0, probability),
    }
    known = np.isin(labels, (1, 2))
    bacterial = labels[known] == CLASSES.index("bacterial")
    if 0 < bacterial.sum() < len(bacterial):
        score = (logits[:, 1] - logits[:, 2])[known]
        metrics["validation_auroc_bacterial_viral"] = auroc(bacterial, score)
    return metrics


def _data_record(
    recipe: Recipe,
    examples: list[Example],
    held_out: NDArray[np.bool_],
    frontal: Sequence[Path],
    teachers: Sequence[Path],
) -> dict[str, Any]:
    return {
        "source": "; ".join(recipe.card.data),
        "fingerprint": fingerprint(examples),
        "images": len(examples),
        "patients": len({example.patient for example in examples}),
        "sites": sorted({example.site for example in examples if example.site}),
        "validation_images": int(held_out.sum()),
        "teachers": [read_card(run / "bundle")[1] for run in teachers],
        "gate_sources": sorted("/".join(folder.parts[-2:]) for folder in frontal),
    }
