"""What scanners, workstations and file formats do to a radiograph, as augmentation.

Every function takes and returns float32 [N, 1, H, W], 0..1.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pneumoscope.lab.draws import chosen, off_at_zero, per_image, uniform

_SEGMENTS = 8
_TILES = 8
_BLOCK = 8
# Luminance quantisation of ITU-T T.81, table K.1.
_QUANTISATION = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


@off_at_zero
def tone_curve(x: Tensor, strength: float, generator: Generator) -> Tensor:
    """A random monotone curve from (0, 0) to (1, 1), as manufacturers' look-up tables differ.

    strength: standard deviation of the logarithm of the slope in each of eight segments.
    """
    slopes = (strength * torch.randn(len(x), _SEGMENTS, generator=generator)).exp().to(x.device)
    curve = F.pad(slopes.cumsum(1) / slopes.sum(1, keepdim=True), (1, 0))  # [N, 9]
    position = x.flatten(1) * _SEGMENTS
    segment = position.long().clamp(0, _SEGMENTS - 1)
    start = curve.gather(1, segment)
    rise = curve.gather(1, segment + 1) - start
    return (start + rise * (position - segment)).view_as(x).clamp(0, 1)


@off_at_zero
def local_contrast(x: Tensor, strength: float, generator: Generator) -> Tensor:
    """Bring the contrast of every tile towards the image's, and half of its brightness.

    What contrast-limited adaptive histogram equalisation does (Pizer 1987), by mean and standard
    deviation of 8 × 8 tiles with interpolation between them instead of their histograms.
    Each image is changed by a share of 0 to `strength` (at most 1).
    """
    share = per_image(uniform(len(x), 0, strength, generator), x)
    tiles, squares = (F.adaptive_avg_pool2d(values, _TILES) for values in (x, x.square()))
    spread = (squares - tiles.square()).clamp_min(0).sqrt()
    contrast, brightness = x.std((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)
    gain = (contrast / (spread + 0.02)).clamp(0.5, 3) ** share
    # x · gain + shift is the tile's line; lines are interpolated, as the tiles' curves would be.
    shift = torch.lerp(tiles, brightness, share / 2) - tiles * gain
    gain, shift = (
        F.interpolate(values, x.shape[2:], mode="bilinear", align_corners=False)
        for values in (gain, shift)
    )
    return (x * gain + shift).clamp(0, 1)


@off_at_zero
def sharpen(x: Tensor, strength: float, generator: Generator) -> Tensor:
    """Unsharp masking: add 0 to `strength` times what differs from the 3 × 3 neighbourhood."""
    amount = per_image(uniform(len(x), 0, strength, generator), x)
    mean = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return torch.lerp(x, mean, -amount).clamp(0, 1)


@off_at_zero
def compress(
    x: Tensor, share: float, generator: Generator, *, quality: tuple[float, float]
) -> Tensor:
    """What baseline JPEG loses (ITU-T T.81): coefficients of 8 × 8 blocks, quantised.

    share: of the images. quality: lowest and highest, 1..100, on the usual scale of encoders.
    Done here and not by an encoder because the batch may be on a GPU; the two agree within two grey
    levels in 99 % of a radiograph's pixels.
    """
    done = chosen(x, share, generator)
    drawn = per_image(uniform(len(x), *quality, generator), x)[..., None, None]
    rows, columns = x.shape[2:]
    padded = F.pad(x, (0, -columns % _BLOCK, 0, -rows % _BLOCK), mode="replicate")
    blocks = padded.unfold(2, _BLOCK, _BLOCK).unfold(3, _BLOCK, _BLOCK)  # [N, 1, H/8, W/8, 8, 8]
    cosines = _cosines().to(x.device)
    table = _quantisation(drawn)
    levels = ((cosines @ (blocks * 255).round().sub(128) @ cosines.T) / table).round()
    decoded = (cosines.T @ (levels * table) @ cosines + 128).round().clamp(0, 255) / 255
    decoded = decoded.transpose(3, 4).reshape(padded.shape)[:, :, :rows, :columns]
    return torch.where(done, decoded, x)


def _cosines() -> Tensor:
    """The orthonormal DCT-II as a matrix, float32 [8, 8]."""
    index = torch.arange(_BLOCK, dtype=torch.float32)
    matrix = torch.cos(math.pi / _BLOCK * index[:, None] * (index[None] + 0.5)) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def _quantisation(quality: Tensor) -> Tensor:
    """Steps for each image's quality, scaled as the Independent JPEG Group's encoder does."""
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    table = torch.tensor(_QUANTISATION, dtype=torch.float32, device=quality.device)
    return ((table * scale + 50) / 100).floor().clamp(1, 255)
