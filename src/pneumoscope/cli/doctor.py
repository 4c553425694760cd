"""`pneumoscope doctor`: what is installed, what works, and the remedy for what does not."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from PIL import features
from pydicom import uid
from pydicom.pixels import get_decoder  # type: ignore[attr-defined]

from pneumoscope.cli.extras import EXTRAS, extra_installed
from pneumoscope.core.archive import ArchiveLimits
from pneumoscope.core.bundle import bundle_find, load_bundle
from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.errors import PneumoscopeError

OLDEST_PYTHON = (3, 11)
SCARCE_DISK = 1024**3
_MEBIBYTE = 1024**2
TRANSFER_SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.HTJ2K,
    uid.RLELossless,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. A remedy is given exactly where there is a problem."""

    what: str
    detail: str
    remedy: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit status 1 if there is a problem."


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command has this shape
    problems = 0
    for finding in _findings():
        problems += bool(finding.remedy)
        mark = "PROBLEM" if finding.remedy else "ok"
        print(f"{mark:<8} {finding.what:<38} {finding.detail}")
        if finding.remedy:
            print(f"         → {finding.remedy}")
    print(f"{problems} problem{'' if problems == 1 else 's'} found.")
    return 1 if problems else 0


def _findings() -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    yield from _codecs()
    yield _bundle()
    yield from _limits()
    yield from _state_folder()
    yield from _extras()


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    remedy = "" if sys.version_info >= OLDEST_PYTHON else "Install Python 3.11 or newer."
    return Finding("Python", found, remedy)


def _packages() -> Iterator[Finding]:
    """What pyproject.toml requires, also for the extras that are there, against what is
    installed: half an extra is what an upgrade leaves that stopped in the middle."""
    wanted = ["", *filter(extra_installed, EXTRAS)]
    for text in requires("pneumoscope") or []:
        requirement = Requirement(text)
        if (marker := requirement.marker) and not any(
            marker.evaluate({"extra": extra}) for extra in wanted
        ):
            continue
        requirement.marker = None  # pip would pass over what is of an extra
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = "missing"
        fits = found != "missing" and requirement.specifier.contains(found, prereleases=True)
        yield Finding(requirement.name, found, "" if fits else f"pip install '{requirement}'")


def _codecs() -> Iterator[Finding]:
    for syntax in TRANSFER_SYNTAXES:
        decoder = get_decoder(syntax)
        plugins = ", ".join(decoder.available_plugins) or "built in"
        yield Finding(
            f"DICOM {syntax.keyword}",
            plugins if decoder.is_available else "cannot be decoded",
            "" if decoder.is_available else "Install python-gdcm and pylibjpeg-openjpeg again.",
        )
    for codec, name in (("jpg", "JPEG"), ("zlib", "PNG"), ("libtiff", "TIFF")):
        there = features.check(codec)
        yield Finding(name, "Pillow", "" if there else "Install Pillow's wheel again.")


def _bundle() -> Finding:
    try:
        bundle = load_bundle(bundle_find())
    except PneumoscopeError as error:
        return Finding("default model", f"{error.code}: {error}", error.remedy)
    return Finding("default model", f"{bundle.name} {bundle.version} {bundle.hash[:12]}, intact")


def _limits() -> Iterator[Finding]:
    archive = ArchiveLimits()
    yield Finding("largest file", f"{MAX_BYTES // _MEBIBYTE} MiB (predict: --max-mb)")
    yield Finding(
        "largest archive",
        f"{archive.members} files, {archive.total_bytes // _MEBIBYTE} MiB when unpacked",
    )


def _state_folder() -> Iterator[Finding]:
    """PNEUMOSCOPE_HOME, as the web server reads it: there, or to be made in a folder that is."""
    home = Path(os.environ.get("PNEUMOSCOPE_HOME", "var")).expanduser().resolve()  # noqa: TID251
    existing = next(path for path in (home, *home.parents) if _exists(path))
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    yield Finding(
        "state folder (PNEUMOSCOPE_HOME)",
        f"{home}{'' if existing == home else ', not made yet'}",
        ""
        if writable
        else f"Make {existing} a folder this user may write to, or set PNEUMOSCOPE_HOME.",
    )
    free = shutil.disk_usage(existing).free
    remedy = "Free some space: every radiograph is kept." if free < SCARCE_DISK else ""
    yield Finding("free disk", f"{free / 1024**3:.1f} GiB", remedy)


def _exists(path: Path) -> bool:
    """Not, where this user may not even look."""
    try:
        return path.exists()
    except OSError:
        return False


def _extras() -> Iterator[Finding]:
    for name, purpose in (
        ("web", "serve"),
        ("dicom", "serve, listen"),
        ("lab", "train, evaluate"),
    ):
        there = extra_installed(name)
        yield Finding(f"extra {name} ({purpose})", "installed" if there else "not installed")
