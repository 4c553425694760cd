"""The only preprocessing, shared by training and serving.

What the network sees in production must be what it saw in training, from an original of any size.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pneumoscope.core.types import FloatImage


@dataclass(frozen=True, slots=True)
class InputContract:
    """How a radiograph becomes the network's input; travels in the bundle's card.

    size: side of the square input in pixels.
    stretch: lower and upper percentile of the resized image that become 0 and 1. Acquisition
        chains differ in exposure and windowing far more than in anatomy.
    """

    size: int = 224
    stretch: tuple[float, float] = (1.0, 99.0)


def squash(pixels: FloatImage, size: int) -> FloatImage:
    """Resize to a square, ignoring the aspect ratio, by antialiased bilinear interpolation.

    pixels: float32 [H, W], 0..1. Returns float32 [size, size], 0..1. The triangle filter widens
    with the reduction, so no pixel of a large original is skipped. The aspect ratio is given up on
    purpose: in the training data it tells the classes apart (docs/model-card).
    """
    if pixels.shape == (size, size):
        return pixels
    image = Image.fromarray(pixels)
    resized = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


def stretch_contrast(pixels: FloatImage, percentiles: tuple[float, float]) -> FloatImage:
    """Map the given percentiles to 0 and 1 and clip. A constant image becomes all zeros."""
    low, high = np.percentile(pixels, percentiles)
    if high - low < 1e-6:
        return np.zeros_like(pixels)
    stretched: FloatImage = (pixels - np.float32(low)) / np.float32(high - low)
    return stretched.clip(0.0, 1.0)


def preprocess(pixels: FloatImage, contract: InputContract) -> FloatImage:
    """Squash, then stretch the contrast.

    pixels: float32 [H, W], 0..1, air dark. Returns float32 [size, size], 0..1. Mean and variance
    are normalised inside the network, so that they cannot be forgotten.
    """
    return stretch_contrast(squash(pixels, contract.size), contract.stretch)
