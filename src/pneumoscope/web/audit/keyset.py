"""Pages by keyset, largest first: a page says after which row the next begins.

So the last of a million rows cost what the first do, and a new row shifts none of them.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.fields.tuple_lookups import TupleLessThan

_LARGEST = 2**63


def page_of(
    rows: models.QuerySet[Any], fields: tuple[str, ...], after: str, size: int
) -> tuple[list[Any], str]:
    """The page that follows the place `after` (empty or no place: the first), and the next place.

    fields: what orders the rows, all falling; together they tell every row from every other.
    """
    found = list(rows_after(rows, fields, after)[: size + 1])
    return found[:size], place_of(found[size - 1], fields) if len(found) > size else ""


def rows_after(
    rows: models.QuerySet[Any], fields: tuple[str, ...], after: str
) -> models.QuerySet[Any]:
    """In order, from the place `after` on."""
    ordered = rows.order_by(*(f"-{name}" for name in fields))
    last = _read(rows.model, fields, after)
    if last is None:
        return ordered
    return ordered.filter(TupleLessThan(tuple(models.F(name) for name in fields), last))


def place_of(row: models.Model, fields: tuple[str, ...]) -> str:
    """A row's place as the part of an address."""
    return ".".join(_word(getattr(row, name)) for name in fields)


def _word(value: Any) -> str:
    if isinstance(value, datetime):
        return str(round(value.timestamp() * 1_000_000))
    return value.hex if isinstance(value, UUID) else str(value)


def _read(model: type[models.Model], fields: tuple[str, ...], place: str) -> Any:
    words = place.split(".")
    if len(words) != len(fields):
        return None
    try:
        # Django's documented, if underscored, API.
        kinds = [model._meta.get_field(name) for name in fields]  # noqa: SLF001
        return tuple(_value(kind, word) for kind, word in zip(kinds, words, strict=True))
    except (ValueError, OverflowError, OSError):
        return None


def _value(field: Any, word: str) -> Any:
    if isinstance(field, models.UUIDField):
        return UUID(word)
    number = int(word)
    if isinstance(field, models.DateTimeField):
        return datetime.fromtimestamp(number / 1_000_000, UTC)
    if abs(number) >= _LARGEST:
        raise ValueError(word)
    return number
