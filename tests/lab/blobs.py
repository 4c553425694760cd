"""Pictures that are learnt in seconds, and a recipe to learn them by."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pneumoscope.lab.augment import AugmentationRecipe
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.recipe import NetworkRecipe, OptimiserRecipe, Recipe, read_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "default.toml"
SIDE = 64
TINY = NetworkRecipe(
    "pneumonet", dropout=0.1, options={"width": 4, "depth": 1, "stages": 3, "hidden": 8}
)

OPTIMISER = OptimiserRecipe(
    epochs=7,
    batch_size=4,
    learning_rate=1e-3,
    weight_decay=0.02,
    warmup_fraction=0.15,
    label_smoothing=0.05,
    clip_norm=5.0,
    ema_decay=0.99,
)
AUGMENTATION = AugmentationRecipe(
    rotation=2.0,
    translation=0.0,
    scale=(0.9, 1.12),
    aspect=0.12,
    flip=0.0,
    gamma=(0.7, 1.45),
    contrast=(0.8, 1.2),
    brightness=0.08,
    blur=0.0,
    noise=0.02,
    border=0.0,
)


def blobs(n: int, seed: int, **columns: np.ndarray) -> Dataset:
    """Three classes that differ in where a bright blob lies."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    centres = np.array([[16, 16], [32, 48], [48, 20]])[labels] + rng.normal(0, 2, (n, 2))
    distance = (y - centres[:, 0, None, None]) ** 2 + (x - centres[:, 1, None, None]) ** 2
    pixels = 40 + 180 * np.exp(-distance / 60) + rng.normal(0, 8, (n, SIDE, SIDE))
    pixels = pixels.clip(0, 255).astype(np.uint8)
    return Dataset.from_numpy(pixels, labels.astype(np.int64), **columns)


def plan(*, network: NetworkRecipe = TINY, **optimiser: object) -> Recipe:
    """A recipe of its own, that does not change when the default does."""
    return replace(
        read_recipe(RECIPE),
        network=network,
        optimiser=replace(OPTIMISER, **optimiser),
        augmentation=AUGMENTATION,
    )
