"""What the input gate refuses and what it lets through, by where the pictures come from."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.errors import DecodeError
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.report import Report
from pneumoscope.core.statistics import wilson_interval
from pneumoscope.lab.evaluation.cases import NoCases
from pneumoscope.lab.evaluation.rounding import rounded
from pneumoscope.lab.tables import read_table

_COMPANIONS = {".csv", ".json", ".md", ".txt"}
_NOTHING: Report = {"by_kind": {}, "wrong": []}
_NOISE_SIDE = 256
_NOISES = 40


def gate_report(bundle: Bundle, *, refuse: Sequence[Path], read: Sequence[Path]) -> Report:
    """refuse: folders of which everything must be refused; made noise is always among them.
    read: folders of frontal chest radiographs that must be read. Raises NoCases."""
    parts = [_part(bundle, folder, must="refused") for folder in refuse]
    parts += [_noise_part(bundle)]
    parts += [_part(bundle, folder, must="read") for folder in read]
    return {"parts": parts, **{must: _total(parts, must) for must in ("refused", "read")}}


def _part(bundle: Bundle, folder: Path, *, must: str) -> Report:
    files = [path for path in sorted(folder.rglob("*")) if _is_input(path)]
    if not files:
        raise NoCases(f"{folder} holds no file.")
    kinds = _kinds(folder)
    outcomes = [_file_outcome(bundle, path) for path in files]
    by_kind: dict[str, list[bool]] = {}
    for path, code in zip(files, outcomes, strict=True):
        by_kind.setdefault(kinds.get(path.name, ""), []).append(bool(code))
    return {
        "folder": "/".join(folder.parts[-2:]),
        "must_be": must,
        **_share(outcomes),
        "by_kind": {
            kind: {"images": len(refused), "refused": sum(refused)}
            for kind, refused in sorted(by_kind.items())
            if kind
        },
        "wrong": [
            path.name
            for path, code in zip(files, outcomes, strict=True)
            if bool(code) != (must == "refused")
        ][:50],
    }


def _is_input(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() not in _COMPANIONS and path.name[0] != "."


def _kinds(folder: Path) -> dict[str, str]:
    """File name → kind of picture, where a `sources.csv` in the folder or above it says so."""
    for table in (folder / "sources.csv", folder.parent / "sources.csv"):
        if table.is_file():
            rows = read_table(table, ("file", "kind"))
            return {Path(row["file"]).name: row["kind"] for _, row in rows}
    return {}


def _file_outcome(bundle: Bundle, path: Path) -> str:
    try:
        return _outcome(bundle, path.read_bytes())
    except OSError:
        return "unreadable_file"


def _outcome(bundle: Bundle, content: bytes) -> str:
    """The code of the refusal; empty if the radiograph was read."""
    try:
        analysis = analyze(content, bundle)
    except DecodeError as error:
        return error.code
    return "" if analysis.status == "analysed" else analysis.quality.reasons[0].code


def _share(outcomes: Sequence[str]) -> Report:
    return {
        **_share_refused(len(outcomes), sum(map(bool, outcomes))),
        "reasons": dict(Counter(code for code in outcomes if code).most_common()),
    }


def _share_refused(images: int, refused: int) -> Report:
    values = (refused / images, *wilson_interval(refused, images))
    return {
        "images": images,
        "refused": refused,
        "share_refused": [rounded(value) for value in values],
    }


def _total(parts: Sequence[Report], must: str) -> Report | None:
    chosen = [part for part in parts if part["must_be"] == must]
    return pooled(chosen) if chosen else None


def pooled(parts: Sequence[Report]) -> Report:
    """Images, refused and their share in all parts together."""
    return _share_refused(*(sum(part[key] for part in parts) for key in ("images", "refused")))


def _noise_part(bundle: Bundle) -> Report:
    outcomes = [_outcome(bundle, content) for content in _noises()]
    return {"folder": "made noise", "must_be": "refused", **_share(outcomes), **_NOTHING}


def _noises(seed: int = 0) -> Iterator[bytes]:
    """PNG of uniform, normal and smooth noise, constants and gradients; no two alike."""
    rng = np.random.default_rng(seed)
    shape = (_NOISE_SIDE, _NOISE_SIDE)
    ramp = np.linspace(0, 1, _NOISE_SIDE)
    for number in range(_NOISES):
        match number % 5:
            case 0:
                pixels = rng.random(shape)
            case 1:
                pixels = rng.normal(0.5, 0.05 + 0.3 * rng.random(), shape)
            case 2:
                blocks = int(rng.integers(2, 17))
                small = Image.fromarray(rng.random((blocks, blocks)).astype(np.float32))
                pixels = np.asarray(small.resize(shape, Image.Resampling.BICUBIC))
            case 3:
                pixels = np.full(shape, rng.random())
            case _:
                angle = rng.random() * 2 * np.pi
                pixels = ramp[:, None] * np.cos(angle) + ramp * np.sin(angle)
                pixels = (pixels - pixels.min()) / (pixels.max() - pixels.min())
        image = Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        yield buffer.getvalue()
