"""Small pieces of HTML; every text that comes in is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from pneumoscope.core.report import Figure, number, span
from pneumoscope.core.section import Cell, Section


def text(value: object) -> str:
    return escape(str(value))


def with_interval(figure: Figure) -> str:
    """Value, and its interval in smaller letters."""
    return f"{number(figure[0])}<small>{span(figure)}</small>"


def section(told: Section, level: int = 3) -> str:
    """The section as HTML, its title of this level."""
    title = f"<h{level}>{text(told.title)}</h{level}>" if told.title else ""
    rows = [[_cell(cell) for cell in row] for row in told.rows]
    listed = table([text(cell) for cell in told.head], rows) if rows else ""
    return title + _paragraphs(told.intro) + listed + _paragraphs(told.notes)


def _paragraphs(paragraphs: Sequence[str]) -> str:
    return "".join(f"<p>{text(paragraph)}</p>" for paragraph in paragraphs)


def _cell(cell: Cell) -> str:
    """Bold, the only Markdown that a cell may hold, stays bold."""
    if not isinstance(cell, str):
        return with_interval(cell)
    bare = cell.removeprefix("**").removesuffix("**")
    return text(cell) if bare == cell else f"<strong>{text(bare)}</strong>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """The first column is text, the others numbers. Cells are HTML already."""
    classes = ["", *[' class="n"'] * (len(head) - 1)]
    top = "".join(f"<th{c}>{cell}</th>" for c, cell in zip(classes, head, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{c}>{cell}</td>" for c, cell in zip(classes, row, strict=True))
        + "</tr>"
        for row in rows
    )
    title = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{title}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def plot(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"
