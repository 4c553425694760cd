"""What covers a radiograph's borders and corners, put there at random so that it tells nothing.

Every function takes and returns float32 [N, 1, H, W], 0..1. `share`: of the images.
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pneumoscope.lab.draws import (
    chosen,
    coordinates,
    log_uniform,
    off_at_zero,
    per_image,
    uniform,
)

_COLLIMATED = 0.15
_TILT = 4.0
_CORNER = 0.2
# Five columns, seven rows.
_GLYPHS = {
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "1": "00100 01100 00100 00100 00100 00100 01110",
}


@off_at_zero
def collimate(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Blacken what lies outside a tilted rectangle: up to 15 % from each side, tilt up to 4°."""
    done = chosen(x, share, generator)
    sides = 2 * uniform(4 * len(x), 0, _COLLIMATED, generator).view(4, -1)
    left, right, top, bottom = (per_image(side, x) for side in sides)
    angle = per_image(torch.deg2rad(uniform(len(x), -_TILT, _TILT, generator)), x)
    v, u = coordinates(x)
    across, down = u * angle.cos() + v * angle.sin(), v * angle.cos() - u * angle.sin()
    open_field = (across > left - 1) & (across < 1 - right) & (down > top - 1) & (down < 1 - bottom)
    return torch.where(done & ~open_field, 0.0, x)


@off_at_zero
def paste_marks(x: Tensor, share: float, generator: Generator) -> Tensor:
    """One to three bright letters, 4 to 10 % of the height, in one of the corners."""
    glyphs = _glyphs()
    rows, columns = x.shape[2:]
    x = x.clone()
    draws = torch.rand(len(x), 6, generator=generator).tolist()
    letters = torch.randint(len(glyphs), (len(x), 3), generator=generator)
    for image, drawn, word in zip(x, draws, letters, strict=True):
        done, length, size, brightness, down, across = drawn
        if done >= share:
            continue
        mark = glyphs[word[: 1 + int(3 * length)]].transpose(0, 1).flatten(1)  # [7, 6 n]
        height = max(7, round((0.04 + 0.06 * size) * rows))
        width = min(round(height * mark.shape[1] / 7), columns)
        mark = F.interpolate(mark[None, None], (height, width), mode="bilinear")[0]
        top, left = (_corner(d, s) for d, s in ((down, rows - height), (across, columns - width)))
        place = image[:, top : top + height, left : left + width]
        place.copy_(torch.maximum(place, (0.6 + 0.4 * brightness) * mark.to(x.device)))
    return x


def _glyphs() -> Tensor:
    """float32 [letters, 7, 6], the last column empty."""
    dots = [[[float(dot) for dot in row] for row in g.split()] for g in _GLYPHS.values()]
    return F.pad(torch.tensor(dots), (0, 1))


def _corner(drawn: float, room: int) -> int:
    """0..1 → the first or the last fifth of 0..room."""
    offset = 2 * _CORNER * drawn
    return round(room * (offset if drawn < 0.5 else 1 - 2 * _CORNER + offset))


@off_at_zero
def cut_out(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Fill a rectangle of 2 to 12 % of the area with the image's mean (DeVries 2017)."""
    done = chosen(x, share, generator)
    area = uniform(len(x), 0.02, 0.12, generator)
    return torch.where(done & rectangle(x, area, generator), x.mean((2, 3), keepdim=True), x)


def rectangle(x: Tensor, area: Tensor, generator: Generator) -> Tensor:
    """A rectangle of `area` (share of the image, [N]) somewhere in each image, perhaps over its
    edge, its sides within 1 : 2. bool [N, 1, H, W]."""
    aspect = log_uniform(len(x), 0.5, 2, generator).sqrt()
    half_height, half_width = (per_image(area.sqrt() * a, x) for a in (aspect, 1 / aspect))
    centres = uniform(2 * len(x), -1, 1, generator).view(2, -1)
    v, u = coordinates(x)
    down, across = (per_image(centre, x) for centre in centres)
    return ((v - down).abs() < half_height) & ((u - across).abs() < half_width)
