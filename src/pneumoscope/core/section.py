"""A piece of a report as data, and as Markdown. HTML is written by lab.evaluation.markup."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pneumoscope.core.report import Figure, whole

# Text, or a figure with its interval.
Cell: TypeAlias = str | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """title: may be empty. intro, notes: paragraphs before and after the table, their lines broken
    for those who read Markdown as it stands. A section without rows has no table."""

    title: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    intro: Sequence[str] = ()
    notes: Sequence[str] = ()


def section_lines(section: Section, heading: str) -> Iterator[str]:
    """Markdown; `heading` begins the title."""
    if section.title:
        yield f"{heading} {section.title}\n"
    yield from (f"{paragraph}\n" for paragraph in section.intro)
    if section.rows:
        yield from table(section.head, ([_text(cell) for cell in row] for row in section.rows))
    yield from (f"{paragraph}\n" for paragraph in section.notes)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table and the empty line after it."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else whole(cell)
