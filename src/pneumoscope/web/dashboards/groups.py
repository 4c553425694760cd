"""The same figures by site, age band, sex and view."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from pneumoscope.web.dashboards.question import Question
from pneumoscope.web.dashboards.tallies import Tally
from pneumoscope.web.dashboards.totals import Totals
from pneumoscope.web.studies.conditions import AGES, SEXES, UNKNOWN, VIEWS


@dataclass(frozen=True, slots=True)
class Group:
    """link: to its studies. told: whether its results may be."""

    label: str
    link: str
    tally: Tally
    told: bool


@dataclass(frozen=True, slots=True)
class Division:
    title: str
    groups: list[Group]


def divisions(question: Question, totals: Totals) -> list[Division]:
    """A group without studies is left out, and so are sites where there is one."""
    known: list[tuple[str, str, dict[Any, tuple[Any, str]]]] = [
        ("site", _("Site"), {site.pk: (site.name, site.code) for site in question.chosen}),
        ("age", _("Age"), {name: (word, name) for name, (word, *_ends) in AGES.items()}),
        ("sex", _("Sex"), {name: (word, name) for name, word in SEXES.items()}),
        ("view", _("View"), {name: (word, name) for name, word in VIEWS.items()}),
    ]
    everything = Tally.total(totals.groups["site"].values())
    whole = Division(
        _("All"), [_group(question, _("All studies"), question.worklist(), everything)]
    )
    divided = [
        Division(title, _groups(question, key, names, totals)) for key, title, names in known
    ]
    return [whole, *divided[len(question.chosen) < 2 :]]


def _groups(
    question: Question, key: str, known: dict[Any, tuple[Any, str]], totals: Totals
) -> list[Group]:
    tallies = totals.groups[key]
    groups = [
        _group(
            question,
            str(word),
            question.worklist(**{key: name}),
            tallies[value],
            told=key != "site" or value not in question.blind,
        )
        for value, (word, name) in known.items()
        if tallies[value].received
    ]
    rest = Tally.total(tally for value, tally in tallies.items() if value not in known)
    # The attribute's own "other" has its row.
    word = _("Other or not known") if key == "view" else _("Not known")
    return (
        [*groups, _group(question, word, question.worklist(**{key: UNKNOWN}), rest)]
        if rest.received
        else groups
    )


def _group(question: Question, label: str, link: str, tally: Tally, *, told: bool = True) -> Group:
    return Group(label, link, tally, told and question.tells_results)
