"""The same radiograph twice: by its bytes, and by what it looks like."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pneumoscope.lab.data import Example, file_hash

# Among the 17 million pairs of the Kermany set 34 correlate by more than 0.999 and the next by less
# than 0.98; a copy with JPEG quality 40, half the size, gamma 1.4 or another window stays above
# 0.985. A 64-bit difference hash was tried: chests are so alike that 376,051 pairs differ in at
# most four bits.
NEAR = 0.985
_SIDE = 32
_ROWS_AT_ONCE = 512


def drop_duplicates(examples: Sequence[Example]) -> list[Example]:
    """Of files with the same bytes in the same split, the first.

    Across splits nothing is dropped: which split is right is not for a program to say.
    """
    first: dict[tuple[str, str], Example] = {}
    for example in examples:
        first.setdefault((example.split, file_hash(example.path)), example)
    return list(first.values())


def same_groups(keys: Iterable[str]) -> list[list[int]]:
    """Indices of equal keys, where there are at least two; "" equals nothing."""
    groups: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        if key:
            groups.setdefault(key, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What `near_pairs` compares: 32 × 32 means, with mean 0 and length 1. float32 [1024].

    pixels: uint8 [H, W], preprocessed, so that size and window hardly matter. A picture of one
    value becomes all zeros and is like nothing.
    """
    small = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float32).ravel()
    values = values - values.mean()
    length = np.linalg.norm(values)
    return values / length if length > _SIDE else np.zeros_like(values)


def near_pairs(thumbnails: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs i < j of pictures that correlate by at least NEAR. thumbnails: float32 [N, 1024]."""
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(thumbnails), _ROWS_AT_ONCE):
        correlation = thumbnails[start : start + _ROWS_AT_ONCE] @ thumbnails.T
        rows, columns = np.nonzero(correlation >= NEAR)
        later = columns > rows + start
        pairs += zip((rows[later] + start).tolist(), columns[later].tolist(), strict=True)
    return pairs
