"""Every address there is, by the name of its view."""

from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver


def view_names(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in patterns or get_resolver().url_patterns:
        if hasattr(pattern, "url_patterns"):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from view_names(pattern.url_patterns, inner)
        else:
            yield f"{prefix}{pattern.name}"
