"""How far apart a DICOM image's pixels are (PS3.3 10.7.1.3, C.7.6.3.1.7)."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.types import Reason

Plane: TypeAlias = Literal["calibrated", "detector"]

_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_MAX_ASPECT = 10.0
_PLAUSIBLE_MM = (0.01, 5.0)
_SAME_SPACING = 0.01


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between pixels in mm. "detector": as on the detector, magnified; "calibrated": as
    in the patient, by the header's word (PS3.3 10.7.1.3)."""

    mm: float
    plane: Plane


def read_aspect(dataset: Dataset) -> tuple[float, tuple[Reason, ...]]:
    """Distance between rows over distance between columns."""
    for keyword in (*_SPACINGS, "PixelAspectRatio"):
        value = dataset.get(keyword)
        if not isinstance(value, MultiValue) or len(value) != 2:
            continue
        vertical, horizontal = (float(each) for each in value)
        if (
            vertical > 0
            and horizontal > 0
            and 1 / _MAX_ASPECT < vertical / horizontal < _MAX_ASPECT
        ):
            return vertical / horizontal, ()
        message = f"{keyword} is not plausible; pixels are taken for square."
        return 1.0, (Reason("pixel_spacing_invalid", message),)
    return 1.0, ()


def read_spacing(dataset: Dataset) -> Spacing | None:
    """Of the finer direction, which the square pixels have. None where nothing plausible is stated,
    or something that contradicts the ratio by which pixels were made square."""
    aspect, doubts = read_aspect(dataset)
    stated = {keyword: _millimetres(dataset.get(keyword), aspect) for keyword in _SPACINGS}
    mm = next((value for value in stated.values() if value), None)
    if mm is None or doubts:
        return None
    patient, detector = stated["PixelSpacing"], stated["ImagerPixelSpacing"]
    corrected = patient and detector and abs(patient / detector - 1) > _SAME_SPACING
    calibrated = patient and (corrected or dataset.get("PixelSpacingCalibrationType"))
    return Spacing(mm, "calibrated" if calibrated else "detector")


def _millimetres(value: object, aspect: float) -> float | None:
    if not isinstance(value, MultiValue) or len(value) != 2:
        return None
    vertical, horizontal = both = [float(each) for each in value]
    low, high = _PLAUSIBLE_MM
    if not all(low <= each <= high for each in both):
        return None
    same = abs(vertical / horizontal / aspect - 1) <= _SAME_SPACING
    return min(both) if same else None
