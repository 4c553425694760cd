"""Numbers as they are read: never one without its meaning, never a share of too few."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from pneumoscope.web.dashboards.shares import LEAST, Share
from pneumoscope.web.studies.templatetags.reading import SPACE

NOTHING = "–"
# The largest unit of which there are at least so many.
_UNITS = ((2 * 86_400, 86_400, "d"), (5_400, 3_600, "h"), (90, 60, "min"), (0, 1, "s"))


def number(amount: float) -> str:
    return _rounded(amount, 1 if 0 < amount < 9.95 else 0)


def _rounded(amount: float, digits: int) -> str:
    """Django's own formatting cuts off where it should round."""
    return number_format(round(amount, digits), digits, force_grouping=True)


def duration(seconds: float) -> str:
    """Two digits or so: "0.8 s", "34 s", "5.2 min"."""
    size, unit = next((size, unit) for least, size, unit in _UNITS if seconds >= least or not least)
    amount = max(seconds, 0.0) / size
    return f"{number(amount)}{SPACE}{unit}"


def count(how_many: int) -> str:
    return number_format(how_many, 0, force_grouping=True)


def share(part: Share) -> str:
    """34 %; of too few the counts themselves."""
    if not part.enough:
        return of(part) if part.whole else NOTHING
    whole = round(100 * part.part / part.whole)
    if whole == 0 and part.part:
        return f"<{SPACE}1{SPACE}%"
    if whole == 100 and part.part < part.whole:
        return f">{SPACE}99{SPACE}%"
    return f"{whole}{SPACE}%"


def of(part: Share) -> str:
    return _("%(part)s of %(whole)s") % {"part": count(part.part), "whole": count(part.whole)}


def interval(part: Share) -> str:
    """28–41 %, or why there is none."""
    if part.interval is None:
        return _("fewer than %(least)s") % {"least": LEAST} if part.whole else NOTHING
    low, high = (100 * end for end in part.interval)
    digits = 1 if round(low) == round(high) else 0
    return f"{_rounded(low, digits)}–{_rounded(high, digits)}{SPACE}%"
