from django import template

from pneumoscope.web.audit.models import Event

register = template.Library()
HASH = 64


@register.filter
def details(event: Event) -> str:
    """What an event adds, on one line: without what is empty, hashes by their beginning."""
    told = ((name, _words(value)) for name, value in event.detail.items())
    return "; ".join(f"{name}: {words}" for name, words in told if words)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words(each) or "–" for each in value)
    text = "" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == HASH and text.isalnum() else text
