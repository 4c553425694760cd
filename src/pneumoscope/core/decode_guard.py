"""What every decoder needs against hostile or broken bytes: size limits, and parsers kept in check.

Pillow, pydicom and the codecs were written for good files: on bad ones they raise whatever comes
to hand, and warn on the way. Nothing but a named DecodeError may leave `core.decode`.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pneumoscope.core.errors import (
    CorruptFile,
    ImageTooLarge,
    InconsistentHeader,
    PneumoscopeError,
    TruncatedFile,
)

MAX_PIXELS = 64_000_000
"""Largest rows × columns decoded; a radiograph of 35 × 43 cm at 0.1 mm has 15 million."""

_PARSERS = r"(PIL|pydicom|openjpeg|pneumoscope\.core\.decode)"


def check_size(rows: int, columns: int) -> None:
    """Refuse an image by its header, before any pixel is decoded.

    Raises InconsistentHeader for an empty image, ImageTooLarge beyond MAX_PIXELS.
    """
    if rows < 1 or columns < 1:
        raise InconsistentHeader(f"The header states {rows} rows and {columns} columns.")
    if rows * columns > MAX_PIXELS:
        raise ImageTooLarge(
            f"The header states {rows} × {columns} pixels; the limit is {MAX_PIXELS:,}."
        )


@contextmanager
def parser_faults(what: str) -> Iterator[None]:
    """Turn whatever a third-party parser raises inside into TruncatedFile or CorruptFile."""
    try:
        yield
    except PneumoscopeError:
        raise
    except Exception as error:  # a parser fed hostile bytes may raise anything
        message = f"{what} cannot be decoded: {str(error) or type(error).__name__}"
        if isinstance(error, EOFError) or "truncated" in str(error).lower():  # Pillow's word
            raise TruncatedFile(message) from error
        raise CorruptFile(message) from error


class _ParserWarnings:
    """Ignores the parsers' warnings while at least one thread decodes.

    `warnings.catch_warnings` restores the filters of whichever thread left last and so may leak
    or lose filters when threads overlap; one counted filter does not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0

    @contextmanager
    def ignored(self) -> Iterator[None]:
        with self._lock:
            self._threads += 1
            warnings.filterwarnings("ignore", module=_PARSERS)
            ours = warnings.filters[0]
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                if self._threads == 0 and ours in warnings.filters:
                    warnings.filters.remove(ours)  # type: ignore[attr-defined]


parser_warnings = _ParserWarnings()
