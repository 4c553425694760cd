"""What the database itself refuses, whoever writes."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from pneumoscope.web.studies.models import Analysis, Image, Study
from pneumoscope.web.studies.states import State
from web.pages import image_make, model_make, study_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def image() -> Image:
    return image_make(study_make())


def refused(write, *args, **kwargs) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write(*args, **kwargs)


def analyse(image: Image, **fields) -> Analysis:
    numbers = {"verdict": "pass", "probability": 0.9, "threshold": 0.4, "positive": True}
    return Analysis.objects.create(
        image=image, model_version=model_make(), record={}, **(numbers | fields)
    )


def test_an_unknown_state(image):
    refused(Image.objects.update, state="DONE")
    refused(Study.objects.update, state="DONE")


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.ANALYSING},
        {"claim_token": uuid.uuid4(), "leased_until": timezone.now()},
        {"state": State.ANALYSING, "claim_token": uuid.uuid4()},
    ],
)
def test_a_claim_without_a_lease_or_a_lease_without_a_claim(image, fields):
    refused(Image.objects.update, **fields)


def test_a_failure_without_a_code_or_a_code_without_a_failure(image):
    refused(Image.objects.update, state=State.FAILED)
    refused(Image.objects.update, state=State.ANALYSED, failure_code="x")


@pytest.mark.parametrize(
    "numbers",
    [
        {"probability": 1.01},
        {"probability": -0.01, "positive": False},
        {"probability": None},
        {"threshold": None},
        {"positive": None},
        {"positive": False},
        {"probability": 0.3},
        {"verdict": "reject"},
        {"verdict": "reject", "probability": None},
        {"verdict": "maybe"},
    ],
)
def test_a_number_that_cannot_be(image, numbers):
    refused(analyse, image, **numbers)


def test_a_rejection_has_no_number(image):
    assert analyse(image, verdict="reject", probability=None, threshold=None, positive=None)


def test_one_analysis_per_image_and_model(image):
    analyse(image)
    refused(analyse, image)


def test_a_result_never_loses_its_model(image):
    analysis = analyse(image)
    with pytest.raises(ProtectedError):
        analysis.model_version.delete()
