"""A model card's nested values as tables that people read."""

from collections.abc import Iterator
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pneumoscope.web.accounts.operating import point_word

register = template.Library()

# What the field writes in capitals or differently from its key.
CAPITALS = {"auc": "AUC", "auroc": "AUROC"}
WORDS = {
    "ece": gettext_lazy("Calibration error (ECE)"),
    "brier": gettext_lazy("Brier score"),
    "n": gettext_lazy("Radiographs"),
    "f1": "F1",
    # The percent sign is a percent sign. xgettext:no-python-format
    "ci": gettext_lazy("95 % interval"),
    "threshold": gettext_lazy("Threshold"),
}


@register.filter
def span(value: Any, unit: str) -> str:
    """`[1, 5]` → "1 to 5 years"; anything else as it is."""
    if isinstance(value, list | tuple) and len(value) == 2:
        span = {"low": _number(value[0]), "high": _number(value[1]), "unit": unit}
        return _("%(low)s to %(high)s %(unit)s") % span
    return str(value)


@register.filter
def figures(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Operating points, uncertain band and metrics, one table for each group of figures."""
    metrics = card.get("metrics", {})
    loose = {k: v for k, v in metrics.items() if not isinstance(v, dict)}
    tables = [_operating_point(point) for point in card.get("operating_points", [])]
    if "uncertain" in card:
        tables.append({"title": _("Uncertain results"), "rows": list(flat(card["uncertain"]))})
    if loose:
        tables.append({"title": _("Metrics"), "rows": list(flat(loose))})
    for name, group in metrics.items():
        if isinstance(group, dict):
            tables.append({"title": words(name), "rows": list(flat(group))})
    return tables


def _operating_point(point: dict[str, Any]) -> dict[str, Any]:
    measured = {name: value for name, value in point.items() if name != "name"}
    return {
        "title": _("Operating point: %(name)s") % {"name": point_word(point["name"])},
        "rows": list(flat(measured)),
    }


@register.filter
def flat(values: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested dictionaries as rows of a name and a value."""
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        title = f"{prefix}, {words(name).lower()}" if prefix else words(name)
        if isinstance(value, dict):
            yield from flat(value, title)
        elif isinstance(value, list) and value:
            yield title, " – ".join(_number(each) for each in value)
        elif value not in (None, "", []):
            yield title, _number(value)


def words(name: str) -> str:
    spoken = " ".join(CAPITALS.get(word, word) for word in name.split("_"))
    return str(WORDS.get(name, spoken[:1].upper() + spoken[1:]))


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return str(number_format(round(value, 3), 3))  # which by itself cuts off
