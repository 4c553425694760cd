"""Catalogues and the strings of the source, read without GNU gettext."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

from django.conf import settings
from django.utils.translation.template import templatize
from django.utils.translation.trans_real import to_locale

WEB = Path(settings.LOCALE_PATHS[0]).parent
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "gettext_noop"}
LITERAL = r"u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
CALL = re.compile(rf"\b(?:gettext|_)\(({LITERAL})|\bngettext\(({LITERAL}), ({LITERAL})")

# A singular, or a singular with its plural.
Key = tuple[str, ...]


def catalogue_file(language: str, suffix: str) -> Path:
    return WEB / "locale" / to_locale(language) / "LC_MESSAGES" / f"django{suffix}"


def written(language: str) -> dict[Key, list[str]]:
    """The .po: every key with its translations, one for each plural form."""
    found: dict[Key, list[str]] = {}
    entry: dict[str, str] = {}
    field = ""
    for line in [*catalogue_file(language, ".po").read_text("utf8").splitlines(), ""]:
        start = re.match(r'(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$', line)
        if start:
            field = start[1]
            entry[field] = ast.literal_eval(start[2])
        elif line.startswith('"'):
            entry[field] += ast.literal_eval(line)
        elif line.startswith("#, ") and "fuzzy" in line:
            entry["fuzzy"] = line
        elif not line and entry:
            key = tuple(entry[name] for name in ("msgid", "msgid_plural") if name in entry)
            guessed = "fuzzy" in entry
            texts = [text for name, text in entry.items() if name.startswith("msgstr")]
            found[key] = [""] * len(texts) if guessed else texts
            entry = {}
    found.pop(("",))
    return found


def compiled(language: str) -> dict[str | tuple[str, int], str]:
    """The .mo as Python reads it: singulars by msgid, plurals by msgid and form."""
    with catalogue_file(language, ".mo").open("rb") as file:
        catalogue = GNUTranslations(file)._catalog
    return {key: text for key, text in catalogue.items() if key}


def said() -> set[Key]:
    """Every string of the source that is marked for translation."""
    kinds = ((".py", of_python), (".html", _of_template))
    return {
        key
        for suffix, strings in kinds
        for file in WEB.rglob(f"*{suffix}")
        for key in strings(file.read_text("utf8"))
    }


def of_python(source: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
            wanted = 2 if node.func.id.startswith("ngettext") else 1
            key = tuple(each.value for each in node.args[:wanted] if isinstance(each, ast.Constant))
            if len(key) == wanted:
                yield key


def _of_template(source: str) -> Iterator[Key]:
    for call in CALL.finditer(templatize(source)):
        yield tuple(ast.literal_eval(each) for each in call.groups() if each)
