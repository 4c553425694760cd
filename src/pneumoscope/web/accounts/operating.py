"""What the operating points of a model's card are called on a page."""

from django.utils.translation import gettext_lazy as _

from pneumoscope.core.operating import OPERATING_POINTS

_WORDS = {"screening": _("screening"), "balanced": _("balanced"), "rule_in": _("rule-in")}
POINTS = tuple((name, _WORDS[name]) for name in OPERATING_POINTS)


def point_word(name: str) -> str:
    """A name that only its card knows is shown as it stands there."""
    return str(_WORDS.get(name, name))
