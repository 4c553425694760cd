"""A bundle runs only if it is what its card says."""

import hashlib

import numpy as np
import pytest

from core.bundles import copy_bundle, default_bundle, edit_card, exchange, exchange_arrays
from pneumoscope.core.bundle import bundle_find, bundle_folders, load_bundle
from pneumoscope.core.card import read_card
from pneumoscope.core.errors import BundleCorrupt, BundleError, BundleIncompatible, BundleNotFound
from pneumoscope.core.report import read_report


def point(name, threshold):
    return {"name": name, "threshold": threshold, "sensitivity": 1, "specificity": 1}


def test_the_default_bundle_verifies_and_is_listed():
    bundle = default_bundle()
    assert bundle.folder in bundle_folders()
    assert bundle.hash == hashlib.sha256((bundle.folder / "card.json").read_bytes()).hexdigest()
    assert bundle.reference.hash == bundle.hash


def test_the_mean_of_the_activation_is_the_logits():
    """What the map shows is exactly what the result was made of."""
    pixels = np.random.default_rng(0).random((224, 224), dtype=np.float32)
    inference = default_bundle().infer(pixels)
    np.testing.assert_allclose(inference.activation.mean((1, 2)), inference.logits, atol=1e-3)


def test_a_copy_has_the_same_hash_elsewhere(tmp_path):
    assert load_bundle(copy_bundle(tmp_path)).hash == default_bundle().hash


@pytest.mark.parametrize("name", ["model.onnx", "gate.npz", "golden.npz"])
def test_a_flipped_bit_is_refused_by_name(tmp_path, name):
    path = copy_bundle(tmp_path) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleCorrupt, match=name):
        load_bundle(path.parent)


@pytest.mark.parametrize("name", ["model.onnx", "gate.npz", "golden.npz"])
def test_a_missing_file_is_refused_by_name(tmp_path, name):
    folder = copy_bundle(tmp_path)
    (folder / name).unlink()
    with pytest.raises(BundleCorrupt, match=name):
        load_bundle(folder)


def test_weights_exchanged_together_with_their_hash_fail_the_goldens(tmp_path):
    """Hashes alone prove only that card and files agree; goldens prove what the model does."""
    folder = copy_bundle(tmp_path)
    golden = np.load(folder / "golden.npz")
    exchange_arrays(folder, "golden.npz", logits=golden["logits"] + 0.1)
    with pytest.raises(BundleCorrupt, match="logits"):
        load_bundle(folder)


@pytest.mark.parametrize("other", [1, 99])
def test_another_format_is_incompatible(tmp_path, other):
    folder = copy_bundle(tmp_path)
    edit_card(folder, format=other)
    with pytest.raises(BundleIncompatible, match=f"format {other}"):
        load_bundle(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"operating_points": []},
        {"operating_point": "strict"},
        {"precision": {"weights": "int4"}},
        {"classes": ["bacterial", "normal", "viral"]},
        {"uncertain": {"low": 0.9, "high": 0.1, "alpha": 0.1, "coverage": {}, "flagged": {}}},
        {"classes": []},
        {"calibration": {"temperature": 0}},
        {"calibration": {"temperature": float("nan")}},
        {"gate": {"limit": float("inf")}},
        {"region_level": -1},
        {"input": {"size": 0, "stretch": [0, 100]}},
        {"input": {"size": 224, "stretch": [90, 10]}},
        {"population": {"description": "", "age": ["young"], "views": []}},
        {
            "operating_points": [
                point("screening", 0.9),
                point("balanced", 0.5),
                point("rule_in", 1),
            ]
        },
    ],
)
def test_a_card_that_contradicts_itself_is_corrupt(tmp_path, changes):
    folder = copy_bundle(tmp_path)
    edit_card(folder, **changes)
    with pytest.raises(BundleCorrupt, match=r"card\.json"):
        load_bundle(folder)


def test_outside_the_band_every_operating_point_says_the_same():
    card = default_bundle().card
    thresholds = [point.threshold for point in card.operating_points.values()]
    assert thresholds == sorted(thresholds)
    assert all(threshold in card.uncertain for threshold in thresholds)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', "\x00\xff"])
def test_a_card_that_is_none_is_corrupt(tmp_path, content):
    folder = copy_bundle(tmp_path)
    (folder / "card.json").write_text(content, encoding="utf-8")
    with pytest.raises(BundleCorrupt):
        read_card(folder)


def test_a_model_that_is_no_onnx_is_incompatible(tmp_path):
    folder = copy_bundle(tmp_path)
    exchange(folder, "model.onnx", b"not a network")
    with pytest.raises(BundleIncompatible):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["gate.npz", "golden.npz"])
@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\3\4"])
def test_arrays_that_are_none_are_corrupt(tmp_path, name, content):
    folder = copy_bundle(tmp_path)
    exchange(folder, name, content)
    with pytest.raises(BundleCorrupt, match=name):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("gate.npz", {"mean": np.zeros(3, "f4")}),
        ("gate.npz", {"norm": np.ones((), "f4")}),
        ("gate.npz", {"scale": None}),
        ("golden.npz", {"pixels": np.zeros((4, 100, 100), np.uint8)}),
        ("golden.npz", {"pixels": np.zeros((9, 224, 224), np.uint8)}),
        ("golden.npz", {"logits": np.zeros((4, 2), "f4")}),
        ("golden.npz", {"logits": np.zeros((), "f4")}),
        ("golden.npz", {"gate_features": np.zeros((4, 7), "f4")}),
    ],
)
def test_what_does_not_fit_the_network_is_refused_when_loaded(tmp_path, name, changes):
    """It would otherwise fail with every radiograph."""
    folder = copy_bundle(tmp_path)
    exchange_arrays(folder, name, **changes)
    with pytest.raises(BundleError):
        load_bundle(folder)


def test_a_card_of_another_size_is_refused_when_loaded(tmp_path):
    folder = copy_bundle(tmp_path)
    edit_card(folder, input={"size": 256, "stretch": [0, 100]})
    with pytest.raises(BundleIncompatible, match="another size"):
        load_bundle(folder)


@pytest.mark.lab
def test_a_model_of_another_version_says_which_output_it_lacks(tmp_path):
    import onnx

    folder = copy_bundle(tmp_path)
    model = onnx.load(folder / "model.onnx")
    del model.graph.output[-1]
    exchange(folder, "model.onnx", model.SerializeToString())
    with pytest.raises(BundleIncompatible, match="gate_features"):
        load_bundle(folder)


def test_an_unknown_name_says_so():
    with pytest.raises(BundleNotFound, match="nonesuch"):
        bundle_find("nonesuch")


def test_a_bundle_is_found_by_folder(tmp_path):
    folder = copy_bundle(tmp_path)
    assert bundle_find(str(folder)) == folder


def test_a_gate_of_another_version_says_what_it_lacks(tmp_path):
    folder = copy_bundle(tmp_path)
    exchange_arrays(folder, "gate.npz", spread=None)
    with pytest.raises(BundleIncompatible, match=r"gate\.npz lacks spread"):
        load_bundle(folder)


def test_a_report_speaks_of_its_bundle_or_is_none(tmp_path):
    folder = copy_bundle(tmp_path)
    assert read_report(folder) is not None
    edit_card(folder, version="other")
    assert read_report(folder) is None
    for content in ('{"model": 3}', '{"model": {"hash": ""}, "date": "", "sets": 3}'):
        (folder / "report.json").write_text(content, encoding="utf-8")
        with pytest.raises(BundleCorrupt, match=r"report\.json"):
            read_report(folder)
    (folder / "report.json").unlink()
    assert read_report(folder) is None


@pytest.mark.parametrize("logits", [np.zeros((0, 3), "f4"), None])
def test_a_bundle_without_goldens_proves_nothing(tmp_path, logits):
    folder = copy_bundle(tmp_path)
    exchange_arrays(folder, "golden.npz", logits=logits)
    with pytest.raises(BundleIncompatible, match=r"golden\.npz lacks logits"):
        load_bundle(folder)
