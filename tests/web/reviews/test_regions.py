"""Regions drawn by readers: read with care, kept with the review, seen by whom they are for."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.core.explain import ZONES
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.people.services import person_create
from pneumoscope.web.reviews.forms import opened_now
from pneumoscope.web.reviews.models import Review
from pneumoscope.web.reviews.regions import MOST_REGIONS, RegionsField, area, bounding_box
from pneumoscope.web.studies.blinding import impression_create
from web.pages import image_analysed, image_make, study_make

COLUMNS, ROWS = 200, 240
# The patient's right lower zone is at the lower left of the image.
SQUARE = [[20, 160], [60, 160], [60, 200], [20, 200]]
FIELD = RegionsField(columns=COLUMNS, rows=ROWS)
CORNERS = st.lists(
    st.tuples(st.floats(0, COLUMNS), st.floats(0, ROWS)), min_size=3, max_size=40
).filter(lambda corners: area([list(each) for each in corners]) > 20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


def read(*polygons):
    return FIELD.clean(json.dumps(polygons))


@given(st.lists(CORNERS, max_size=3))
def test_what_is_drawn_is_kept_to_a_tenth_in_its_box(polygons):
    for polygon, region in zip(polygons, read(*polygons), strict=True):
        x, y, width, height = region["box"]
        assert region["zone"] in ZONES
        assert 0 <= x <= x + width <= COLUMNS + 0.05
        assert 0 <= y <= y + height <= ROWS + 0.05
        for drawn, kept in zip(polygon, region["contour"], strict=True):
            assert kept == pytest.approx(drawn, abs=0.0501)
            assert x - 0.01 <= kept[0] <= x + width + 0.01
            assert y - 0.01 <= kept[1] <= y + height + 0.01


@given(CORNERS)
def test_kept_and_sent_again_it_is_the_same(polygon):
    kept = read(polygon)
    assert read(*(each["contour"] for each in kept)) == kept


@given(st.integers(1, 100), st.integers(1, 100), st.integers(0, 3))
def test_a_rectangle_has_its_area_wherever_it_starts(width, height, start):
    corners = [[5, 7], [5 + width, 7], [5 + width, 7 + height], [5, 7 + height]]
    assert area(corners[start:] + corners[:start]) == width * height
    assert bounding_box(corners) == [5, 7, width, height]


@given(JSON)
def test_nothing_that_is_sent_gets_through_half_read(value):
    try:
        kept = FIELD.clean(json.dumps(value))
    except ValidationError:
        return
    assert isinstance(value, list)
    assert len(kept) == len(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ('{"0": []}', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        (f"[[[{'9' * 5000}, 1]]]", "cannot be read"),
        ("[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]", "cannot be read"),
        ('[[["1", 2], [3, 4], [5, 9]]]', "cannot be read"),
        ("[[[NaN, 1], [50, 1], [50, 50]]]", "outside"),
        ("[[[1e400, 1], [50, 1], [50, 50]]]", "outside"),
        (f"[[[{'9' * 400}, 1], [50, 1], [50, 50]]]", "outside"),
        (f"[[[{COLUMNS + 1}, 1], [50, 1], [50, 50]]]", "outside"),
        ("[[[-1, 1], [50, 1], [50, 50]]]", "outside"),
        ("[[]]", "no area"),
        ("[[[1, 1], [50, 50], [99, 99]]]", "no area"),
        ("[[[1, 1], [4, 1], [1, 4]]]", "no area"),
        (json.dumps([SQUARE] * (MOST_REGIONS + 1)), "At most 12"),
        (json.dumps([SQUARE * 200]), "cannot be read"),
        ("[" + " " * 200_000 + "]", "at most 200000"),
    ],
)
def test_what_is_no_region_is_refused_with_what_to_do(text, words):
    with pytest.raises(ValidationError, match=words):
        FIELD.clean(text)


@pytest.fixture
def analysis(site):
    return image_analysed(image_make(study_make(patient_id="4711")))


@pytest.fixture
def second(site):
    return person_create(
        acting_user=None, username="second", password="secret", role=Role.READER, site=site
    )


def save(client, analysis, *polygons, agreement="agree", **fields):
    data = {"kind": "reading", "agreement": agreement, "opened": opened_now()}
    data |= {"drawn": json.dumps(polygons), **fields}
    return client.post(reverse("reviews:review_save", args=[analysis.pk]), data, HTTP_HX_REQUEST=1)


def page_of(client, analysis):
    return client.get(reverse("reviews:review", args=[analysis.pk]))


@pytest.mark.django_db
class TestKept:
    def test_with_the_review_by_zone_box_and_contour(self, reader, client_of, analysis):
        save(client_of(reader), analysis, SQUARE)
        [region] = Review.objects.get().drawn_regions
        assert region["zone"] == "right lower zone"
        assert region["box"] == [20, 160, 40, 40]
        assert region["contour"] == SQUARE

    def test_as_they_were_after_another_word(self, reader, client_of, analysis):
        client = client_of(reader)
        save(client, analysis, SQUARE)
        first = Review.objects.get()
        save(client, analysis, supersedes=first.pk)
        first.refresh_from_db()
        assert [each["contour"] for each in first.drawn_regions] == [SQUARE]
        assert Review.objects.get(superseded=None).drawn_regions == []

    def test_not_where_the_image_is_called_normal(self, reader, client_of, analysis):
        answer = save(client_of(reader), analysis, SQUARE, agreement="disagree", label="normal")
        assert "A normal image has no regions" in answer.content.decode()
        assert not Review.objects.exists()

    def test_a_refusal_keeps_what_was_drawn(self, reader, client_of, analysis):
        answer = save(client_of(reader), analysis, SQUARE, [[0, 0], [300, 0], [0, 300]])
        page = answer.content.decode()
        assert "outside the image" in page
        assert "[[20, 160], [60, 160]" in page
        assert not Review.objects.exists()

    @pytest.mark.parametrize("drawn", [{}, {"0": 1}, 7, "text", [{}] * (MOST_REGIONS + 1)], ids=str)
    def test_the_database_holds_a_short_list(self, reader, client_of, analysis, drawn):
        save(client_of(reader), analysis)
        with pytest.raises(IntegrityError), transaction.atomic():
            Review.objects.update(drawn_regions=drawn)

    def test_the_database_holds_no_region_of_a_normal(self, reader, client_of, analysis):
        save(client_of(reader), analysis, SQUARE)
        Review.objects.update(drawn_regions=[{}] * MOST_REGIONS)
        with pytest.raises(IntegrityError), transaction.atomic():
            Review.objects.update(label="normal")


@pytest.mark.django_db
class TestSeen:
    def test_by_a_second_reader_after_their_own_word(self, reader, second, client_of, analysis):
        save(client_of(reader), analysis, SQUARE)
        client = client_of(second)
        assert "20.0,160.0" not in page_of(client, analysis).content.decode()
        save(client, analysis)
        assert "20.0,160.0" in page_of(client, analysis).content.decode()

    def test_by_who_decides_and_in_the_history(self, reader, second, user_of, client_of, analysis):
        client = client_of(reader)
        save(client, analysis, SQUARE)
        save(client, analysis, label="viral", supersedes=Review.objects.get().pk)
        save(client_of(second), analysis, SQUARE, agreement="disagree", label="other")
        page = page_of(client_of(user_of(Role.SENIOR_READER)), analysis).content.decode()
        assert "Adjudication" in page
        assert page.count('data-points="20.0,160.0') == 2

    def test_not_before_one_s_impression_where_reading_is_blind(
        self, site, reader, second, client_of, analysis
    ):
        save(client_of(reader), analysis, SQUARE)
        site.reads_blind = True
        site.save()
        client = client_of(second)
        study = reverse("studies:study", args=[analysis.image.study_id])
        assert page_of(client, analysis).status_code == 404
        assert "160.0" not in client.get(study).content.decode()
        impression_create(
            acting_user=second, analysis=analysis, finding="pneumonia", confidence=None
        )
        # Nor before one's review: the impression opens the result, not the other reader's word.
        assert "20.0,160.0" not in page_of(client_of(second), analysis).content.decode()
