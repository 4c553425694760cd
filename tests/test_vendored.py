"""Other people's scripts in the tree are the released files, byte for byte."""

import hashlib
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "pneumoscope"
FOLDERS = sorted(readme.parent for readme in SOURCE.glob("**/vendor/*/README.md"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_vendored_files_are_those_their_readme_records(folder):
    recorded = re.findall(r"SHA-256 ([0-9a-f]{64})", (folder / "README.md").read_text("utf-8"))
    files = [path for path in folder.iterdir() if path.name not in {"README.md", "LICENSE"}]
    assert sorted(recorded) == sorted(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    )
    assert (folder / "LICENSE").is_file()


def test_there_are_vendored_files():
    assert {folder.name for folder in FOLDERS} >= {"htmx", "noble-hashes", "uplot"}
