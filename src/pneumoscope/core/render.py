"""Pictures of a radiograph and its result.

The heatmap's colours are magma, designed by Nathaniel J. Smith and Stéfan van der Walt and given
to the public domain (CC0): perceptually even, readable with every kind of colour vision.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

from pneumoscope.core.explain import enlarge
from pneumoscope.core.types import Analysis, FloatImage, Point, Radiograph

RESEARCH_USE_ONLY = "Research use only – not a medical device"
# Every fifteenth of magma's 256 entries, first and last included; straight lines between them
# stay within 3 of 255 of the original.
MAGMA = (
    *((0, 0, 4), (9, 7, 32), (26, 16, 66), (49, 17, 101), (74, 16, 121), (98, 25, 128)),
    *((121, 34, 130), (145, 43, 129), (170, 51, 125), (194, 59, 117), (217, 70, 107)),
    *((236, 88, 96), (247, 114, 92), (252, 142, 100), (254, 170, 116), (254, 198, 138)),
    *((253, 226, 163), (252, 253, 191)),
)
ACCENT = (0x39, 0xC2, 0xD7)
INK = (0x0B, 0x0D, 0x10)
PAPER = (0x9D, 0x9E, 0x9F)  # white at 60 % on INK
OVERLAY_OPACITY = 0.6
_STRIP_TEXT = RESEARCH_USE_ONLY.replace("–", "-")  # Pillow's own font has no en dash
_SUPERSAMPLING = 2


def render_radiograph(radiograph: Radiograph, *, max_side: int | None = None) -> Image.Image:
    """The radiograph as displayed, mode L, air dark; its longer side at most `max_side` pixels."""
    image = Image.fromarray(np.rint(radiograph.pixels * 255).astype(np.uint8))
    size = _fitted(image.size, max_side)
    return image if size == image.size else image.resize(size, Resampling.LANCZOS)


def render_heatmap(heatmap: FloatImage, size: tuple[int, int]) -> Image.Image:
    """The heatmap in magma, mode RGBA, `size` = (width, height); alpha is the value itself.

    heatmap: float32 [h, w], 0..1. Enlarged bilinearly, as the regions are, so that colours and
    contours agree and no value appears that the map does not hold.
    """
    indices = np.rint(np.clip(enlarge(heatmap, *size), 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(_colour_table()[indices], "RGBA")


def render_overlay(analysis: Analysis, *, max_side: int | None = None) -> Image.Image:
    """Radiograph, heatmap and contours, mode RGB, above a strip that says what it is not.

    The longer side of the radiograph in it is at most `max_side` pixels. A rejected radiograph has
    neither heatmap nor contours.
    """
    grey = render_radiograph(analysis.radiograph, max_side=max_side)
    image = grey.convert("RGB")
    if analysis.heatmap is not None:
        heatmap = render_heatmap(analysis.heatmap, image.size)
        opacity = heatmap.getchannel("A").point(lambda alpha: alpha * OVERLAY_OPACITY)
        image.paste(heatmap.convert("RGB"), mask=opacity)
    scale = image.width / analysis.radiograph.width
    _draw_contours(image, [region.contour for region in analysis.regions], scale)
    return _with_strip(image)


def _fitted(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    width, height = size
    scale = min(1.0, (max_side or max(size)) / max(size))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _colour_table() -> NDArray[np.uint8]:
    """uint8 [256, 4]: magma's R, G, B and an alpha that grows with the value."""
    values = np.arange(256)
    anchors = np.linspace(0, 255, len(MAGMA))
    channels = [np.interp(values, anchors, channel) for channel in zip(*MAGMA, strict=True)]
    table: NDArray[np.uint8] = np.rint(np.stack([*channels, values], axis=1)).astype(np.uint8)
    return table


def _draw_contours(image: Image.Image, contours: list[tuple[Point, ...]], scale: float) -> None:
    """Lines in the accent with a thin dark edge, to be seen on black and on white lung."""
    line = max(1.5, max(image.size) / 450)
    for colour, width in ((INK, line * 2), (ACCENT, line)):
        mask = Image.new("L", (image.width * _SUPERSAMPLING, image.height * _SUPERSAMPLING))
        draw = ImageDraw.Draw(mask)
        for contour in contours:
            points = [(x * scale * _SUPERSAMPLING, y * scale * _SUPERSAMPLING) for x, y in contour]
            closed = [*points, *points[:2]]  # the second point again, for a joint at the first
            draw.line(closed, fill=255, width=round(width * _SUPERSAMPLING), joint="curve")
        image.paste(colour, mask=mask.reduce(_SUPERSAMPLING))


def _with_strip(image: Image.Image) -> Image.Image:
    """The image with the notice below it, in letters that fit the width."""
    reference = ImageFont.load_default(100).getlength(_STRIP_TEXT)
    font_size = min(max(12.0, image.width / 45), 90 * image.width / reference)
    strip = round(font_size * 2)
    framed = Image.new("RGB", (image.width, image.height + strip), INK)
    framed.paste(image)
    ImageDraw.Draw(framed).text(
        (image.width / 2, image.height + strip / 2),
        _STRIP_TEXT,
        fill=PAPER,
        font=ImageFont.load_default(font_size),
        anchor="mm",
    )
    return framed
