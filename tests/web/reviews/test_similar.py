"""Similar cases: confirmed ones, of one's own sites, read by the same model, nearest first."""

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.web.accounts.models import Membership, Site
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.audit.models import Event
from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.reviews import similar
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.services import Opinion, review_create
from pneumoscope.web.reviews.states import confirmed_label
from pneumoscope.web.studies.models import Analysis, Embedding
from pneumoscope.web.studies.models.embeddings import embedding_pack, embeddings_unpack
from web.pages import image_analysed, image_make, study_make

pytestmark = pytest.mark.django_db


def case(name, angle, **study):
    """A result whose features point `angle` degrees away from the first axis."""
    row = image_analysed(image_make(study_make(**study), name))
    features = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))], np.float32)
    Embedding.objects.create(analysis=row, packed=embedding_pack(3 * features))
    return row


def confirm(user, row, agreement="agree", label="pneumonia", **more):
    opinion = Opinion(agreement=agreement, label=label)
    review_create(
        acting_user=user, analysis=row, kind=more.get("kind", Kind.READING), opinion=opinion
    )


def names(row, user):
    found = similar.similar_cases(row, user)
    return [each.reading.analysis.image.source_name for each in found]


@pytest.fixture
def own(site):
    return case("own", 0)


def test_the_nearest_first_and_only_what_readers_confirmed(own, reader, user_of):
    senior = user_of(Role.SENIOR_READER)
    for name, angle in [("far", 90), ("near", 5), ("opposite", 180), ("middle", 40)]:
        confirm(reader, case(name, angle), label="viral" if name == "near" else "pneumonia")
    case("unread", 1)
    confirm(reader, case("doubted", 2), "disagree", "normal")
    disputed = case("disputed", 3)
    confirm(reader, disputed)
    confirm(senior, disputed, "disagree", "normal")
    found = similar.similar_cases(own, reader)
    assert [each.reading.analysis.image.source_name for each in found] == [
        "near",
        "middle",
        "far",
        "opposite",
    ]
    assert [each.similarity for each in found] == pytest.approx(
        [np.cos(np.radians(angle)) for angle in (5, 40, 90, 180)], abs=2e-3
    )
    assert found[0].label == "Viral pneumonia"
    confirm(user_of(Role.ADMINISTRATOR), disputed, "disagree", "other", kind=Kind.ADJUDICATION)
    decided = similar.similar_cases(own, reader)[0]
    assert (decided.label, decided.reading.state) == ("Other finding", "ADJUDICATED")


def test_five_of_the_newest(own, reader, monkeypatch):
    for number in range(7):
        confirm(reader, case(f"{number}", 10 + number))
    assert names(own, reader) == ["0", "1", "2", "3", "4"]
    monkeypatch.setattr(similar, "MOST", 3)
    assert names(own, reader) == ["4", "5", "6"]


def test_nothing_of_other_sites_other_models_and_the_same_study(own, reader, user_of, other_site):
    there = case("there", 1, site="south")
    confirm(user_of("reader", site=other_site), there)
    same = image_analysed(image_make(own.image.study, "same"))
    Embedding.objects.create(analysis=same, packed=own.embedding.packed)
    confirm(reader, same)
    older = case("older", 2)
    model = ModelVersion.objects.create(name="m", version="0", card={}, bundle_hash="c" * 64)
    Analysis.objects.filter(pk=older.pk).update(model_version=model)
    confirm(reader, Analysis.objects.get(pk=older.pk))
    assert names(own, reader) == []
    Membership.objects.create(user=reader, site=other_site, role=Role.READER)
    del reader.seats
    assert names(own, reader) == ["there"]


def test_who_reads_blind_learns_of_no_case_they_have_yet_to_read(own, reader, user_of):
    confirm(user_of("senior_reader"), case("unread by me", 1))
    Site.objects.update(reads_blind=True)
    assert names(own, reader) == []


def test_the_panel_shows_label_picture_likeness_and_way(own, reader, client_of):
    url = reverse("reviews:similar", args=[own.pk])
    client = client_of(reader)
    assert "None yet" in client.get(url).content.decode()
    near = case("near", 8)
    confirm(reader, near)
    page = client.get(url).content.decode()
    assert "Pneumonia, cause open" in page
    assert "similarity 0.99" in page
    assert f"/images/{near.image_id}/thumbnail.jpg" in page
    assert f"/studies/{near.image.study_id}/?image={near.image_id}" in page
    assert Event.objects.filter(action="study.list", actor=reader).last().detail == {"count": 1}
    assert url in client.get(f"/studies/{own.image.study_id}/").content.decode()


def test_a_result_without_features_has_none_alike(site, reader):
    row = image_analysed(image_make(study_make()))
    assert similar.similar_cases(row, reader) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        Embedding.objects.create(analysis=row, packed=b"")


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        (["pneumonia"], "pneumonia"),
        (["pneumonia", "viral"], "viral"),
        (["bacterial", "pneumonia"], "bacterial"),
        (["normal", "normal"], "normal"),
    ],
)
def test_labels_that_agree_amount_to_one(labels, label):
    assert confirmed_label(labels) == label


@settings(deadline=None)  # no measure of speed
@given(st.lists(st.floats(1, 1e3), min_size=1, max_size=64))
def test_packing_keeps_the_direction(numbers):
    values = np.array(numbers, np.float32) * np.resize([1, -1], len(numbers))
    [unpacked] = embeddings_unpack([embedding_pack(values)])
    assert unpacked @ (values / np.linalg.norm(values)) == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("values", [None, np.zeros(3, np.float32), np.array([np.nan, 1])])
def test_features_without_a_direction_are_not_kept(values):
    assert embedding_pack(values) is None
