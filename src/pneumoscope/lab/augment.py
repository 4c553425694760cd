"""Augmentation on batches, on the batch's device, replayable from one torch.Generator.

Every function takes and returns float32 [N, 1, H, W], 0..1, and draws one value per image.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pneumoscope.lab.draws import log_uniform, per_image, uniform
from pneumoscope.lab.occlusion import collimate, cut_out, paste_marks, rectangle
from pneumoscope.lab.processing import compress, local_contrast, sharpen, tone_curve


@dataclass(frozen=True, slots=True)
class AugmentationRecipe:
    """Ranges of the functions below and of `lab.processing` and `lab.occlusion`; see there for
    units. What has a default is off by it: a recipe without it gives the stream it always gave."""

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
    shear: float = 0.0
    tone_curve: float = 0.0
    local_contrast: float = 0.0
    sharpen: float = 0.0
    jpeg: float = 0.0
    jpeg_quality: tuple[float, float] = (30.0, 95.0)
    collimation: float = 0.0
    marks: float = 0.0
    cutout: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_share: float = 1.0


def affine(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Rotation and shear in degrees, translation as a fraction of the side, scale, aspect (drawn
    apart from the scale, so width and height change freely) and mirror image.

    One resampling for all of them, bilinear; what comes in from outside is air (0).
    """
    n = len(x)
    angle = torch.deg2rad(uniform(n, -recipe.rotation, recipe.rotation, generator))
    scale = log_uniform(n, *recipe.scale, generator)
    aspect = log_uniform(n, 1 / (1 + recipe.aspect), 1 + recipe.aspect, generator).sqrt()
    mirror = torch.where(torch.rand(n, generator=generator) < recipe.flip, -1.0, 1.0)
    shift = uniform(2 * n, -2 * recipe.translation, 2 * recipe.translation, generator).view(n, 2)
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack(
        [
            torch.stack([mirror * cos / (scale * aspect), -sin / scale * aspect, shift[:, 0]], 1),
            torch.stack([mirror * sin / (scale * aspect), cos / scale * aspect, shift[:, 1]], 1),
        ],
        dim=1,
    )
    if recipe.shear > 0:
        slope = torch.deg2rad(uniform(n, -recipe.shear, recipe.shear, generator)).tan()
        matrix[:, :, 1] += slope[:, None] * matrix[:, :, 0]
    grid = F.affine_grid(matrix.to(x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def tone(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Gamma, contrast about the image's mean, brightness: how exposures and windows differ."""
    n = len(x)
    gamma = per_image(log_uniform(n, *recipe.gamma, generator), x)
    contrast = per_image(log_uniform(n, *recipe.contrast, generator), x)
    brightness = per_image(uniform(n, -recipe.brightness, recipe.brightness, generator), x)
    x = x.clamp_min(1e-6) ** gamma
    mean = x.mean((1, 2, 3), keepdim=True)
    return ((x - mean) * contrast + mean + brightness).clamp(0, 1)


def lose_resolution(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Reduce a share of the images by a factor of 1.2 to 3 and enlarge them again."""
    chosen = (torch.rand(len(x), generator=generator) < recipe.blur).nonzero()[:, 0].to(x.device)
    if not len(chosen):
        return x
    factor = float(uniform(1, 1.2, 3.0, generator))
    size = max(8, round(x.shape[-1] / factor))
    small = F.interpolate(x[chosen], (size, size), mode="bilinear", antialias=True)
    x = x.clone()
    x[chosen] = F.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)
    return x


def add_noise(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """Gaussian noise with a standard deviation of 0 to `noise`."""
    sigma = per_image(uniform(len(x), 0, recipe.noise, generator), x)
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
    """In the order in which it happens: exposure, processing, resolution, noise, marks, the file.

    Cutting out comes last: it is no imitation, it makes the network look at more than one place.
    """
    return acquire(affine(x, recipe, generator), recipe, generator)


def acquire(x: Tensor, recipe: AugmentationRecipe, generator: Generator) -> Tensor:
    """All of `augment` that leaves everything in its place."""
    x = collimate(x, recipe.collimation, generator)
    x = tone(x, recipe, generator)
    x = tone_curve(x, recipe.tone_curve, generator)
    x = local_contrast(x, recipe.local_contrast, generator)
    x = sharpen(x, recipe.sharpen, generator)
    x = lose_resolution(x, recipe, generator)
    x = add_noise(x, recipe, generator)
    x = mask_border(x, recipe, generator)
    x = paste_marks(x, recipe.marks, generator)
    x = compress(x, recipe.jpeg, generator, quality=recipe.jpeg_quality)
    return cut_out(x, recipe.cutout, generator)


def mix(
    x: Tensor, generator: Generator, recipe: AugmentationRecipe
) -> tuple[Tensor, Tensor, Tensor]:
    """Mixup (Zhang 2018) or CutMix (Yun 2019) with another image of the batch.

    recipe: `mixup` and `cutmix` are the α of Beta(α, α) and 0 is off; where both are on, a coin is
    thrown for each image; `mix_share` of the images are mixed.
    Returns x; the partners, int64 [N]; and the share of x's own image, float32 [N], so that the
    loss is share · loss(y) + (1 − share) · loss(y[partners]). Off, it draws nothing.
    """
    n = len(x)
    if recipe.mixup == recipe.cutmix == 0:
        return x, torch.arange(n, device=x.device), torch.ones(n, device=x.device)
    partners = torch.randperm(n, generator=generator).to(x.device)
    mixed = torch.rand(n, generator=generator) < recipe.mix_share
    cut = torch.rand(n, generator=generator) < recipe.cutmix / (recipe.mixup + recipe.cutmix)
    blended = torch.where(mixed & ~cut, _beta(n, recipe.mixup, generator), 1.0)
    area = torch.where(mixed & cut, 1 - _beta(n, recipe.cutmix, generator), 0.0)
    patch = rectangle(x, area, generator)
    other = x[partners]
    share = per_image(blended, x)
    x = torch.where(patch, other, torch.lerp(other, x, share))
    return x, partners, share.flatten() * (1 - patch.float().mean((1, 2, 3)))


def _beta(n: int, alpha: float, generator: Generator) -> Tensor:
    """float32 [n] from Beta(alpha, alpha); torch's own takes no generator."""
    if alpha == 0:
        return torch.ones(n)
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    return torch.from_numpy(rng.beta(alpha, alpha, n).astype(np.float32))
