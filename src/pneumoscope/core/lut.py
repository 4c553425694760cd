"""Grey-scale transformations of DICOM in float64: modality LUT, VOI LUT (PS3.3 C.11.1, C.11.2).

Every function maps an array of values to an array of the same shape. What comes after the VOI is
0..1 over the VOI's own output range, so that inversion is 1 − y and needs no second range.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.errors import InconsistentHeader

Values: TypeAlias = NDArray[np.float64]
VoiFunction: TypeAlias = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@dataclass(frozen=True, slots=True)
class Rescale:
    """Modality LUT as a straight line (PS3.3 C.11.1.1.2)."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, values: Values) -> Values:
        """Stored values → modality values."""
        return values * self.slope + self.intercept


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A LUT: `entries[0]` belongs to the input `first`; inputs outside take the nearest end.

    bits: of an entry, as the LUT Descriptor states (PS3.3 C.11.1.1.1, C.11.2.1.1).
    """

    first: int
    entries: Values
    bits: int

    def apply(self, values: Values) -> Values:
        """Look every value up, rounded to the nearest entry."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        looked_up: Values = self.entries[index.astype(np.intp)]
        return looked_up

    @property
    def effective_bits(self) -> int:
        """Bits of the largest entry where the stated bits cannot be meant.

        Devices state 16 for tables of 10 or 12 bits, which would then be shown almost black; a
        presentation that never reaches half of its range is taken for such a table.
        """
        return max(1, int(self.entries.max()).bit_length())

    def apply_as_voi(self, values: Values) -> Values:
        """Modality values → 0..1 over the output range of the table."""
        shown: Values = self.apply(values) / (2**self.effective_bits - 1)
        return shown


@dataclass(frozen=True, slots=True)
class Window:
    """A window (PS3.3 C.11.2.1.2 and C.11.2.1.3). Width: at least 1 for LINEAR, above 0 else."""

    center: float
    width: float
    function: VoiFunction = "LINEAR"

    @property
    def is_valid(self) -> bool:
        """Whether the standard allows these values."""
        smallest = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        return bool(np.isfinite([self.center, self.width]).all()) and smallest

    def apply_as_voi(self, values: Values) -> Values:
        """Modality values → 0..1."""
        match self.function:
            case "LINEAR":
                return _linear(values, self.center - 0.5, self.width - 1)
            case "LINEAR_EXACT":
                return _linear(values, self.center, self.width)
            case "SIGMOID":
                exponent = np.clip(-4 * (values - self.center) / self.width, -700, 700)
                sigmoid: Values = 1 / (1 + np.exp(exponent))
                return sigmoid


def _linear(values: Values, center: float, width: float) -> Values:
    if width == 0:  # LINEAR of width 1 is a threshold
        return (values > center).astype(np.float64)
    line: Values = np.clip((values - center) / width + 0.5, 0, 1)
    return line


def stretch(values: Values, shown: Values) -> Values:
    """Without a VOI: the lowest value shown → 0, the highest → 1; all 0 where they are equal."""
    low, high = shown.min(), shown.max()
    if not np.isfinite(high - low):
        raise InconsistentHeader("The modality LUT leads beyond all numbers.")
    if high == low:
        return np.zeros_like(values)
    stretched: Values = np.clip((values - low) / (high - low), 0, 1)
    return stretched
