"""What happens to radiographs on their way, in five degrees each (after Hendrycks & Dietterich
2019, with strengths for grey radiographs).

pixels: float32 [H, W], 0..1, air dark; the same comes back. Lengths are shares of the image, so
that a degree means the same for every size.
"""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageFilter

from pneumoscope.core.decode import decode
from pneumoscope.core.types import FloatImage

# Large originals are reduced first: every degree is then the same at the network's size.
_LONGEST_SIDE = 512


def _noise(pixels: FloatImage, deviation: float) -> FloatImage:
    seed = int(pixels.sum(dtype=np.float64)) % 2**32  # the same radiograph, the same noise
    noise = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
    return (pixels + noise).astype(np.float32)


def _blur(pixels: FloatImage, share: float) -> FloatImage:
    radius = share * max(pixels.shape)
    return _through_pillow(pixels, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def _contrast(pixels: FloatImage, factor: float) -> FloatImage:
    mean = np.float32(pixels.mean())
    changed: FloatImage = mean + (pixels - mean) * np.float32(factor)
    return changed


def _rotate(pixels: FloatImage, degrees: float) -> FloatImage:
    return _through_pillow(
        pixels, lambda image: image.rotate(degrees, resample=Image.Resampling.BILINEAR)
    )


def _crop(pixels: FloatImage, share: float) -> FloatImage:
    """Takes `share` of each side off every edge."""
    y, x = (round(share * side) for side in pixels.shape)
    return pixels[y : pixels.shape[0] - y, x : pixels.shape[1] - x]


def _resolution(pixels: FloatImage, side: float) -> FloatImage:
    """Down to at most `side` pixels each way and up again."""

    def down_and_up(image: Image.Image) -> Image.Image:
        size = (min(int(side), image.width), min(int(side), image.height))
        small = image.resize(size, Image.Resampling.BILINEAR)
        return small.resize(image.size, Image.Resampling.BILINEAR)

    return _through_pillow(pixels, down_and_up)


def _invert(pixels: FloatImage, contrast: float) -> FloatImage:
    """Air bright, at a share of the contrast."""
    return _contrast(1 - pixels, contrast)


def _jpeg(pixels: FloatImage, quality: float) -> FloatImage:
    buffer = io.BytesIO()
    _as_image(pixels).save(buffer, "JPEG", quality=int(quality))
    return _as_pixels(Image.open(buffer))


CORRUPTIONS: dict[str, tuple[Callable[[FloatImage, float], FloatImage], tuple[float, ...]]] = {
    "noise": (_noise, (0.02, 0.05, 0.10, 0.15, 0.25)),
    "blur": (_blur, (0.003, 0.006, 0.010, 0.016, 0.025)),
    "contrast": (_contrast, (0.8, 0.6, 0.4, 0.25, 0.15)),
    "rotation": (_rotate, (3, 7, 12, 20, 30)),
    "crop": (_crop, (0.03, 0.06, 0.10, 0.15, 0.20)),
    "JPEG quality": (_jpeg, (60, 40, 20, 10, 5)),
    "resolution": (_resolution, (160, 112, 80, 56, 40)),
    "inversion": (_invert, (0.2, 0.4, 0.6, 0.8, 1.0)),
}


def corrupted(content: bytes, name: str, strength: float) -> bytes:
    """The radiograph in `content`, corrupted, as PNG. Raises DecodeError."""
    function, _ = CORRUPTIONS[name]
    return _as_png(function(_reduced(content), strength))


def clean(content: bytes) -> bytes:
    """Only reduced and written again: what the corrupted ones are compared with."""
    return _as_png(_reduced(content))


def corruption(name: str, strength: float) -> Callable[[bytes], bytes]:
    return partial(corrupted, name=name, strength=strength)


def _reduced(content: bytes) -> FloatImage:
    pixels = decode(content).pixels
    scale = _LONGEST_SIDE / max(pixels.shape)
    if scale >= 1:
        return pixels
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32)


def _through_pillow(pixels: FloatImage, change: Callable[[Image.Image], Image.Image]) -> FloatImage:
    return _as_pixels(change(_as_image(pixels)))


def _as_image(pixels: FloatImage) -> Image.Image:
    return Image.fromarray(np.rint(pixels.clip(0, 1) * 255).astype(np.uint8))


def _as_pixels(image: Image.Image) -> FloatImage:
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _as_png(pixels: FloatImage) -> bytes:
    buffer = io.BytesIO()
    _as_image(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
