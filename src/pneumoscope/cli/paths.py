"""Paths on the command line, looked at before anything that takes hours begins."""

import os
from pathlib import Path

from pneumoscope.cli.main import UsageError


def require_file(option: str, path: Path) -> None:
    """Raises UsageError."""
    if not path.is_file():
        raise UsageError(f"{option} {path} is not a file.")


def require_folders(option: str, *paths: Path) -> None:
    """Raises UsageError."""
    for path in paths:
        if not path.is_dir():
            raise UsageError(f"{option} {path} is not a folder.")


def require_data(*paths: Path, option: str = "--data") -> None:
    """Folders or manifests. Raises UsageError."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"{option} {path} is not a folder or manifest.")


def require_place(option: str, path: Path) -> None:
    """For a file that will be written, or added to, when the work is done. Raises UsageError."""
    place = path if path.exists() else path.parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise UsageError(f"{option} {path} cannot be written.")


def make_folder(option: str, path: Path) -> None:
    """Where results will go: better refused now than when there are any. Raises UsageError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be made a folder: {error.strerror}.") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise UsageError(f"{option} {path} may not be read and written.")


def make_empty_folder(option: str, path: Path, *, instead: str = "choose another") -> None:
    """One that holds nothing yet: no run may mix with another's, no patient with another. Raises
    UsageError. instead: what else can be done."""
    make_folder(option, path)
    if any(path.iterdir()):
        raise UsageError(f"{option} {path} is not empty: {instead}.")
