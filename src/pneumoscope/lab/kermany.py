"""The folders and file names of the Kermany/Guangzhou set, as they are passed around.

Other sets come in the same folders; where their files are DICOM, the header tells the rest.
"""

import re
from pathlib import Path

from pneumoscope.lab.data import SPLITS, TARGETS, Example
from pneumoscope.lab.radiograph_files import header_of, is_radiograph_file, stated_sex

_FOLDERS = ("NORMAL", "PNEUMONIA")


def read_folders(root: Path) -> list[Example]:
    """Every radiograph in {train,val,test}/{NORMAL,PNEUMONIA}, in no order. What lies in folders
    of other names is none of theirs: their names say nothing of it."""
    return [
        _example(path, split)
        for split in SPLITS
        for name in _FOLDERS
        for path in (root / split / name).glob("*")
        if is_radiograph_file(path)
    ]


def _example(path: Path, split: str) -> Example:
    header = header_of(path)
    return Example(
        path,
        _label(path),
        header.patient_id or patient_key(path),
        split,
        age=header.patient_age,
        sex=stated_sex(header),
        view=header.view_position.upper(),
    )


def _label(path: Path) -> int:
    if path.parent.name == "NORMAL":
        return TARGETS.index("normal")
    named = {"bacteria": "bacterial", "virus": "viral"}
    return TARGETS.index(
        next((target for word, target in named.items() if word in path.name), "pneumonia")
    )


def patient_key(path: Path) -> str:
    """The patient of a Kermany file name, and of another name the whole of it.

    `person12_bacteria_46.jpeg` is patient 12 of the bacterial series; the same number in the viral
    series is another child. Normal files are `IM-0115-0001` or `NORMAL2-IM-0115-0001`.
    """
    if match := re.match(r"(person\d+)_(bacteria|virus)", path.name):
        return f"{match[2]}-{match[1]}"
    if match := re.match(r"((?:NORMAL2-)?IM-\d+)", path.name):
        return f"normal-{match[1]}"
    return path.stem
