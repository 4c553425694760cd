"""Places on the drawn scales from 0 to 1."""

from django import template

register = template.Library()


@register.filter
def svg_percent(value: float) -> str:
    """A place on a scale from 0 to 1 as an SVG length."""
    return f"{100 * min(1.0, max(0.0, value)):.1f}%"


@register.filter
def rest_percent(value: float) -> str:
    """From a place on a scale to its end, as an SVG length."""
    return svg_percent(1.0 - value)


@register.filter
def anchor(value: float) -> str:
    """SVG text-anchor that keeps a word at this place inside the scale."""
    return "start" if value < 0.15 else "end" if value > 0.85 else "middle"
