"""What readers agree on, as the lab reads it: nobody is named, nothing undecided is in it."""

import csv

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from pneumoscope.core.decode import decode
from pneumoscope.lab.evaluation.cases import read_boxes
from pneumoscope.lab.manifest import read_manifest
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.audit.models import Event
from pneumoscope.web.people.services import person_create
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.services import Opinion, review_create
from web.pages import image_analysed, image_make, study_make

pytestmark = pytest.mark.django_db
LEFT = {"zone": "left lower zone", "box": [120.5, 150.0, 40.0, 30.0], "contour": []}
RIGHT = {"zone": "right lower zone", "box": [20.0, 160.0, 40.0, 40.0], "contour": []}


@pytest.fixture
def people(site, reader, user_of):
    second = person_create(
        acting_user=None, username="second", password="secret", role=Role.READER, site=site
    )
    return reader, second, user_of(Role.SENIOR_READER)


@pytest.fixture
def made(jpeg):
    """made(patient_id=…): a radiograph with a result."""
    seeds = iter(range(100))

    def make(data=None, **fields):
        data = data or jpeg(next(seeds))
        image = image_make(study_make(**fields), view_position="AP")
        image.file = default_storage.save(f"received/{image.sha256}-own", ContentFile(data))
        image.save(update_fields=["file"])
        analysis = image_analysed(image, radiograph=decode(data))
        analysis.image.refresh_from_db()
        return analysis

    return make


def say(analysis, reader, label, *regions, kind=Kind.READING):
    agreement = "disagree" if label in {"normal", "other"} else "agree"
    opinion = Opinion(agreement=agreement, label=label, drawn_regions=regions)
    review_create(acting_user=reader, analysis=analysis, kind=kind, opinion=opinion)


def export(tmp_path, person, name="out"):
    call_command("reviews_export", str(tmp_path / name), username=person.username)
    folder = tmp_path / name
    return read_manifest(folder / "manifest.csv"), read_boxes(folder / "boxes.csv"), folder


def test_what_is_confirmed_comes_as_the_lab_reads_it(people, made, tmp_path, capsys):
    first, second, _ = people
    agreed = made(patient_id="4711", patient_name="Doe^Jane", age_years=97, sex="F")
    say(agreed, first, "pneumonia", LEFT)
    say(agreed, second, "bacterial", RIGHT)
    unread = made(patient_id="4712")
    say(unread, first, "pneumonia", LEFT)
    [example], boxes, folder = export(tmp_path, first)
    assert (example.label, example.age, example.sex, example.view) == (1, 90, "F", "AP")
    assert example.site == "north"
    assert boxes[example.path.name] == [tuple(LEFT["box"]), tuple(RIGHT["box"])]
    shown = decode(example.path.read_bytes())
    assert (shown.width, shown.height) == (agreed.image.columns, agreed.image.rows)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for told in (b"4711", b"Doe", agreed.image.source_name.encode(), b"first"):
        assert told not in everything
    event = Event.objects.get(action="study.export")
    assert (event.actor, event.study) == (first, agreed.image.study_id)
    assert event.detail["name"] == example.path.name
    assert "1 radiographs, 2 regions; 0 refused" in capsys.readouterr().out


def test_a_decision_stands_above_the_readers(people, made, tmp_path):
    first, second, senior = people
    own, without, normal, other = (made(patient_id=str(number)) for number in range(4))
    for analysis in (own, without, normal, other):
        say(analysis, first, "pneumonia", LEFT)
        say(analysis, second, "other", RIGHT)
    say(own, senior, "viral", RIGHT, kind=Kind.ADJUDICATION)
    say(without, senior, "viral", kind=Kind.ADJUDICATION)
    say(normal, senior, "normal", kind=Kind.ADJUDICATION)
    say(other, senior, "other", kind=Kind.ADJUDICATION)
    export(tmp_path, first)
    with (tmp_path / "out" / "manifest.csv").open() as file:
        named = {row["path"].removeprefix("images/"): row for row in csv.DictReader(file)}
    found = {name: (row["label"], row["finding"]) for name, row in named.items()}
    with (tmp_path / "out" / "boxes.csv").open() as file:
        boxes = [(*found[row["image"]], row["finding"], row["x"]) for row in csv.DictReader(file)]
    assert sorted(found.values()) == [
        ("normal", "normal"),
        ("normal", "other"),
        ("viral", "viral"),
        ("viral", "viral"),
    ]
    assert sorted(boxes) == [
        ("normal", "other", "Other finding", "20.0"),
        ("viral", "viral", "Pneumonia", "120.5"),
        ("viral", "viral", "Pneumonia", "20.0"),
    ]


def test_a_patient_stays_one_and_without_an_id_a_study_is_one(people, made, tmp_path):
    first, second, _ = people
    for fields in ({"patient_id": "7"}, {"patient_id": "7"}, {}, {}):
        analysis = made(**fields)
        say(analysis, first, "pneumonia")
        say(analysis, second, "pneumonia")
    examples, _, _ = export(tmp_path, first)
    again, _, _ = export(tmp_path, second, "again")
    patients = [example.patient for example in examples]
    assert len(set(patients)) == 3
    assert patients == [example.patient for example in again]


def test_dicom_goes_with_its_pixels_and_not_its_names(people, made, dicom_radiograph, tmp_path):
    first, second, _ = people
    analysis = made(dicom_radiograph, patient_id="dicom")
    say(analysis, first, "pneumonia", RIGHT)
    say(analysis, second, "pneumonia")
    [example], boxes, _ = export(tmp_path, first)
    assert example.path.suffix == ".dcm"
    assert list(boxes) == [example.path.name]
    shown = decode(example.path.read_bytes())
    assert (shown.width, shown.height) == (analysis.image.columns, analysis.image.rows)


def test_only_one_s_own_sites_and_only_what_one_may_see(
    people, made, site, other_site, user_of, tmp_path
):
    first, second, _ = people
    elsewhere = user_of(Role.READER, site=other_site)
    analysis = made(patient_id="4711")
    say(analysis, first, "pneumonia")
    say(analysis, second, "pneumonia")
    assert export(tmp_path, elsewhere, "elsewhere")[0] == []
    site.reads_blind = True
    site.save()
    assert export(tmp_path, first, "blind")[0] == []


def test_who_may_not_export_is_told(user_of, tmp_path):
    for name in (user_of(Role.TECHNOLOGIST).username, "nobody"):
        with pytest.raises(CommandError, match="not_permitted"):
            call_command("reviews_export", str(tmp_path / "out"), username=name)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_beside_what_is_there(reader, tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(CommandError, match="not_empty"):
        call_command("reviews_export", str(tmp_path), username=reader.username)
    with pytest.raises(CommandError, match="not_written"):
        call_command("reviews_export", str(tmp_path / "mine"), username=reader.username)


def test_one_that_is_lost_costs_no_other(people, made, tmp_path, capsys):
    first, second, _ = people
    for lost in (True, False):
        analysis = made(patient_id=str(lost))
        say(analysis, first, "pneumonia")
        say(analysis, second, "pneumonia")
        if lost:
            default_storage.delete(analysis.image.file.name)
    with pytest.raises(CommandError, match="1 radiographs were left out"):
        export(tmp_path, first)
    assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 1
    assert "upload_damaged" in capsys.readouterr().err
