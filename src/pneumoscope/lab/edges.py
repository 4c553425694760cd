"""Where shortcuts live: the frame of a radiograph and its corners."""

import numpy as np

from pneumoscope.core.metrics import BoolArray


def border(side: int, share: float) -> BoolArray:
    """bool [side, side], true in a frame as wide as `share` of the side."""
    width = round(share * side)
    mask = np.ones((side, side), dtype=np.bool_)
    mask[width : side - width, width : side - width] = False
    return mask


def corners(side: int, share: float) -> BoolArray:
    """bool [side, side], true in the four corner squares of `share` of the side."""
    width = round(share * side)
    mask = np.zeros((side, side), dtype=np.bool_)
    for rows in (slice(width), slice(side - width, side)):
        for columns in (slice(width), slice(side - width, side)):
            mask[rows, columns] = True
    return mask
