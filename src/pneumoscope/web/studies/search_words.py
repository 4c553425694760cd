"""Where in a text a search may begin: at its words, whatever their case and accents.

As bytes, which every database compares alike, so that one index answers what begins with what.
"""

import re
import unicodedata

LONGEST = 64
# More words than this narrow nothing further down.
_TERMS = 8
# Letters or digits in a row; a number behind a full stop is the middle of a UID.
_WORD = re.compile(r"[^\W\d_]+|(?<![\d.])\d+")


def words_of(text: str) -> set[bytes]:
    """The text from each of its words on: "DOE^ANN 007" also as "ann 007", "007" and "7"."""
    plain = _folded(text)
    starts = {plain, *(plain[found.start() :] for found in _WORD.finditer(plain))}
    return {_fitted(start) for start in starts | {start.lstrip("0") for start in starts}} - {b""}


def terms_of(text: str) -> list[bytes]:
    """What was typed, as beginnings of such words: all of them are to be found."""
    typed = (term.strip(",;") for term in _folded(text).split())
    return [_fitted(term) for term in typed if term][:_TERMS]


def end_of(term: bytes) -> bytes:
    """Above everything that begins with the term: no UTF-8 has this byte."""
    return term + b"\xff"


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _fitted(text: str) -> bytes:
    return text.encode(errors="ignore")[:LONGEST]
