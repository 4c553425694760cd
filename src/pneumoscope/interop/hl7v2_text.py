"""HL7 v2 text: character sets (MSH-18, table 0211) and escape sequences (2.5.1 section 2.7).

Bytes are decoded before anything is divided, because second bytes of GB 18030, Big5 and of ISO 2022
look like delimiters.
"""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.delivery import DeliveryError

UTF_8 = "UNICODE UTF-8"
JAPANESE = "iso2022_jp_ext"  # JIS X 0201, 0208 and 0212 with their escapes
# By their names without spaces and signs, since senders write them as they like.
CODECS = {
    "": "",
    "ASCII": "ascii",
    "ISOIR6": "ascii",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "ISOIR192": "utf-8",
    "ISOIR14": JAPANESE,
    "ISOIR13": JAPANESE,
    "ISOIR87": JAPANESE,
    "ISOIR159": JAPANESE,
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "KSX1001": "euc_kr",
    "BIG5": "big5hkscs",
    **{f"8859{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
# ISO 2022 escapes written out: \M2442\ stands for ESC $ B, \C2842\ for ESC ( B.
WRITTEN_ESCAPE = re.compile(rb"\\[CM]((?:[0-9A-Fa-f]{2}){2,3})\\")


class Hl7Error(PneumoscopeError):
    """A message that cannot be taken in. condition: HL7 table 0357, for the acknowledgement.

    rejected: AR rather than AE, because nothing of the kind will ever be taken.
    """

    code = "hl7_error"
    remedy = "The sender's message is at fault: its log has the acknowledgement with the reason."
    condition = "102^Data type error"
    rejected = False

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location


class UnsupportedCharacterSet(Hl7Error):
    """MSH-18 names a character set that is not known here, or the bytes are not in it."""

    code = "hl7_character_set"
    remedy = f"Have the sender use {UTF_8}, or name in MSH-18 what it does use."
    condition = "103^Table value not found"
    rejected = True


class NotInCharacterSet(DeliveryError):
    """The destination's character set cannot hold what is to be said."""

    code = "hl7_not_in_character_set"
    remedy = f"Set the destination's character set to {UTF_8}."


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five signs of MSH-1 and MSH-2, in the order of the standard."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    def __str__(self) -> str:
        return f"{self.component}{self.repetition}{self.escape}{self.subcomponent}"

    @property
    def letters(self) -> dict[str, str]:
        """The letter each one has as an escape sequence."""
        return {
            "F": self.field,
            "S": self.component,
            "R": self.repetition,
            "E": self.escape,
            "T": self.subcomponent,
        }


def codec(character_sets: str) -> str:
    """Python's name for the repetitions of MSH-18; empty where nothing is said.

    Raises UnsupportedCharacterSet.
    """
    names = [re.sub(r"[^A-Z0-9]", "", name.upper()) for name in character_sets.split("~")]
    found = []
    for name in names:
        known = CODECS.get(name.removeprefix("ISO") if name.startswith("ISO8859") else name)
        if known is None:
            raise UnsupportedCharacterSet(f"unknown character set {character_sets!r}", "MSH^1^18")
        found.append(known)
    # Japanese lists several and switches between them; the codec that knows all of them reads all.
    return JAPANESE if JAPANESE in found else next(filter(None, reversed(found)), "")


def decode(data: bytes, character_sets: str, default: str = UTF_8) -> str:
    """Message bytes → text. Where MSH-18 is empty `default` is tried, then Latin-1.

    Raises UnsupportedCharacterSet.
    """
    name = codec(character_sets)
    if name == JAPANESE:
        data = WRITTEN_ESCAPE.sub(lambda found: b"\x1b" + bytes.fromhex(found[1].decode()), data)
    try:
        return data.decode(name or codec(default))
    except UnicodeDecodeError as error:
        if not name:
            return data.decode("iso8859-1")
        raise UnsupportedCharacterSet(f"not in {character_sets}: {error.reason}") from error


def encode(text: str, character_sets: str) -> bytes:
    """Text → bytes. Raises NotInCharacterSet: a “?” in a patient's name is worse than none."""
    try:
        return text.encode(codec(character_sets) or "ascii")
    except UnicodeEncodeError as error:
        raise NotInCharacterSet(f"the text cannot be written in {character_sets}") from error


def escape(value: str, delimiters: Delimiters) -> str:
    """A value as it stands in a field. Line ends become the \\.br\\ of formatted text."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return lines.translate(_escapes(delimiters))


@lru_cache
def _escapes(delimiters: Delimiters) -> dict[int, str]:
    """For str.translate: delimiters, line ends and control characters."""
    mark = delimiters.escape
    controls = {number: f"{mark}X{number:02X}{mark}" for number in (*range(32), 127)}
    named = {ord(sign): f"{mark}{letter}{mark}" for letter, sign in delimiters.letters.items()}
    return controls | named | {ord("\n"): f"{mark}.br{mark}"}


def unescape(text: str, delimiters: Delimiters, character_set: str = UTF_8) -> str:
    """The inverse of `escape`; also reads \\Xdd…\\ in the message's character set.

    Highlighting is dropped. What is no escape sequence stays as it is: many senders do not escape
    their backslashes.
    """
    if delimiters.escape not in text:
        return text
    mark = re.escape(delimiters.escape)
    pattern = rf"{mark}([^{mark}\r\n]{{1,4096}}){mark}"
    signs = delimiters.letters | {".br": "\n", ".sp": "\n", "H": "", "N": "", "P": "#"}

    def replace(found: re.Match[str]) -> str:
        sequence = found[1]
        if sequence in signs:
            return signs[sequence]
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", sequence):
            return _from_hexadecimal(sequence[1:], character_set, found[0])
        return found[0]

    return re.sub(pattern, replace, text)


def _from_hexadecimal(digits: str, character_set: str, otherwise: str) -> str:
    try:
        return codecs.decode(bytes.fromhex(digits), codec(character_set) or "utf-8")
    except UnicodeDecodeError:
        return otherwise
