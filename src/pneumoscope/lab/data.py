"""Labelled radiographs: what is known of each, their pixels, the identity of a set of them."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.decode import decode
from pneumoscope.core.errors import DecodeError, PneumoscopeError
from pneumoscope.core.preprocess import InputContract, preprocess

# What a radiograph may be labelled with. "pneumonia" leaves the aetiology open; a network does not
# predict it, so CLASSES, what a network tells apart, are the first three.
TARGETS = ("normal", "bacterial", "viral", "pneumonia")
CLASSES = TARGETS[:3]
SPLITS = ("train", "val", "test")
# Age in years below which a band ends.
AGE_BANDS = (
    (1, "under 1"),
    (6, "1–5"),
    (18, "6–17"),
    (40, "18–39"),
    (65, "40–64"),
    (math.inf, "65+"),
)

FoldBy: TypeAlias = Literal["patient", "sequence"]


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """folds: how many; `fold` is held out for validation. fold_by: see `lab.folds`.
    drop_duplicates: of files with the same bytes in one split, only the first is used."""

    folds: int
    fold: int
    fold_by: FoldBy = "patient"
    drop_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled radiograph.

    label: index into TARGETS. patient: images that share it may never be divided between training
    and validation; begins with the site where one is known. split: train, val or test.
    age: years. sex: M, F or O; view: AP, PA, …; site: where it was taken; "" where unknown.
    weight: how much the label counts, at least 0; 1 is a label read by a clinician.
    reliability: the probability, 0 to 1, that normal or pneumonia is rightly said.
    """

    path: Path
    label: int
    patient: str
    split: str
    age: float | None = None
    sex: str = ""
    view: str = ""
    site: str = ""
    weight: float = 1.0
    reliability: float = 1.0


def age_band(age: float | None) -> str:
    """Years in words, "" without an age. Below six the pattern of pneumonia is a child's."""
    return "" if age is None else next(name for limit, name in AGE_BANDS if age < limit)


class DataError(PneumoscopeError):
    """Training data that cannot be used as they are."""

    code = "data_error"
    remedy = "`pneumoscope data check` names every file and row that needs attention."


class UnreadableExample(DataError):
    """A radiograph that is listed and cannot be read. Training without it would be silent."""

    code = "unreadable_example"
    remedy = "Replace the file or take it out; `pneumoscope data check` lists all of them."


def read_pixels(path: Path, contract: InputContract) -> NDArray[np.uint8]:
    """Decode and preprocess as serving would. Returns uint8 [size, size].

    Raises UnreadableExample.
    """
    try:
        radiograph = decode(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise UnreadableExample(f"{path}: {error}") from error
    pixels: NDArray[np.uint8] = np.rint(preprocess(radiograph.pixels, contract) * 255).astype(
        np.uint8
    )
    return pixels


def load_pixels(examples: Sequence[Example], contract: InputContract) -> NDArray[np.uint8]:
    """`read_pixels` of every example. Returns uint8 [N, size, size]."""
    pixels = np.empty((len(examples), contract.size, contract.size), dtype=np.uint8)
    for i, example in enumerate(examples):
        pixels[i] = read_pixels(example.path, contract)
    return pixels


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal. Raises UnreadableExample."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableExample(f"{path}: {error.strerror or error}.") from error


def fingerprint(examples: Iterable[Example]) -> str:
    """SHA-256 over every file's hash, label, patient, weight and reliability: the identity of a
    training set."""
    digest = hashlib.sha256()
    for example in examples:
        weight = "" if example.weight == 1 else f" {example.weight!r}"
        if example.reliability != 1:
            weight += f" ±{example.reliability!r}"
        line = f"{file_hash(example.path)} {example.label} {example.patient}{weight}\n"
        digest.update(line.encode())
    return digest.hexdigest()
