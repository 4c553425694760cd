"""Bundles for tests: the installed one, and damaged copies of it."""

import hashlib
import io
import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np

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


def exchange(folder: Path, name: str, content: bytes) -> None:
    """Another file under that name, with its hash in the card."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / "card.json").read_text(encoding="utf-8"))["files"]
    edit_card(folder, files=files | {name: hashlib.sha256(content).hexdigest()})


def exchange_arrays(folder: Path, name: str, **changes: np.ndarray | None) -> None:
    """Change arrays of a .npz, with its hash in the card; None takes one away."""
    with np.load(folder / name) as file:
        arrays = {key: array for key, array in (dict(file) | changes).items() if array is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    exchange(folder, name, buffer.getvalue())
