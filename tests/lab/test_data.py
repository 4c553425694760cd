"""Reading and dividing the training data."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.images import encode, radiograph_8_bit
from pneumoscope.lab.data import Example, fingerprint
from pneumoscope.lab.folds import validation_mask
from pneumoscope.lab.kermany import patient_key
from pneumoscope.lab.sources import NoExamples, read_examples

pytestmark = pytest.mark.lab

KERMANY = {
    "train/NORMAL/IM-0115-0001.jpeg": (0, "normal-IM-0115"),
    "train/NORMAL/NORMAL2-IM-0115-0001-0002.jpeg": (0, "normal-NORMAL2-IM-0115"),
    "train/PNEUMONIA/person12_bacteria_46.jpeg": (1, "bacteria-person12"),
    "train/PNEUMONIA/person12_virus_48.jpeg": (2, "virus-person12"),
    "test/PNEUMONIA/person1_virus_6.jpeg": (2, "virus-person1"),
}


def kermany_folder(root: Path) -> Path:
    for i, name in enumerate(KERMANY):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(radiograph_8_bit() + np.uint8(i), "JPEG"))
    return root


def test_folders_give_label_patient_and_split(tmp_path):
    examples = read_examples(kermany_folder(tmp_path))
    for example in examples:
        name = example.path.relative_to(tmp_path).as_posix()
        assert (example.label, example.patient) == KERMANY[name]
        assert example.split == name.split("/")[0]
    assert len(examples) == len(KERMANY)


def test_the_manifest_is_preferred(tmp_path):
    kermany_folder(tmp_path)
    (tmp_path / "manifest.csv").write_text(
        "path,split,label,aetiology,patient_key\n"
        "test/PNEUMONIA/person1_virus_6.jpeg,test,pneumonia,viral,child-7\n",
        encoding="utf-8",
    )
    (example,) = read_examples(tmp_path)
    assert (example.label, example.patient, example.split) == (2, "child-7", "test")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(NoExamples, match=r"manifest\.csv"):
        read_examples(tmp_path)


def test_the_same_number_is_two_children():
    bacterial, viral = (
        patient_key(Path(f"person3_{kind}_1.jpeg")) for kind in ("bacteria", "virus")
    )
    assert bacterial != viral


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=1, max_size=120),
    st.integers(0, 999),
)
def test_folds_divide_the_examples_and_no_patient(rows, seed):
    examples = [
        Example(Path(f"{i}.jpeg"), label, f"{label}-{patient}", "train")
        for i, (label, patient) in enumerate(rows)
    ]
    masks = [validation_mask(examples, folds=4, fold=fold, seed=seed) for fold in range(4)]
    assert (np.sum(masks, axis=0) == 1).all()
    for mask in masks:
        held_out = {e.patient for e, held in zip(examples, mask, strict=True) if held}
        kept = {e.patient for e, held in zip(examples, mask, strict=True) if not held}
        assert not held_out & kept


def test_folds_are_stratified():
    examples = [Example(Path(str(i)), i % 3, str(i), "train") for i in range(300)]
    mask = validation_mask(examples, folds=5, fold=0, seed=1)
    labels = np.array([e.label for e in examples])[mask]
    assert np.bincount(labels).tolist() == [20, 20, 20]


def test_the_fingerprint_sees_a_changed_label(tmp_path):
    examples = read_examples(kermany_folder(tmp_path))
    changed = [Example(e.path, 0, e.patient, e.split) for e in examples]
    assert fingerprint(examples) != fingerprint(changed)
