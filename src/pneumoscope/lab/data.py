"""Radiographs and labels for training: read, grouped by patient, split, preprocessed once."""

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.decode import decode
from pneumoscope.core.preprocess import InputContract, preprocess

CLASSES = ("normal", "bacterial", "viral")
SUFFIXES = (".jpeg", ".jpg", ".png")


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """folds: patient-grouped, stratified by label; `fold` is held out for validation."""

    folds: int
    fold: int


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled radiograph. label: index into CLASSES. patient: images that share it may never
    be divided between training and validation."""

    path: Path
    label: int
    patient: str
    split: str


def read_examples(root: Path) -> list[Example]:
    """Read `root/manifest.csv`, or else the Kermany folders {train,val,test}/{NORMAL,PNEUMONIA}.

    Sorted by path, so that an index means the same image on every machine.
    Raises FileNotFoundError when the folder holds neither.
    """
    manifest = root / "manifest.csv"
    examples = _from_manifest(manifest) if manifest.is_file() else _from_folders(root)
    if not examples:
        raise FileNotFoundError(f"no manifest.csv and no train/NORMAL, train/PNEUMONIA in {root}")
    return sorted(examples, key=lambda example: example.path)


def _from_manifest(manifest: Path) -> list[Example]:
    with manifest.open(encoding="utf-8", newline="") as file:
        return [
            Example(
                path=manifest.parent / row["path"],
                label=CLASSES.index(row["aetiology"].replace("none", "normal")),
                patient=row["patient_key"],
                split=row["split"],
            )
            for row in csv.DictReader(file)
        ]


def _from_folders(root: Path) -> list[Example]:
    paths = (path for path in root.glob("*/*/*") if path.suffix.lower() in SUFFIXES)
    return [
        Example(path, _label(path), patient_key(path), path.parent.parent.name) for path in paths
    ]


def _label(path: Path) -> int:
    if path.parent.name == "NORMAL":
        return CLASSES.index("normal")
    return CLASSES.index("bacterial" if "bacteria" in path.name else "viral")


def patient_key(path: Path) -> str:
    """The patient of a Kermany file name.

    `person12_bacteria_46.jpeg` is patient 12 of the bacterial series; the same number in the viral
    series is another child. Normal files are `IM-0115-0001` or `NORMAL2-IM-0115-0001`.
    """
    if match := re.match(r"(person\d+)_(bacteria|virus)", path.name):
        return f"{match[2]}-{match[1]}"
    if match := re.match(r"((?:NORMAL2-)?IM-\d+)", path.name):
        return f"normal-{match[1]}"
    return path.stem


def validation_mask(
    examples: Sequence[Example], *, folds: int, fold: int, seed: int
) -> NDArray[np.bool_]:
    """Which examples form validation fold `fold`: grouped by patient, stratified by label.

    Patients of each label are shuffled and dealt to the fold with the fewest images of that label,
    so that every fold gets its share of images and no patient is divided.
    """
    rng = np.random.default_rng(seed)
    images: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        images.setdefault(example.patient, []).append(index)
    mask = np.zeros(len(examples), dtype=np.bool_)
    for label in range(len(CLASSES)):
        patients = sorted(p for p, members in images.items() if examples[members[0]].label == label)
        counts = np.zeros(folds, dtype=np.int64)
        for patient in rng.permutation(np.array(patients, dtype=object)):
            target = int(counts.argmin())
            counts[target] += len(images[patient])
            if target == fold:
                mask[images[patient]] = True
    return mask


def load_pixels(examples: Sequence[Example], contract: InputContract) -> NDArray[np.uint8]:
    """Decode and preprocess every example as serving would. Returns uint8 [N, size, size]."""
    pixels = np.empty((len(examples), contract.size, contract.size), dtype=np.uint8)
    for i, example in enumerate(examples):
        radiograph = decode(example.path.read_bytes())
        pixels[i] = np.rint(preprocess(radiograph.pixels, contract) * 255)
    return pixels


def fingerprint(examples: Iterable[Example]) -> str:
    """SHA-256 over every file's hash, label and patient: the identity of a training set."""
    digest = hashlib.sha256()
    for example in examples:
        content = hashlib.sha256(example.path.read_bytes()).hexdigest()
        digest.update(f"{content} {example.label} {example.patient}\n".encode())
    return digest.hexdigest()
