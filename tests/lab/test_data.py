"""Reading and dividing the training data."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.images import encode, make_dicom, radiograph_8_bit
from pneumoscope.core.preprocess import InputContract
from pneumoscope.lab.balance import balanced_weights
from pneumoscope.lab.data import (
    TARGETS,
    DataError,
    DataRecipe,
    Example,
    UnreadableExample,
    age_band,
    fingerprint,
    load_pixels,
)
from pneumoscope.lab.duplicates import drop_duplicates, near_pairs, same_groups, thumbnail
from pneumoscope.lab.folds import held_out_mask, validation_mask
from pneumoscope.lab.kermany import patient_key
from pneumoscope.lab.manifest import ManifestError, read_rows, write_manifest
from pneumoscope.lab.nih import LabelPriors, import_nih
from pneumoscope.lab.relabel import standardised
from pneumoscope.lab.sources import (
    NoExamples,
    columns_passed_over,
    read_examples,
    read_sources,
    training_examples,
)
from pneumoscope.lab.tables import TableError, plausible_age, read_table

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


def test_dicom_in_the_same_folders_says_the_rest_itself(tmp_path):
    """Whatever their names; two exposures of one patient stay together."""
    words = radiograph_8_bit().astype(np.uint16)
    header = {"PatientAge": "006M", "PatientSex": "F", "ViewPosition": "AP"}
    for name, patient in (("NORMAL/1.2.3", "P1"), ("PNEUMONIA/I0001.dcm", "P1")):
        path = tmp_path / "train" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(make_dicom(words, PatientID=patient, **header))
    (tmp_path / "train" / "NORMAL" / "DICOMDIR").write_bytes(make_dicom(words))
    (tmp_path / "train" / "NORMAL" / "notes.txt").write_text("taken in May")
    examples = read_examples(tmp_path)
    facts = {(e.patient, e.age, e.sex, e.view, e.split) for e in examples}
    assert [(e.path.name, e.label) for e in examples] == [("1.2.3", 0), ("I0001.dcm", 3)]
    assert facts == {("P1", 0.5, "F", "AP", "train")}
    assert load_pixels(examples, InputContract(size=32)).shape == (2, 32, 32)


def test_the_manifest_is_preferred(tmp_path):
    kermany_folder(tmp_path)
    (tmp_path / "manifest.csv").write_text(
        "path,split,label,aetiology,patient_key\n"
        "test/PNEUMONIA/person1_virus_6.jpeg,test,pneumonia,viral,child-7\n",
        encoding="utf-8",
    )
    (example,) = read_examples(tmp_path)
    assert (example.label, example.patient, example.split) == (2, "child-7", "test")


def test_images_in_folders_of_other_names_are_not_taken_for_pneumonia(tmp_path):
    picture = encode(radiograph_8_bit(), "JPEG")
    for place in ("train/Normal", "nih/images", "train/NORMAL/more"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "person1_virus_1.jpeg").write_bytes(picture)
    with pytest.raises(NoExamples):
        read_examples(tmp_path)


def test_a_test_split_alone_teaches_nothing(tmp_path):
    manifest(tmp_path, "path,label,split\na.png,normal,test\n")
    with pytest.raises(NoExamples, match="test split"):
        training_examples([tmp_path], DataRecipe(folds=2, fold=0))


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


def test_the_fingerprint_sees_a_weight_only_where_there_is_one(tmp_path):
    examples = read_examples(kermany_folder(tmp_path))
    weighed = [replace(example, weight=0.5) for example in examples]
    assert fingerprint(examples) != fingerprint(weighed)
    assert fingerprint(examples) == fingerprint([replace(e, age=3.0) for e in examples])


def test_folds_of_trained_models_stay_what_they_were():
    """The shipped model's validation fold depends on every draw."""
    rng = np.random.default_rng(5)
    rows = [(int(rng.integers(3)), int(rng.integers(90))) for _ in range(300)]
    examples = [Example(Path(f"{i}"), k, f"{k}-{p}", "train") for i, (k, p) in enumerate(rows)]
    mask = validation_mask(examples, folds=7, fold=0, seed=20261122)
    golden = "f2d598cf7cd91e19e47396332e75fa63ebe36297916783084ccdd9d5ba496d20"
    assert hashlib.sha256(mask.tobytes()).hexdigest() == golden


def test_a_fold_by_sequence_is_a_block_of_consecutive_numbers():
    examples = [
        Example(Path(f"{i}"), label, f"{TARGETS[label]}-person{i}", "train")
        for label in range(2)
        for i in range(1, 101)
    ]
    masks = [
        validation_mask(examples, folds=5, fold=fold, seed=0, by="sequence") for fold in range(5)
    ]
    assert (np.sum(masks, axis=0) == 1).all()
    held = [e.patient for e, chosen in zip(examples, masks[1], strict=True) if chosen]
    expected = [f"{name}-person{i}" for name in TARGETS[:2] for i in range(21, 41)]
    assert held == expected


def test_every_site_has_its_share_of_a_fold():
    examples = [
        Example(Path(f"{i}"), i % 2, f"{i}", "train", site="large" if i % 10 else "small")
        for i in range(400)
    ]
    mask = validation_mask(examples, folds=4, fold=0, seed=3)
    assert sum(e.site == "small" for e, held in zip(examples, mask, strict=True) if held) == 10


def manifest(folder: Path, text: str) -> Path:
    (folder / "manifest.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_manifest_says_all_there_is_to_know(tmp_path):
    manifest(
        tmp_path,
        "path,label,aetiology,patient,age,sex,view,site,split,weight\n"
        "a.png,pneumonia,unknown,7,41.5,f,ap,north,val,0.5\n"
        "b.png,normal,none,8,,,,,,\n"
        "c.png,viral,,9,,,,,test,\n",
    )
    assert read_examples(tmp_path) == [
        Example(tmp_path / "a.png", 3, "north/7", "val", 41.5, "F", "AP", "north", 0.5),
        Example(tmp_path / "b.png", 0, "8", "train"),
        Example(tmp_path / "c.png", 2, "9", "test"),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a.png,fracture,,train,,", "label “fracture”"),
        ("a.png,,fungal,train,,", "aetiology “fungal”"),
        ("a.png,,,train,,", "neither label nor aetiology"),
        ("a.png,normal,viral,train,,", "contradict"),
        ("a.png,pneumonia,none,train,,", "contradict"),
        ("a.png,bacterial,viral,train,,", "contradict"),
        ("a.png,normal,,tset,,", "split “tset”"),
        ("a.png,normal,,train,old,", "age “old” is no number"),
        ("a.png,normal,,train,nan,", "out of range"),
        ("a.png,normal,,train,,-1", "weight -1 is out of range"),
        ("a.png,normal,,train,,inf", "out of range"),
        (",normal,,train,,", "neither path nor"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, row, problem):
    header = "path,label,aetiology,split,age,weight\n"
    manifest(tmp_path, f"{header}good.png,normal,none,train,3,1\n{row}\n")
    with pytest.raises(ManifestError, match=problem) as caught:
        read_examples(tmp_path)
    assert "line 3: " in str(caught.value)
    assert "good" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("file,label", "neither path nor sop_instance_uid among the columns file, label"),
        ("path,diagnosis", "neither label nor aetiology among the columns path, diagnosis"),
    ],
)
def test_columns_of_other_names_are_told_once(tmp_path, header, missing):
    manifest(tmp_path, f"{header}\na.png,normal\nb.png,viral\n")
    with pytest.raises(ManifestError, match=missing):
        read_examples(tmp_path)


def test_columns_that_tell_nothing_are_known(tmp_path):
    manifest(tmp_path, "Path,label,gender,patient_id\na.png,normal,F,7\n")
    passed_over = {str(tmp_path / "manifest.csv"): ["gender", "patient_id"]}
    assert columns_passed_over([tmp_path, tmp_path / "folder"]) == passed_over


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheet_may_separate_otherwise(tmp_path, delimiter):
    text = 'path,label,site\n"a.png",normal,"Köln, links"\n'
    manifest(tmp_path, text.replace(",", delimiter, 4).replace(f"n{delimiter} l", "n, l"))
    (example,) = read_examples(tmp_path)
    assert (example.path.name, example.site) == ("a.png", "Köln, links")


@pytest.mark.parametrize("text", ["", "path,label\n"])
def test_a_manifest_without_rows_says_so(tmp_path, text):
    manifest(tmp_path, text)
    with pytest.raises(NoExamples, match=r"manifest\.csv has no rows"):
        read_examples(tmp_path)


def test_a_manifest_written_again_keeps_what_we_do_not_know(tmp_path):
    manifest(tmp_path, "sop_instance_uid,label,ward\n1.2.3,normal,7\n1.2.4,viral,\n")
    rows = read_rows(tmp_path / "manifest.csv")
    write_manifest(tmp_path / "again.csv", rows)
    assert read_rows(tmp_path / "again.csv") == rows


def test_a_manifest_that_is_no_text(tmp_path):
    (tmp_path / "manifest.csv").write_bytes(b"path,label\n\xff\xfe,normal\n")
    with pytest.raises(TableError, match="UTF-8"):
        read_examples(tmp_path)


def test_dicom_headers_fill_what_the_manifest_leaves_open(tmp_path):
    header = {
        "PatientID": "P1",
        "PatientAge": "034Y",
        "PatientSex": "M",
        "ViewPosition": "PA",
        "SOPInstanceUID": "1.2.3",
    }
    words = radiograph_8_bit().astype(np.uint16)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "anything").write_bytes(make_dicom(words, **header))
    manifest(tmp_path, "sop_instance_uid,label,sex\n1.2.3,pneumonia,F\n")
    (example,) = read_examples(tmp_path)
    path = tmp_path / "deep" / "anything"
    assert example == Example(path, 3, "P1", "train", age=34.0, sex="F", view="PA")
    assert load_pixels([example], InputContract(size=32)).shape == (1, 32, 32)
    manifest(tmp_path, "sop_instance_uid,label\n1.2.4,pneumonia\n")
    with pytest.raises(ManifestError, match=r"no DICOM file holds 1\.2\.4"):
        read_examples(tmp_path)


def test_the_same_number_at_two_hospitals_is_two_people(tmp_path):
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
        manifest(tmp_path / name, "path,label,patient\na.png,normal,1\n")
    examples = read_sources([tmp_path / "east", tmp_path / "west" / "manifest.csv"])
    assert [(e.patient, e.site) for e in examples] == [("east/1", "east"), ("west/1", "west")]
    assert read_sources([tmp_path / "east"]) == read_examples(tmp_path / "east")


def test_an_unreadable_radiograph_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    for name in ("a.png", "missing.png"):
        manifest(tmp_path, f"path,label\n{name},normal\n")
        with pytest.raises(UnreadableExample, match=name):
            load_pixels(read_examples(tmp_path), InputContract(size=32))


NIH = """image,width,height,patient_id,age,sex,view,nih_labels,rsna_class
1_0.png,512,512,1,57,M,PA,No Finding,
1_1.png,512,512,1,57,M,PA,Pneumonia|Effusion,
2_0.png,512,512,2,44,F,AP,Pneumonia,Lung Opacity
2_1.png,512,512,2,44,F,AP,No Finding,
3_0.png,512,512,3,412,F,AP,Consolidation|Infiltration,
4_0.png,512,512,4,30,F,AP,Infiltration,
5_0.png,512,512,5,30,F,AP,Hernia,
"""


def test_nih_without_anyone_the_radiologists_read(tmp_path):
    (tmp_path / "labels.csv").write_text(NIH, encoding="utf-8")
    out = tmp_path / "elsewhere" / "manifest.csv"
    out.parent.mkdir()
    result = import_nih(tmp_path, out, LabelPriors())
    write_manifest(out, result.rows)
    assert result.left_out == {"patient of the RSNA set": 2}
    found = {e.path.name: (e.label, e.reliability, e.patient, e.age) for e in read_examples(out)}
    assert found == {
        "1_0.png": (0, 0.95, "nih/1", 57),
        "1_1.png": (3, 0.5, "nih/1", 57),
        "3_0.png": (0, 0.75, "nih/3", None),
        "4_0.png": (0, 0.75, "nih/4", 30),
        "5_0.png": (0, 0.9, "nih/5", 30),
    }
    assert read_examples(out)[0].path.resolve() == tmp_path / "images" / "1_0.png"
    fewer = import_nih(tmp_path, out, LabelPriors(infiltration=2, other=2))
    assert fewer.left_out == {"patient of the RSNA set": 2, "infiltration": 1, "other": 1}


def test_what_a_model_sees_changes_a_doubtful_label():
    scores = np.array([-1.0, 1.0, 9.0, 11.0, 5.0])
    views = np.array(["PA", "PA", "AP", "AP", "?"])
    assert standardised(scores, views).tolist() == [-1, 1, -1, 1, 0]


def test_a_label_that_may_be_wrong_is_never_held_out(tmp_path):
    rows = "".join(f"{i}.png,normal,{i},{1 if i % 2 else 0.9}\n" for i in range(40))
    manifest(tmp_path, "path,label,patient,reliability\n" + rows)
    examples = read_examples(tmp_path)
    held = held_out_mask(examples, DataRecipe(folds=4, fold=0), seed=0)
    assert held.sum() == 5
    assert all(e.reliability == 1 for e, h in zip(examples, held, strict=True) if h)


def test_a_short_row_and_a_row_too_long_are_read_as_far_as_they_go(tmp_path):
    (tmp_path / "a.csv").write_text("image, finding\n a.png\nb.png,Mass,more\n", encoding="utf-8")
    assert read_table(tmp_path / "a.csv", ("image", "finding")) == [
        (2, {"image": "a.png", "finding": ""}),
        (3, {"image": "b.png", "finding": "Mass"}),
    ]


def test_every_age_has_a_band_whatever_a_header_says():
    bands = [age_band(age) for age in (None, 0.5, 5.9, 17, 18, 64, 999)]
    assert bands == ["", "under 1", "1–5", "6–17", "18–39", "40–64", "65+"]


def test_ages_that_cannot_be_are_unknown():
    assert [plausible_age(age) for age in ("41.5", "0", "412", "-1", "nan", "057Y", "")] == [
        *(41.5, 0.0),
        *[None] * 5,
    ]


def test_nih_s_table_must_be_nih_s(tmp_path):
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "finding"], ["a.png", "Mass"]])
    with pytest.raises(TableError, match="nih_labels"):
        import_nih(tmp_path, tmp_path / "manifest.csv", LabelPriors())


def test_the_first_of_the_same_bytes_in_a_split_is_kept(tmp_path):
    names = ("a.png", "b.png", "c.png", "d.png")
    for name, content in zip(names, (b"1", b"1", b"2", b"1"), strict=True):
        (tmp_path / name).write_bytes(content)
    splits = ("train", "train", "train", "test")
    examples = [Example(tmp_path / n, 0, n, split) for n, split in zip(names, splits, strict=True)]
    assert [e.path.name for e in drop_duplicates(examples)] == ["a.png", "c.png", "d.png"]
    rows = "".join(f"{n},normal,{s}\n" for n, s in zip(names, splits, strict=True))
    manifest(tmp_path, f"path,label,split\n{rows}")
    for drop, left in ((False, "abc"), (True, "ac")):
        used = training_examples([tmp_path], DataRecipe(folds=2, fold=0, drop_duplicates=drop))
        assert [e.path.stem for e in used] == list(left)
    assert same_groups(["x", "y", "", "x", "", "x"]) == [[0, 3, 5]]
    (tmp_path / "c.png").unlink()
    with pytest.raises(UnreadableExample, match=r"c\.png: No such file"):
        drop_duplicates(examples)


def test_a_copy_is_near_and_another_picture_is_not():
    rng = np.random.default_rng(0)
    pictures = [np.kron(rng.integers(0, 256, (8, 8)), np.ones((16, 16))) for _ in range(3)]
    copy = (255 * (pictures[0] / 255) ** 1.2 * 0.9 + 10).clip(0, 255)
    thumbnails = np.stack([thumbnail(p.astype(np.uint8)) for p in (*pictures, copy)])
    assert near_pairs(thumbnails) == [(0, 3)]
    assert not thumbnail(np.full((64, 64), 7, dtype=np.uint8)).any()


def test_in_one_source_normal_weighs_as_much_as_pneumonia():
    labels = np.array([0] * 6 + [1] * 3 + [2])
    weights = balanced_weights(labels, np.zeros(10, np.int64), np.ones(10, np.float32))
    assert [weights[labels == k].sum() for k in range(3)] == pytest.approx([5, 2.5, 2.5])


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from([0.25, 0.5, 1.0])),
        min_size=1,
        max_size=60,
    )
)
def test_where_a_source_has_both_its_share_of_pneumonia_says_nothing_of_it(rows):
    labels, sources = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    weights = balanced_weights(labels, sources, np.array([row[2] for row in rows], np.float32))
    assert weights.mean() == pytest.approx(1)
    assert (weights > 0).all()
    for source in range(3):
        here = labels[sources == source]
        total = weights[sources == source].sum()
        if 0 < (here > 0).sum() < len(here):
            well = weights[(sources == source) & (labels == 0)].sum()
            assert well / total == pytest.approx(1 / 2)


def test_a_few_among_many_are_not_learned_by_heart():
    labels, sources = np.array([0] * 99 + [3]), np.zeros(100, np.int64)
    weights = balanced_weights(labels, sources, np.ones(100, np.float32), most=3)
    assert weights.mean() == pytest.approx(1)
    assert weights.max() / weights.min() <= 3 / (1 / 2)


def test_what_counts_nothing_is_left_out_and_nothing_at_all_is_an_error():
    labels, sources = np.array([0, 1, 2]), np.array([0, 0, 1])
    weights = balanced_weights(labels, sources, np.array([1, 1, 0], np.float32))
    assert weights.tolist() == [1.5, 1.5, 0]
    with pytest.raises(DataError, match="weight 0"):
        balanced_weights(labels, sources, np.zeros(3, np.float32))
