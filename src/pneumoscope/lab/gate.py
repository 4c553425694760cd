"""Fit the input gate: how the features of real frontal chest radiographs are distributed.

Only radiographs that must be read are used; what must be refused is never shown to the fit, so
that the gate is judged on kinds it has not met. The features are ImageNet's, frozen: fine-tuning
on chests alone makes a network blind to what tells a chest from a knee (docs/decisions.md).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from pneumoscope.core.decode import decode
from pneumoscope.core.preprocess import InputContract, preprocess
from pneumoscope.core.quality import gate_distance
from pneumoscope.lab.augment import AugmentationRecipe, affine, mask_border
from pneumoscope.lab.efficientnet_lite import efficientnet_lite0
from pneumoscope.lab.network import IMAGENET_MEAN, IMAGENET_SCALE, Network

FloatArray = NDArray[np.float32]
COMPONENTS = 96
# Share of real radiographs of the least usual source that the limit may refuse.
REFUSED = 0.015


def read_frontal_folder(
    folder: Path, contract: InputContract
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Preprocess every image below `folder`. Returns uint8 [N, size, size] and which are held out.

    A third of the patients (file names up to the first underscore) is held out, by hash.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    pixels = np.stack([preprocess(decode(p.read_bytes()).pixels, contract) for p in paths])
    held_out = [hashlib.sha256(p.stem.split("_")[0].encode()).digest()[0] % 3 == 0 for p in paths]
    return np.rint(pixels * 255).astype(np.uint8), np.array(held_out)


class GateTrunk(nn.Module):
    """The first stages of EfficientNet-Lite0 as ImageNet trained them.

    Input as the network's. Returns float32 [N, 304]: mean and standard deviation over the image of
    every channel after the third (40) and the fifth stage (112).
    """

    def __init__(self, source: Network) -> None:
        super().__init__()
        self.stem = source.stem
        self.stages = source.stages[:5]

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem((x - IMAGENET_MEAN) * IMAGENET_SCALE)
        moments = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in (2, 4):
                mean = x.mean((2, 3), keepdim=True)
                spread = ((x - mean).square().mean((2, 3)) + 1e-8).sqrt()
                moments += [mean.flatten(1), spread]
        return torch.cat(moments, dim=1)


def gate_trunk() -> GateTrunk:
    """The frozen trunk, ready to run."""
    return GateTrunk(efficientnet_lite0(1)).eval().requires_grad_(False)


@torch.no_grad()
def gate_features(
    trunk: GateTrunk,
    pixels: NDArray[np.uint8],
    generator: Generator | None,
    recipe: AugmentationRecipe,
) -> FloatArray:
    """float32 [N, d]; with a generator, of rotated, shifted and masked copies."""
    batches = []
    for i in range(0, len(pixels), 64):
        x = torch.from_numpy(pixels[i : i + 64])[:, None].float() / 255
        if generator is not None:
            x = mask_border(affine(x, recipe, generator), recipe, generator)
        batches.append(trunk(x).numpy())
    return np.concatenate(batches)


def fit_gate(features: FloatArray) -> dict[str, FloatArray]:
    """The arrays `core.quality.gate_distance` reads. features: float32 [N, d]."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    mean = unit.mean(axis=0)
    centred = unit - mean
    covariance = centred.T @ centred / (len(unit) - 1)
    variance, basis = np.linalg.eigh(covariance)
    basis = basis[:, ::-1][:, :COMPONENTS].T
    scale = np.sqrt(variance[::-1][:COMPONENTS])
    coordinates = centred @ basis.T
    within = np.square(coordinates / scale).mean(axis=1)
    residual = np.square(centred).sum(axis=1) - np.square(coordinates).sum(axis=1)
    return {
        "mean": mean.astype(np.float32),
        "components": basis.astype(np.float32),
        "scale": scale.astype(np.float32),
        # Each part is 1 at its mean, halved so that an average training image has distance 1.
        "norm": np.array([2 * within.mean(), 2 * residual.mean()], dtype=np.float32),
    }


def gate_limit(gate: dict[str, FloatArray], held_out: Sequence[FloatArray]) -> float:
    """The distance that refuses `REFUSED` of the held-out radiographs of the least usual source.

    held_out: one float32 [N, d] per source.
    """
    quantiles = [
        np.quantile([gate_distance(features, gate) for features in source], 1 - REFUSED)
        for source in held_out
    ]
    return float(max(quantiles))
