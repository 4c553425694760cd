"""`pneumoscope evaluate` from folders of made pictures to both reports."""

import json
from copy import deepcopy
from dataclasses import asdict, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.images import encode
from lab.made_sets import bright_bundle, hannover, kermany, nih, picture
from pneumoscope.cli.main import main
from pneumoscope.core.bundle import load_bundle
from pneumoscope.core.decode import decode
from pneumoscope.lab.data import DataRecipe, fingerprint
from pneumoscope.lab.edges import border, corners
from pneumoscope.lab.evaluation.cases import (
    Case,
    NoCases,
    UnknownFold,
    labelled_cases,
    nih_cases,
    read_boxes,
)
from pneumoscope.lab.evaluation.command import NoLedger, Request, measure
from pneumoscope.lab.evaluation.contrasts import specificity_threshold
from pneumoscope.lab.evaluation.corruptions import CORRUPTIONS, clean, corrupted
from pneumoscope.lab.evaluation.localisation import localisation
from pneumoscope.lab.evaluation.readings import Reading, Readings, read_all
from pneumoscope.lab.evaluation.subgroups import subgroups
from pneumoscope.lab.evaluation.targets import target_rows
from pneumoscope.lab.folds import held_out_mask
from pneumoscope.lab.sources import training_examples
from pneumoscope.lab.tables import TableError

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory):
    return bright_bundle(tmp_path_factory.mktemp("model") / "bright")


@pytest.fixture(scope="module")
def test_report(tmp_path_factory, bundle_folder):
    """The whole command on a made test split, against a weaker model."""
    root = tmp_path_factory.mktemp("evaluation")
    rival = bright_bundle(root / "rival", gain=1.0, name="rival")
    kermany(root / "data")
    (root / "data" / "test" / "NORMAL" / "IM-9999-0001.jpeg").write_bytes(b"\xff\xd8 not a JPEG")
    status = main(
        [
            "evaluate",
            *("--model", str(bundle_folder), "--against", str(rival)),
            *("--data", str(root / "data"), "--out", str(root / "out")),
            *("--ledger", str(root / "ledger.csv"), "--robustness", "2", "--masks", "--pictures"),
        ]
    )
    assert status == 0
    return root, json.loads((root / "out" / "report.json").read_text(encoding="utf-8"))


class Tags(HTMLParser):
    """Elements left open, and every address that the page would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses = [], []

    def handle_starttag(self, tag, attributes):
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_figures_are_those_of_the_readings(test_report, bundle_folder):
    root, report = test_report
    part = report["sets"]["kermany_test"]
    assert (part["images"], part["ill"], part["patients"]) == (48, 24, 24)
    assert [refused["name"] for refused in part["refused"]] == ["IM-9999-0001.jpeg"]
    bundle = load_bundle(bundle_folder)
    readings = read_all(bundle, labelled_cases([root / "data"], "test", bundle.card))
    called = readings.probability >= bundle.card.threshold
    counts = part["confusion"]
    assert counts["true_positive"] == int((called & readings.ill).sum())
    assert counts["false_positive"] == int((called & ~readings.ill).sum())
    value, low, high = part["figures"]["auroc"]
    assert low <= value <= high
    assert value > 0.95
    # Both causes are equally likely to this model: rounding alone tells them apart.
    assert part["aetiology"]["bacterial"] == 12
    assert part["aetiology"]["figures"]["auroc"][0] == pytest.approx(0.5, abs=0.2)


def test_every_look_at_a_test_split_is_in_the_ledger(test_report):
    root, report = test_report
    lines = (root / "ledger.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert report["model"]["hash"] in lines[1]
    assert report["sets"]["kermany_test"]["against"]["model"]["hash"] in lines[2]
    assert f",{report['sets']['kermany_test']['figures']['auroc'][0]}," in lines[1]


def test_without_a_ledger_no_test_split_is_read(tmp_path, bundle_folder):
    data = kermany(tmp_path / "data", each=2)
    with pytest.raises(NoLedger):
        measure(Request(bundle_folder, [data], "manifest", split="all"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_comparison_that_cannot_be_made_costs_nothing_else(tmp_path, bundle_folder):
    """One ill and one well are too few for DeLong."""
    data = kermany(tmp_path / "data", each=1)
    request = Request(
        bundle_folder, [data], "kermany", against=bundle_folder, ledger=tmp_path / "ledger.csv"
    )
    part = measure(request, tmp_path / "out")["sets"]["kermany_test"]
    assert part["against"] is None
    assert len((tmp_path / "ledger.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_the_steeper_of_two_equal_rankings_is_no_better(test_report):
    """Both models rank alike: DeLong finds nothing, and the table says whom it compares with."""
    _, report = test_report
    against = report["sets"]["kermany_test"]["against"]
    assert against["model"]["name"] == "rival"
    assert against["delong"]["difference"][0] == pytest.approx(0, abs=0.01)
    assert against["differences"]["brier"]["difference"][0] < 0


def test_the_page_needs_nothing_else(test_report):
    root, report = test_report
    page = (root / "out" / "report.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert all(address.startswith(("#", "data:")) for address in tags.addresses)
    assert "<script" not in page
    assert "Research use only – not a medical device" in page
    assert page.count("<svg") == 5 + len(CORRUPTIONS)
    assert report["model"]["hash"] in page
    assert "pictures" not in report["sets"]["kermany_test"]


def test_masks_and_corruptions_are_told(test_report):
    _, report = test_report
    part = report["sets"]["kermany_test"]
    assert len(part["robustness"]["rows"]) == 5 * len(CORRUPTIONS)
    by_mask = {(row["mask"], row["share"]): row for row in part["masks"]["rows"]}
    assert by_mask["corners masked", 0.05]["auroc"] > 0.95
    assert len(by_mask) == 12


@pytest.fixture(scope="module")
def targets_report(tmp_path_factory, bundle_folder):
    """All sets at once, as for the shipped model."""
    root = tmp_path_factory.mktemp("targets")
    kermany(root / "chest_xray", each=12)
    nih(root / "nih_adult")
    hannover(root / "hannover_covid")
    rng = np.random.default_rng(5)
    folders = ("body_part_xray", "other_medical", "non_medical", "unsuitable_chest", "hard_valid")
    for folder in (*(f"gate/{name}" for name in folders), "lateral", "dicom/not_for_analysis"):
        (root / folder).mkdir(parents=True)
        (root / folder / "a.png").write_bytes(encode(picture(rng, ill=False), "PNG"))
    (root / "gate" / "sources.csv").write_text("file,kind\nlateral/a.png,hand\n", encoding="utf-8")
    request = Request(bundle_folder, (), "targets", targets=root, ledger=root / "ledger.csv")
    return measure(request, root / "out")


def test_every_target_is_measured(targets_report):
    rows = {row["measure"]: row for row in targets_report["targets"]}
    assert len(rows) == 18
    assert all(row["found"][0] is not None for row in rows.values())
    assert not rows["refused of what is no frontal chest radiograph"]["reached"]
    assert rows["refused of real frontal radiographs"]["reached"]
    assert rows["NIH adults: Lung Opacity against Normal, AUROC"]["reached"]


def test_what_too_few_images_cannot_tell_is_not_reached(targets_report):
    sets = deepcopy({name: targets_report["sets"][name] for name in ("nih_rsna", "hannover")})
    for row in (*sets["nih_rsna"]["contrasts"], *sets["hannover"]["contrasts"]):
        row["figures"] = None
        row.pop("at_specificity", None)
    sets["nih_rsna"]["localisation"] = None
    told = [row for row in target_rows(sets) if row["found"][0] is None]
    assert len(told) == 6
    assert not any(row["reached"] for row in told)


def test_adults_are_told_by_view_and_box(targets_report):
    part = targets_report["sets"]["nih_rsna"]
    assert (part["images"], part["ill"]) == (24, 12)
    everybody = {row["name"]: row for row in part["contrasts"]}["Lung Opacity against all others"]
    assert (everybody["images"], everybody["ill"]) == (36, 12)
    assert part["localisation"]["pointing"][0] > 0.8
    assert part["localisation"]["miou"][0] > 0.2
    hannover_part = targets_report["sets"]["hannover"]
    assert hannover_part["contrasts"][0]["at_specificity"]["specificity"] == 0.9


def test_the_validation_fold_is_the_one_that_training_held_out(tmp_path, bundle_folder):
    """Doubtful labels and copies of a file are in the training data, and never in the fold."""
    rng = np.random.default_rng(6)
    rows = ["path,label,patient,reliability"]
    for i in range(40):
        (tmp_path / f"{i}.png").write_bytes(encode(picture(rng, ill=i % 2 == 0), "PNG"))
        label = "pneumonia" if i % 2 == 0 else "normal"
        rows.append(f"{i}.png,{label},p{i},{0.7 if i % 4 < 2 else 1}")
    (tmp_path / "copy.png").write_bytes((tmp_path / "2.png").read_bytes())
    rows.append("copy.png,pneumonia,p2,1")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    rule = DataRecipe(folds=3, fold=1, drop_duplicates=True)
    trained_on = training_examples([tmp_path], rule)
    held_out = held_out_mask(trained_on, rule, 7)
    card = load_bundle(bundle_folder).card
    recipe = {"data": asdict(rule), "seed": 7}
    data = card.data | {"fingerprint": fingerprint(trained_on)}
    card = replace(card, data=data, raw=card.raw | {"recipe": recipe})
    cases = labelled_cases([tmp_path], "validation", card)
    expected = [e.path for e, held in zip(trained_on, held_out, strict=True) if held]
    assert [case.path for case in cases] == expected
    assert len(trained_on) == 40


def test_a_fold_of_other_data_is_refused(tmp_path, bundle_folder):
    data = kermany(tmp_path / "data", each=2)
    (data / "test").rename(data / "train")
    card = load_bundle(bundle_folder).card
    with pytest.raises(UnknownFold):
        labelled_cases([data], "validation", card)
    with pytest.raises(NoCases):
        labelled_cases([data], "test", card)


def test_when_nothing_could_be_read_the_reason_is_told(tmp_path, bundle_folder):
    rows = ["path,label", "a.png,normal", "b.png,pneumonia"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    request = Request(bundle_folder, [tmp_path], "manifest", split="all")
    with pytest.raises(NoCases, match="0 with and 0 without were read, 2 could not be"):
        measure(request, tmp_path / "out")


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_gives_a_radiograph_and_the_same_one_again(name):
    content = encode(picture(np.random.default_rng(0), ill=True), "PNG")
    _, strengths = CORRUPTIONS[name]
    untouched = decode(clean(content)).pixels
    distances = []
    for strength in strengths:
        first, again = (decode(corrupted(content, name, strength)).pixels for _ in range(2))
        assert (first == again).all()
        if first.shape == untouched.shape:
            distances.append(float(np.abs(first - untouched).mean()))
    assert distances == sorted(distances)


def test_masks_cover_what_they_say():
    assert border(100, 0.1).mean() == pytest.approx(1 - 0.8**2)
    assert corners(100, 0.1).mean() == pytest.approx(0.04)
    assert corners(100, 0.1)[[0, 0, -1, -1], [0, -1, 0, -1]].all()


def reading(path, *, ill=True, probability=0.9, heatmap=None, age=None, patient=None, sex=""):
    heatmap = np.zeros((7, 7), dtype=np.float32) if heatmap is None else heatmap
    case = Case(path, ill, "", patient or str(path), age, sex)
    return Reading(case, probability, False, None, heatmap, (140, 70), 0.5, 1000)


def test_a_table_of_another_form_is_named(tmp_path):
    (tmp_path / "labels.csv").write_text("image,age\na.png,3\n", encoding="utf-8")
    with pytest.raises(TableError, match="patient_id, rsna_class, sex, view"):
        nih_cases(tmp_path)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,finding,x,y,width,height\na.png,Pneumonia,1,2,3,\n", encoding="utf-8")
    with pytest.raises(TableError, match="line 2"):
        read_boxes(boxes)


def test_a_peak_in_the_box_is_a_hit(tmp_path):
    """A single bright cell: columns 20–40 and rows 10–20 of a 140 × 70 image."""
    heatmap = np.zeros((7, 7), dtype=np.float32)
    heatmap[1, 1] = 0.9
    inside = {"a.png": [(20, 10, 20, 10)]}
    beside = {"a.png": [(40, 10, 20, 10)]}
    readings = Readings((reading(tmp_path / "a.png", heatmap=heatmap),))
    for boxes, hit in ((inside, 1.0), (beside, 0.0)):
        found = localisation(readings, boxes, threshold=0.5, level=0.5)
        assert found["pointing"][0] == hit
        assert found["pointing_within_15_px"][0] == 1.0
    assert localisation(readings, inside, threshold=0.95, level=0.5) is None


def test_regions_equal_to_the_box_have_all_of_it_in_common(tmp_path):
    heatmap = np.zeros((7, 7), dtype=np.float32)
    heatmap[2:5, 2:5] = 0.9
    readings = Readings((reading(tmp_path / "a.png", heatmap=heatmap),))
    boxes = {"a.png": [(40, 20, 60, 30)]}
    found = localisation(readings, boxes, threshold=0.5, level=0.5)
    assert found["miou"][0] > 0.9


def test_small_groups_are_suppressed(tmp_path):
    readings = Readings(
        tuple(
            reading(tmp_path / str(i), ill=i % 2 == 0, probability=(i % 7) / 7, age=age, sex=sex)
            for i, (age, sex) in enumerate([(3.0, "M")] * 30 + [(70.0, "F")] * 19)
        )
    )
    rows = {(row["by"], row["group"]): row for row in subgroups(readings, 0.5)}
    assert rows["age", "1–5"]["figures"]["auroc"][0] is not None
    assert rows["age", "65+"]["figures"] is None
    assert rows["sex", "F"]["images"] == 19
    assert ("view", "unknown") not in rows  # the set does not tell views apart


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.98, 1.0])
)
def test_the_threshold_keeps_the_share_of_the_healthy(values, specificity):
    healthy = np.array(values) / 20
    cut = specificity_threshold(healthy, specificity)
    assert (healthy < cut).mean() >= specificity
    lower = np.nextafter(healthy[healthy < cut].max(), -np.inf)
    assert (healthy < lower).mean() < specificity


def test_what_is_asked_wrongly_is_said(tmp_path, capsys):
    assert main(["evaluate", "--out", str(tmp_path)]) == 2
    assert "--targets" in capsys.readouterr().err
    folder = str(tmp_path)
    for arguments, named in (
        (["--set", "hannover", "--data", folder], "--normals"),
        (["--set", "nih_rsna", "--data", folder, folder], "one folder"),
        (["--data", folder, "--robustness", "1"], "--robustness"),
        (["--data", f"{folder}/nowhere"], "--data"),
        (["--data", folder, "--set", "gate", "--refuse", f"{folder}/nowhere"], "--refuse"),
        (["--data", folder, "--ledger", f"{folder}/nowhere/ledger.csv"], "--ledger"),
        (["--data", folder, "--boxes", f"{folder}/nowhere.csv"], "--boxes"),
    ):
        assert main(["evaluate", *arguments, "--out", folder]) == 2
        assert named in capsys.readouterr().err
