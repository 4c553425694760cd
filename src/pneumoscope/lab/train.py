"""`pneumoscope train`: recipe and data in, bundle out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, nn

from pneumoscope.core.calibrate import calibrated_probabilities
from pneumoscope.core.card import read_card
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.metrics import auroc
from pneumoscope.lab.augment import augment
from pneumoscope.lab.calibration import derive_operating_points, fit_temperature
from pneumoscope.lab.checkpoint import load_average
from pneumoscope.lab.conformal import fit_band
from pneumoscope.lab.data import CLASSES, Example, fingerprint, load_pixels
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.distributed import process_group
from pneumoscope.lab.export import Trained, export_bundle
from pneumoscope.lab.folds import divided
from pneumoscope.lab.gate import Source, build_gate, gate_trunk, read_frontal_folder
from pneumoscope.lab.loop import fit, predict_logits
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.recipe import Recipe, read_recipe
from pneumoscope.lab.sources import training_examples

logger = logging.getLogger(__name__)
CALIBRATION_COPIES = 4
RANGE_IMAGES = 128


class OutOfMemory(PneumoscopeError):
    """The GPU's, while training."""

    code = "out_of_memory"
    remedy = "Lower batch_size in the recipe, or end what else uses the GPU; then start anew."


@dataclass(frozen=True, slots=True)
class Material:
    """What a training reads.

    pixels: uint8 [N, size, size], one for each example. held_out: bool [N], the validation fold.
    frontal: of each folder of further radiographs for the gate, pixels and which are held out.
    """

    examples: list[Example]
    pixels: NDArray[np.uint8]
    held_out: NDArray[np.bool_]
    frontal: list[Source]

    def fold(self, mask: NDArray[np.bool_]) -> Dataset:
        """The examples under `mask`; sites are numbered over all of them."""
        return Dataset.of(self.examples, self.pixels)[torch.from_numpy(mask)]

    def validation_patients(self) -> NDArray[np.str_]:
        return np.array([example.patient for example in self.examples])[self.held_out]

    def gate_sources(self) -> list[Source]:
        """Pixels and which are held out, of every site and every further folder."""
        sites = np.array([example.site for example in self.examples])
        own = [(self.pixels[sites == s], self.held_out[sites == s]) for s in np.unique(sites)]
        return own + self.frontal

    def range_pixels(self) -> NDArray[np.uint8]:
        """Some of the training, evenly taken, on which int8 finds its ranges."""
        training = self.pixels[~self.held_out]
        return training[:: max(1, len(training) // RANGE_IMAGES)][:RANGE_IMAGES]


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
    the recipe's `distillation`. A checkpoint in `out` is resumed. Returns the bundle's folder,
    which of several processes the first writes, after the others have returned.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan = read_recipe(recipe)
    followed = [load_average(run) for run in teachers]
    material = read_material(plan, data, frontal)
    torch.manual_seed(plan.seed)
    network: nn.Module = build_network(plan.network, len(CLASSES))
    training, validation = material.fold(~material.held_out), material.fold(material.held_out)
    record = _data_record(plan, material, frontal, teachers)
    known = {"data.fingerprint": record["fingerprint"], "teachers": record["teachers"]}
    try:
        with process_group() as process:
            network = fit(
                network, training, validation, plan, out, learned_from=known, teachers=followed
            ).cpu()
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(f"{error}") from error
    if process.first:
        export_bundle(finish(network, plan, material, record), out / "bundle")
    return out / "bundle"


def read_material(plan: Recipe, data: Sequence[Path], frontal: Sequence[Path]) -> Material:
    """Every radiograph that a training and its gate need, read before either begins: an unreadable
    one would otherwise end a training that is done.

    Raises NoExamples, UnreadableExample, OneSidedFold.
    """
    examples = training_examples(data, plan.data)
    held_out = divided(examples, plan.data, plan.seed)
    logger.info("reading %d radiographs", len(examples))
    pixels = load_pixels(examples, plan.input)
    passed = [read_frontal_folder(folder, plan.input) for folder in frontal]
    return Material(examples, pixels, held_out, passed)


def finish(network: nn.Module, plan: Recipe, material: Material, record: dict[str, Any]) -> Trained:
    """What the validation fold says of the trained network: temperature, operating points and
    band; and the gate. record: the data, as the bundle's card names them."""
    validation = material.fold(material.held_out)
    logits, labels = perturbed_logits(network, validation, plan)
    temperature = fit_temperature(logits, labels)
    points = derive_operating_points(logits, labels, temperature)
    patients = np.tile(material.validation_patients(), 1 + CALIBRATION_COPIES)
    band = fit_band(logits, labels, patients, temperature=temperature, points=points)
    logger.info("temperature %.3f; fitting the gate", temperature)
    trunk = gate_trunk()
    gate, limit = build_gate(trunk, material.gate_sources(), plan.seed)
    return Trained(
        recipe=plan,
        network=network,
        trunk=trunk,
        temperature=temperature,
        operating_points=points,
        uncertain=band,
        gate=gate,
        gate_limit=limit,
        validation_pixels=material.pixels[material.held_out],
        validation_labels=validation.labels.numpy(),
        range_pixels=material.range_pixels(),
        metrics=_validation_metrics(network, validation, temperature),
        data=record,
    )


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
    recipe: Recipe, material: Material, frontal: Sequence[Path], teachers: Sequence[Path]
) -> dict[str, Any]:
    examples = material.examples
    return {
        "source": "; ".join(recipe.card.data),
        "fingerprint": fingerprint(examples),
        "images": len(examples),
        "patients": len({example.patient for example in examples}),
        "sites": sorted({example.site for example in examples if example.site}),
        "validation_images": int(material.held_out.sum()),
        "teachers": [read_card(run / "bundle")[1] for run in teachers],
        "gate_sources": sorted("/".join(folder.parts[-2:]) for folder in frontal),
    }
