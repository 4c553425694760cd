"""Anybody's words on paper: a font for every stretch, letters joined, lines broken.

reportlab's own paragraphs shape a word by its first letter's font and script alone, and "X-रे" is of
two. Latin, Greek, Cyrillic and Devanagari are embedded (Noto Sans); Chinese, Japanese and Korean
are asked of the fonts every PDF viewer knows by name. What none of them has, and what is written
from the right, is a question mark and never another letter.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import getFont, registerFont, stringWidth
from reportlab.pdfbase.ttfonts import ShapedStr, TTFont, shapeStr
from reportlab.pdfgen.textobject import PDFTextObject
from reportlab.platypus import Flowable

FOLDER = Path(__file__).with_name("fonts")
REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
DEVANAGARI = {REGULAR: "NotoSansDevanagari-Regular", BOLD: "NotoSansDevanagari-Bold"}
# Their repertoires are those of the character sets after which Adobe made them.
BY_NAME = {
    "HeiseiKakuGo-W5": "shift_jis",
    "STSong-Light": "gbk",
    "HYSMyeongJo-Medium": "euc_kr",
}
LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
SPACES = re.compile(r"[ \t]+")
# With the marks over, under and around it, of Latin and Devanagari.
LETTER = re.compile(r".[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u200c\u200d]*")


class Run(NamedTuple):
    """Letters of one font; glyphs: what reportlab draws for them; width in points."""

    font: str
    text: str
    glyphs: str
    width: float


class Words(Flowable):
    """Lines of text as wide as the frame, split between pages; the style gives font and colour."""

    def __init__(self, text: str, style: ParagraphStyle) -> None:
        super().__init__()
        self.text = unicodedata.normalize("NFC", text)
        self.style = style
        self.lines: list[str] = []

    def wrap(self, width: float, _: float) -> tuple[float, float]:
        self.lines = list(_lines(self.text, self.style, width))
        self.width, self.height = width, len(self.lines) * self.style.leading
        return width, self.height

    def split(self, _: float, height: float) -> list[Flowable]:
        room = int(height // self.style.leading)
        if room < 1:
            return []
        parts = self.lines[:room], self.lines[room:]
        return [Words("\n".join(part), self.style) for part in parts if part]

    def draw(self) -> None:
        style = self.style
        for row, line in enumerate(self.lines):
            runs = _runs(line, style)
            indent = self.width - _width(runs) if style.alignment == TA_RIGHT else 0
            below = row * style.leading + style.fontSize
            text = self.canv.beginText(indent, self.height - below)
            text.setFillColor(style.textColor)
            for run in runs:
                text.setFont(run.font, style.fontSize)
                _write(text, run)
            self.canv.drawText(text)


def fonts_register() -> None:
    """Afresh for each document: reportlab numbers joined letters as they come, in the font."""
    for name in (*DEVANAGARI, *DEVANAGARI.values()):
        registerFont(TTFont(name, FOLDER / f"{name}.ttf"))
    for name in BY_NAME:
        registerFont(UnicodeCIDFont(name))


def _lines(text: str, style: ParagraphStyle, width: float) -> Iterator[str]:
    for paragraph in LINE_ENDS.split(text):
        line = ""
        left = width
        for word in SPACES.split(paragraph.strip()):
            for piece in _pieces(word, style, width):
                needed = _width(_runs(f" {piece}" if line else piece, style))
                if line and needed > left:
                    yield line
                    line, left, needed = piece, width, _width(_runs(piece, style))
                else:
                    line += f" {piece}" if line else piece
                left -= needed
        yield line


def _pieces(word: str, style: ParagraphStyle, width: float) -> list[str]:
    """The word, or its parts where it is longer than a line; a letter keeps its marks."""
    if _width(_runs(word, style)) <= width:
        return [word]
    pieces, left = [""], width
    for letter in LETTER.findall(word):
        needed = _width(_runs(letter, style))
        if needed > left:
            pieces.append("")
            left = width
        pieces[-1] += letter
        left -= needed
    return pieces


def _width(runs: list[Run]) -> float:
    return sum(run.width for run in runs)


def _runs(text: str, style: ParagraphStyle) -> list[Run]:
    fonts = (style.fontName, DEVANAGARI[style.fontName])
    runs = []
    for font, letters in groupby(_fonts_of(text, fonts), key=lambda pair: pair[0]):
        stretch = "".join(letter for _, letter in letters)
        for name, part in [(font, stretch)] if font else _by_name(stretch, style.fontName):
            runs.append(_shaped(name, part, style.fontSize))
    return runs


def _fonts_of(text: str, fonts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each letter with its embedded font, or none; a mark stays with the letter before it."""
    font = fonts[0]
    for letter in text:
        font = next((name for name in (font, *fonts) if _embedded(name, letter)), "")
        yield font, letter


def _embedded(font: str, letter: str) -> bool:
    # Shaped letters get places of private use, which are nobody's words.
    private = unicodedata.category(letter) == "Co"
    return bool(font) and not private and ord(letter) in getFont(font).face.charToGlyph


def _by_name(stretch: str, otherwise: str) -> Iterator[tuple[str, str]]:
    """One font for the whole stretch, else for each letter."""
    for font, encoding in BY_NAME.items():
        known = stretch.encode(encoding, "ignore").decode(encoding)
        if known == stretch and known.isprintable():
            yield font, stretch
            return
    if len(stretch) == 1:
        yield otherwise, "?"
    else:
        for letter in stretch:
            yield from _by_name(letter, otherwise)


def _shaped(font: str, text: str, size: float) -> Run:
    glyphs = text if font in BY_NAME else shapeStr(text, font, size)
    if isinstance(glyphs, ShapedStr):
        width = sum(each.x_advance for each in glyphs.__shapeData__) * size / 1000
    else:
        width = stringWidth(glyphs, font, size)
    return Run(font, text, glyphs, width)


def _write(text: PDFTextObject, run: Run) -> None:
    """Joined letters are drawn by glyph: what is copied or searched is kept beside them."""
    if run.glyphs == run.text:
        text.textOut(run.glyphs)
        return
    said = f"\ufeff{run.text}".encode("utf-16-be").hex()
    text._code.append(f"/Span <</ActualText <{said}>>> BDC")  # noqa: SLF001
    text.textOut(run.glyphs)
    text._code.append("EMC")  # noqa: SLF001
