"""Small pieces of HTML; every text that comes in is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from pneumoscope.core.report import Figure, number, span


def text(value: object) -> str:
    return escape(str(value))


def with_interval(figure: Figure) -> str:
    """Value, and its interval in smaller letters."""
    return f"{number(figure[0])}<small>{span(figure)}</small>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", css: str = ""
) -> str:
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
        f'<div class="scroll"><table class="{css}">{title}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def plot(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"
