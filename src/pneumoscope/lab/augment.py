"""Augmentation on batches, on the batch's device, replayable from one torch.Generator.

Every function takes and returns float32 [N, 1, H, W], 0..1, and draws one value per image.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


@dataclass(frozen=True, slots=True)
class AugmentationRecipe:
    """Ranges of the functions below; see there for units."""

    rotation: float
    translation: float
    scale: tuple[float, float]
    aspect: float
    flip: float
    gamma: tuple[float, float]
    contrast: tuple[float, float]
    brightness: float
    blur: float
    noise: float
    border: float


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _log_uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return _uniform(n, math.log(low), math.log(high), generator).exp()


def _per_image(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.device).view(-1, 1, 1, 1)


def affine(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Rotation in degrees, translation as a fraction of the side, scale, aspect and mirror image.

    One resampling for all five, bilinear; what comes in from outside is air (0).
    """
    n = len(x)
    angle = torch.deg2rad(_uniform(n, -recipe.rotation, recipe.rotation, generator))
    scale = _log_uniform(n, *recipe.scale, generator)
    aspect = _log_uniform(n, 1 / (1 + recipe.aspect), 1 + recipe.aspect, generator).sqrt()
    mirror = torch.where(torch.rand(n, generator=generator) < recipe.flip, -1.0, 1.0)
    shift = _uniform(2 * n, -2 * recipe.translation, 2 * recipe.translation, generator).view(n, 2)
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack(
        [
            torch.stack([mirror * cos / (scale * aspect), -sin / scale * aspect, shift[:, 0]], 1),
            torch.stack([mirror * sin / (scale * aspect), cos / scale * aspect, shift[:, 1]], 1),
        ],
        dim=1,
    ).to(x.device)
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def tone(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Gamma, contrast about the image's mean, brightness: how exposures and windows differ."""
    n = len(x)
    gamma = _per_image(_log_uniform(n, *recipe.gamma, generator), x)
    contrast = _per_image(_log_uniform(n, *recipe.contrast, generator), x)
    brightness = _per_image(_uniform(n, -recipe.brightness, recipe.brightness, generator), x)
    x = x.clamp_min(1e-6) ** gamma
    mean = x.mean((1, 2, 3), keepdim=True)
    return ((x - mean) * contrast + mean + brightness).clamp(0, 1)


def lose_resolution(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Reduce a share of the images by a factor of 1.2 to 3 and enlarge them again."""
    chosen = (torch.rand(len(x), generator=generator) < recipe.blur).to(x.device)
    if not chosen.any():
        return x
    factor = float(_uniform(1, 1.2, 3.0, generator))
    size = max(8, round(x.shape[-1] / factor))
    small = F.interpolate(x[chosen], (size, size), mode="bilinear", antialias=True)
    x = x.clone()
    x[chosen] = F.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)
    return x


def add_noise(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Gaussian noise with a standard deviation of 0 to `noise`."""
    sigma = _per_image(_uniform(len(x), 0, recipe.noise, generator), x)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    return (x + sigma * noise).clamp(0, 1)


def mask_border(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Blacken a frame of up to 10 % and one corner of up to 25 %: side markers and collimation
    tell sites and classes apart, the lung must do."""
    side = x.shape[-1]
    x = x.clone()
    draws = torch.rand(len(x), 4, generator=generator)
    for image, (chosen, frame, corner, width) in zip(x, draws.tolist(), strict=True):
        if chosen >= recipe.border:
            continue
        edge = int(frame * 0.10 * side)
        inner = image[:, edge : side - edge, edge : side - edge].clone()
        image.zero_()
        image[:, edge : side - edge, edge : side - edge] = inner
        span = int(width * 0.25 * side)
        rows = slice(0, span) if corner < 0.5 else slice(side - span, side)
        columns = slice(0, span) if corner % 0.5 < 0.25 else slice(side - span, side)
        image[:, rows, columns] = 0
    return x


def augment(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Geometry first, then tone, resolution, noise and masks, as acquisition would."""
    for step in (affine, tone, lose_resolution, add_noise, mask_border):
        x = step(x, recipe, generator)
    return x
