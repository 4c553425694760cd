"""Long lists by their keys, newest first, so that a million rows cost what ten do."""

from typing import Any

from django.db.models import QuerySet

PAGE_SIZE = 50


def page_of(rows: QuerySet[Any], before: str) -> tuple[list[Any], int | None]:
    """The page before the row with this key (empty or no key: the newest), and the next key."""
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: PAGE_SIZE + 1])
    older = found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None
    return found[:PAGE_SIZE], older
