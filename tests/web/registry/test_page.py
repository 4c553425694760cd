"""About a model: its card, and what was measured on the finished bundle."""

import json
import shutil

import pytest
from django.urls import reverse

from pneumoscope.core.report import read_report, whole
from pneumoscope.web.registry.models import ModelVersion, bundle_folder

pytestmark = pytest.mark.django_db
TITLE = "Measured on the finished model"


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


@pytest.fixture
def own_copy(model, settings, tmp_path):
    """The model's folder, to be changed by one test."""
    kept = bundle_folder(model.bundle_hash)
    settings.PNEUMOSCOPE_HOME = tmp_path
    return shutil.copytree(kept, bundle_folder(model.bundle_hash))


def page_of(client, model):
    return client.get(reverse("registry:model", args=[model.bundle_hash])).content.decode()


def measured(folder):
    report = read_report(folder)
    figure = {"title": "Another hospital", "images": 40, "ill": 9}
    one = figure | {"figures": {"auroc": [0.91234, 0.8, 0.97]}}
    report["sets"] = {"one": one, "odd": None, "odder": figure | {"figures": None}}
    (folder / "report.json").write_text(json.dumps(report))


def test_what_was_measured_stands_with_its_interval(client, model, own_copy):
    measured(own_copy)
    page = page_of(client, model)
    assert TITLE in page
    assert "Another hospital" in page
    assert "40, 9 ill" in page
    assert whole([0.91234, 0.8, 0.97]) in page
    assert "Figures of the card" in page


@pytest.mark.parametrize("text", ["{", '{"model": {}}', None])
def test_without_figures_that_can_be_read_the_card_stands(client, model, own_copy, text, caplog):
    path = own_copy / "report.json"
    path.unlink() if text is None else path.write_text(text)
    page = page_of(client, model)
    assert TITLE not in page
    assert "Figures of the card" in page
    assert ("cannot be read" in caplog.text) is (text is not None)


def test_versions_stand_side_by_side(client, model, own_copy):
    measured(own_copy)
    ModelVersion.objects.create(name="m", version="2", card={}, bundle_hash="a" * 64)
    page = client.get(reverse("registry:models")).content.decode()
    assert whole([0.91234, 0.8, 0.97]) in page
    assert page.count("not measured") == 1
