"""Bundles for tests: the installed one, and damaged copies of it."""

import json
import shutil
from functools import cache
from pathlib import Path

from pneumoscope.core.bundle import Bundle, bundle_find, load_bundle


@cache
def default_bundle() -> Bundle:
    """The bundle that ships, loaded once for all tests."""
    return load_bundle(bundle_find())


def copy_bundle(folder: Path) -> Path:
    """A copy of the default bundle's folder that a test may damage."""
    return Path(shutil.copytree(bundle_find(), folder / "copy"))


def edit_card(folder: Path, **changes: object) -> None:
    """Change top-level entries of card.json."""
    path = folder / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | changes), encoding="utf-8")
