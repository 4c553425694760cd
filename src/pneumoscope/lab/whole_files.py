"""Files that are whole at any moment."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, bring to the disk, rename: a kill or a full disk leaves the old file. Raises
    OSError."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
