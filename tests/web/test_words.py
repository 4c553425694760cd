"""Nothing is said to a person outside of the catalogues: pages, forms, choices, refusals."""

import ast
import importlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django import forms
from django.db.models import Choices
from django.template.base import Lexer, TokenType
from django.utils.functional import Promise

from web.catalogues import WEB

WORD = re.compile(r"[^\W\d_]{2}")
# The same in every language.
NAMES = {"Pneumoscope", "AUROC", "PDF", "JSON", "API", "DICOM", "DICOMweb", "TLS", "PA", "AP", "ms"}
PROTOCOLS = {"C-STORE", "STOW-RS", "FHIR R4", "ORU^R01", "HL7 v2, ORU^R01", "Webhook"}
PROTOCOLS |= {"DICOM, C-STORE", "DICOM, C-GET", "DICOMweb, STOW-RS"}
SAID = {"alt", "aria-description", "aria-label", "aria-valuetext", "label", "placeholder", "title"}
SPELLED = {"code", "kbd", "script", "style", "svg"}
# What orders and tells apart, and is on no page.
UNSEEN = {"pneumoscope.web.studies.models.studies.Urgency"}
UNSEEN |= {"pneumoscope.web.reviews.models.readings.Kind"}
VOID = {"br", "hr", "img", "input", "link", "meta", "source"}
# A word handed to another template, or put where there is no value; with an underscore, no word.
HANDED = re.compile(
    r"""(?:\bwith\s.*?=|\|(?:default|default_if_none|yesno|add):)(["'])([^_]*?)\1"""
)
PROGRAMS = {"api.py", "serializers.py", "idempotency.py", "paging.py", "migrations", "management"}

TEMPLATES = sorted(WEB.rglob("templates/**/*.html"))
SOURCES = [
    path for path in sorted(WEB.rglob("*.py")) if not PROGRAMS & set(path.relative_to(WEB).parts)
]


def is_words(text: str) -> bool:
    return any(WORD.search(word) and word not in NAMES for word in text.split())


class Page(HTMLParser):
    """What a template says by itself, in its text and in what is read out of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.said += [value for name, value in attrs if name in SAID and value]
        self.said += [names["data-word"] or ""] if tag == "td" and "data-word" in names else []
        if tag not in VOID:
            self.inside.append("data-words" if "data-words" in names else tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            del self.inside[len(self.inside) - 1 - self.inside[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        of_a_script = {"data-words", "dt"} <= set(self.inside)  # the name of a word
        if not SPELLED & set(self.inside) and not of_a_script:
            self.said.append(data)


def unmarked(source: str) -> list[str]:
    """Words of a template that stand outside of translate and blocktranslate."""
    page, handed, until = Page(), [], ""
    for token in Lexer(source).tokenize():
        name = token.split_contents()[0] if token.token_type == TokenType.BLOCK else ""
        if until:
            until = "" if name == until else until
        elif name in {"blocktranslate", "comment"}:
            until = f"end{name}"
        elif token.token_type == TokenType.TEXT:
            page.feed(token.contents)
        elif token.token_type != TokenType.COMMENT and name != "translate":
            handed += [word for _, word in HANDED.findall(token.contents)]
    page.close()
    return [" ".join(text.split()) for text in [*page.said, *handed] if is_words(text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_a_template_says_nothing_unmarked(path):
    assert unmarked(path.read_text("utf8")) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Not {% if a %}marked{% endif %}</p>", ["Not", "marked"]),
        ("<p title='A title' class=\"of no concern\">{{ name }}</p>", ["A title"]),
        ("{% include 'a.html' with words='Handed on' %}", ["Handed on"]),
        ("{{ day|date:'j M Y'|default:'never' }}", ["never"]),
        ("{% translate 'Marked' %}{% blocktranslate %}Marked {{ too }}{% endblocktranslate %}", []),
        ("{# Not said #}{% comment %}Nor this{% endcomment %}<kbd>Esc</kbd> – Pneumoscope", []),
        ("<dl data-words><dt>key</dt><dd>Said</dd></dl>", ["Said"]),
    ],
)
def test_words_of_a_template_are_found(source, words):
    assert unmarked(source) == words


def descendants(kind: type) -> Iterator[type]:
    for path in SOURCES:
        importlib.import_module(".".join(("pneumoscope.web", *path.relative_to(WEB).parts))[:-3])
    found = [kind]
    while found:
        found += (each := found.pop()).__subclasses__()
        if each.__module__.startswith("pneumoscope.web."):
            yield each


def is_marked(label: object) -> bool:
    return isinstance(label, Promise) or not label or label in NAMES | PROTOCOLS


def test_choices_are_marked():
    kinds = [
        kind for kind in descendants(Choices) if f"{kind.__module__}.{kind.__name__}" not in UNSEEN
    ]
    choices = [each for kind in kinds for each in kind]
    assert choices
    assert [each for each in choices if not is_marked(each._label_)] == []


def test_labels_of_forms_are_marked():
    fields = [
        (f"{form.__name__}.{name}", field)
        for form in descendants(forms.BaseForm)
        for name, field in form.base_fields.items()
    ]
    assert fields
    assert [name for name, field in fields if not is_marked(field.label)] == []


# What Django shows to whoever asked, and what it is called with.
SHOWN = re.compile(r"(ValidationError|messages\.\w+|\w*\.add_error)$")
SHOWN_BY_NAME = {"label", "help_text", "empty_label", "violation_error_message"}


def spoken(source: str) -> Iterator[str]:
    """Texts of calls that people see, where they are written there and then."""
    for call in (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)):
        name = ast.unparse(call.func)
        shown = [each.value for each in call.keywords if each.arg in SHOWN_BY_NAME]
        if SHOWN.match(name):
            shown += call.args[1:] if name.endswith("add_error") else call.args
        if name.endswith("ValidationError") and call.args and isinstance(call.args[0], ast.Dict):
            shown += call.args[0].values
        for each in shown:
            if isinstance(each, ast.JoinedStr):
                parts = [part.value for part in each.values if isinstance(part, ast.Constant)]
                yield from (part for part in parts if is_words(part))
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield from [each.value] if is_words(each.value) else []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(WEB)))
def test_what_is_refused_and_reported_is_marked(path):
    assert list(spoken(path.read_text("utf8"))) == []


def test_words_of_calls_are_found():
    source = """messages.error(request, f"{name} is missing")
raise ValidationError({"name": "Needed", "site": _("Marked")})
forms.CharField(label="Name", help_text=_("Marked"))"""
    assert sorted(spoken(source)) == [" is missing", "Name", "Needed"]
