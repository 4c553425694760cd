"""What the network sees: radiographs as they are, and as augmentation changes them."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Generator

from pneumoscope.lab.augment import augment, mix
from pneumoscope.lab.data import TARGETS, Example, load_pixels
from pneumoscope.lab.recipe import Recipe

_GAP = 8
_CAPTION = 22
_INK, _PAPER = 30, 246
_Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(
    examples: Sequence[Example], recipe: Recipe, *, rows: int, copies: int, seed: int
) -> Image.Image:
    """A row per radiograph: the original, `copies` augmented by the recipe, what it is below.

    At the network's own resolution, grey. Which radiographs, and every draw, follow from the seed;
    labels and sites take turns. Mixed copies say how much of them is the row's own image.
    Raises UnreadableExample.
    """
    shown = _choose(examples, rows, seed)
    original = load_pixels(shown, recipe.input)
    columns, shares = _copies(original, recipe, copies, seed)
    side = recipe.input.size
    width = _GAP + (1 + copies) * (side + _GAP)
    sheet = Image.new("L", (width, 2 * _GAP + len(shown) * (side + _CAPTION)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for row, example in enumerate(shown):
        top = _GAP + row * (side + _CAPTION)
        draw.text((_GAP, top + side + 3), _caption(example), _INK, font)
        for column in range(1 + copies):
            tile = Image.fromarray(columns[column][row])
            if (share := shares[column][row]) < 1:
                _write_share(tile, share, font)
            sheet.paste(tile, (_GAP + column * (side + _GAP), top))
    return sheet


def _choose(examples: Sequence[Example], rows: int, seed: int) -> list[Example]:
    """Drawn in turn from every label of every site."""
    rng = np.random.default_rng(seed)
    kinds: dict[tuple[str, int], list[Example]] = {}
    for index in rng.permutation(len(examples)):
        example = examples[index]
        kinds.setdefault((example.site, example.label), []).append(example)
    turns = [kinds[kind] for kind in sorted(kinds)]
    longest = max(map(len, turns))
    return [turn[i] for i in range(longest) for turn in turns if i < len(turn)][:rows]


def _copies(
    original: NDArray[np.uint8], recipe: Recipe, copies: int, seed: int
) -> tuple[list[NDArray[np.uint8]], list[list[float]]]:
    """Columns of the sheet, uint8 [rows, H, W] each, the original first; and the own shares."""
    generator = Generator().manual_seed(seed)
    columns, shares = [original], [[1.0] * len(original)]
    x = torch.from_numpy(original)[:, None].float() / 255
    for _ in range(copies):
        changed = augment(x, recipe.augmentation, generator)
        changed, _, share = mix(changed, generator, recipe.augmentation)
        columns.append((changed[:, 0] * 255).round().to(torch.uint8).numpy())
        shares.append(share.tolist())
    return columns, shares


def _write_share(tile: Image.Image, share: float, font: _Font) -> None:
    corner = (tile.width - 4, tile.height - 4)
    text = f"{share:.0%} its own"
    ImageDraw.Draw(tile).text(corner, text, 255, font, "rs", stroke_width=2, stroke_fill=0)


def _caption(example: Example) -> str:
    facts = [
        TARGETS[example.label],
        example.site,
        example.view,
        "" if example.age is None else f"{example.age:.0f} years",
        example.sex,
        example.path.name,
    ]
    return "  ·  ".join(fact for fact in facts if fact)
