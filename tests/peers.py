"""Programs that some tests talk to and that pip cannot install: browsers, servers, DICOM tools."""

import shutil
from pathlib import Path

import pytest

MISSING = "missing peer"
# Debian keeps PostgreSQL's server programs out of PATH.
_FOLDERS_BESIDE_PATH = "usr/lib/postgresql/*/bin"


def require_peer(program: str, install_hint: str) -> Path:
    """Where `program` is; skips the test in one line if it is nowhere, fails it in CI.

    `install_hint` says what to do, as in "apt-get install chromium".
    """
    found = shutil.which(program)
    if found:
        return Path(found)
    for folder in sorted(Path("/").glob(_FOLDERS_BESIDE_PATH), reverse=True):
        if (folder / program).exists():
            return folder / program
    pytest.skip(f"{MISSING}: {program} – {install_hint}")
