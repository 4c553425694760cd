"""Regions that readers draw: what the browser sends → what is kept with the review.

Kept is a list of {"zone", "box", "contour"}, named and measured as the regions of `core.record`:
pixels of the radiograph as displayed, here to a tenth.
"""

import json
from typing import Any, TypedDict

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from pneumoscope.core.explain import zone_name

MOST_REGIONS = 12
MOST_CORNERS = 512
# In square pixels: less is a slip of the hand.
SMALLEST_AREA = 16.0
LONGEST_TEXT = 200_000


class DrawnRegion(TypedDict):
    """zone: where the box has its middle. box: x, y, width, height. contour: a closed polygon
    without its repeated first point."""

    zone: str
    box: list[float]
    contour: list[list[float]]


class RegionsField(forms.CharField):
    """JSON [[[x, y], …], …], a polygon for each region → list of DrawnRegion. Empty text: none.

    columns, rows: of the radiograph as displayed.
    """

    widget = forms.HiddenInput

    def __init__(self, *, columns: int, rows: int) -> None:
        super().__init__(required=False, max_length=LONGEST_TEXT)
        self.columns = columns
        self.rows = rows

    def clean(self, value: Any) -> list[DrawnRegion]:
        polygons = _parsed(super().clean(value) or "[]")
        if len(polygons) > MOST_REGIONS:
            raise ValidationError(
                _("At most %(most)d regions are kept: remove some."), params={"most": MOST_REGIONS}
            )
        return [self._region(polygon) for polygon in polygons]

    def _region(self, polygon: Any) -> DrawnRegion:
        contour = [_corner(each) for each in polygon] if isinstance(polygon, list) else []
        if not all(0 <= x <= self.columns and 0 <= y <= self.rows for x, y in contour):
            raise ValidationError(_("A region lies outside the image: draw it again, inside."))
        if len(contour) > MOST_CORNERS:
            raise _unreadable()
        if area(contour) < SMALLEST_AREA:
            raise ValidationError(_("A region has no area: draw around what you see."))
        box = bounding_box(contour)
        middle = (box[0] + box[2] / 2) / self.columns, (box[1] + box[3] / 2) / self.rows
        return {"zone": zone_name(*middle), "box": box, "contour": contour}


def area(contour: list[list[float]]) -> float:
    """Square pixels inside a closed polygon (the shoelace formula); 0 for less than a triangle."""
    following = contour[1:] + contour[:1]
    doubled = sum(
        x * other_y - other_x * y
        for (x, y), (other_x, other_y) in zip(contour, following, strict=True)
    )
    return abs(doubled) / 2


def bounding_box(contour: list[list[float]]) -> list[float]:
    """x, y, width, height."""
    (left, top), (right, bottom) = (
        [extreme(corner[axis] for corner in contour) for axis in (0, 1)] for extreme in (min, max)
    )
    return [left, top, round(right - left, 1), round(bottom - top, 1)]


def _parsed(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    # Numbers of thousands of digits and brackets without end are not JSON errors.
    except (ValueError, RecursionError) as error:
        raise _unreadable() from error
    if not isinstance(found, list):
        raise _unreadable()
    return found


def _corner(found: Any) -> list[float]:
    match found:
        case [int() | float() as x, int() | float() as y]:
            return [_tenth(x), _tenth(y)]
    raise _unreadable()


def _tenth(value: float) -> float:
    """NaN stays, and lies nowhere; an integer too large for a float lies outside too."""
    try:
        return round(float(value), 1)
    except OverflowError:
        return float("inf")


def _unreadable() -> ValidationError:
    return ValidationError(_("The regions cannot be read: reload the page and draw them again."))
