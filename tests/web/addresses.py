"""Every address there is, by the name of its view."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.urls import get_resolver, reverse

# What an address may name, by kind: nothing is called so.
_NOTHING = {"UUIDConverter": UUID(int=1), "IntConverter": 2**40, "UidConverter": "1.2.3"}


def view_names() -> Iterator[str]:
    for name, _ in addresses():
        yield name


def addresses() -> Iterator[tuple[str, str]]:
    """Each view's name and an address of it; whatever this names does not exist."""
    for name, kinds in _views(get_resolver().url_patterns):
        named = {key: _NOTHING.get(kind, "nothing") for key, kind in kinds.items()}
        yield name, reverse(name, kwargs=named)


def _views(patterns: list[Any], prefix: str = "", around: Any = None) -> Iterator[tuple[str, Any]]:
    """Each name with the kinds of what its address names."""
    for each in patterns:
        kinds = dict(around or {}) | dict.fromkeys(each.pattern.regex.groupindex, "")
        kinds |= {key: type(kind).__name__ for key, kind in each.pattern.converters.items()}
        if hasattr(each, "url_patterns"):
            inner = f"{prefix}{each.namespace}:" if each.namespace else prefix
            yield from _views(each.url_patterns, inner, kinds)
        else:
            yield f"{prefix}{each.name}", kinds
