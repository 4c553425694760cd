import numpy as np
import pytest
from django.utils import timezone

from pneumoscope.core.record import failure_record
from pneumoscope.web.audit.models import Event
from pneumoscope.web.registry.models import ModelVersion, Stage
from pneumoscope.web.studies.analysing import image_analyse
from pneumoscope.web.studies.models import Analysis, Image, Source
from pneumoscope.web.studies.models.embeddings import embeddings_unpack
from pneumoscope.web.studies.queue import MAX_ATTEMPTS, image_claim
from pneumoscope.web.studies.services import study_receive
from pneumoscope.web.studies.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def receive(reader):
    def call(data: bytes) -> Image:
        return study_receive(
            data=data, source_name="a.jpg", source=Source.API, actor=reader, site=reader.site
        ).image

    return call


def analysed(image: Image) -> Image:
    image_analyse(image.pk)
    return Image.objects.get(pk=image.pk)


def test_a_radiograph_becomes_a_result(receive, radiograph, model):
    image = analysed(receive(radiograph))
    analysis = image.analysis
    assert image.state == image.study.state == State.ANALYSED
    assert image.study.headline == analysis
    assert analysis.model_version == model
    assert analysis.record["probability"] == pytest.approx(analysis.probability, abs=1e-6)
    assert analysis.record["model"]["hash"] == model.bundle_hash
    assert analysis.heatmap.ndim == 2
    assert 0 <= analysis.heatmap.min() <= analysis.heatmap.max() <= 1
    [features] = embeddings_unpack([analysis.embedding.packed])
    assert features.ndim == 1
    assert np.linalg.norm(features) == pytest.approx(1, abs=1e-2)
    assert image.rendered.size > image.thumbnail.size > 0
    assert Event.objects.get(action="image.analysed").detail["model"] == model.bundle_hash


def test_when_the_first_result_came_stays_with_later_models(receive, radiograph, model):
    image = analysed(receive(radiograph))
    first = image.first_result
    assert image.created < first <= timezone.now()
    earlier = ModelVersion.objects.create(
        name="earlier", version="0", bundle_hash="cd" * 32, card={}
    )
    Analysis.objects.update(model_version=earlier)
    Image.objects.update(state=State.RECEIVED)
    again = analysed(image)
    assert (again.state, again.analyses.count()) == (State.ANALYSED, 2)
    assert again.first_result == first


def test_a_dicom_radiograph_becomes_a_result(receive, dicom_radiograph, model):
    assert analysed(receive(dicom_radiograph)).state == State.ANALYSED


def test_the_site_s_operating_point_goes_before_the_installation_s(
    receive, radiograph, dicom_radiograph, model, reader, settings
):
    settings.PNEUMOSCOPE_OPERATING_POINT = "screening"
    assert analysed(receive(radiograph)).analysis.record["operating_point"] == "screening"
    reader.site.operating_point = "rule_in"
    reader.site.save()
    record = analysed(receive(dicom_radiograph)).analysis.record
    assert record["operating_point"] == "rule_in"
    points = {point["name"]: point for point in model.card["operating_points"]}
    assert record["threshold"] == pytest.approx(points["rule_in"]["threshold"], abs=1e-6)


def test_an_operating_point_the_model_lacks_fails_by_name(receive, radiograph, model, reader):
    reader.site.operating_point = "strict"
    reader.site.save()
    image = analysed(receive(radiograph))
    assert (image.state, image.failure_code) == (State.FAILED, "unknown_operating_point")


def test_a_second_bell_changes_nothing(receive, radiograph, model):
    image = analysed(receive(radiograph))
    image_analyse(image.pk)
    assert Analysis.objects.count() == 1


def test_what_is_no_image_fails_with_code_and_remedy(receive, model):
    image = analysed(receive(b"a text named .dcm"))
    assert image.state == image.study.state == State.FAILED
    assert image.failure_code == "unsupported_format"
    assert image.failure_reason
    assert image.remedy
    assert image.record["status"] == "failed"
    assert set(image.record) == set(failure_record("", _error(), _reference()))
    assert image.study.headline is None


def _error():
    from pneumoscope.core.errors import EmptyFile

    return EmptyFile("x")


def _reference():
    from pneumoscope.core.types import ModelReference

    return ModelReference("", "", "")


def test_a_rejected_picture_has_a_reason_and_no_number(receive, jpeg, model):
    image = analysed(receive(jpeg(size=(40, 40))))
    assert image.state == image.study.state == State.REJECTED
    assert image.failure_code == "too_few_pixels"
    assert image.failure_reason
    assert image.analysis.probability is None
    assert image.analysis.heatmap is None
    assert image.study.headline is None


def test_without_a_live_model_it_fails_and_sending_again_helps(receive, radiograph, model):
    ModelVersion.objects.update(stage=Stage.RETIRED)
    image = analysed(receive(radiograph))
    assert (image.state, image.failure_code) == (State.FAILED, "no_live_model")
    ModelVersion.objects.update(stage=Stage.LIVE)
    again = receive(radiograph)
    assert (again.pk, again.state, again.attempts) == (image.pk, State.RECEIVED, 0)
    assert again.study.state == State.RECEIVED
    assert analysed(again).state == State.ANALYSED


def test_sending_a_broken_file_again_changes_nothing(receive, model):
    image = analysed(receive(b"broken"))
    assert receive(b"broken").state == State.FAILED
    assert Image.objects.get(pk=image.pk).failure_code == "unsupported_format"


def test_a_lost_file_ends_after_some_attempts(receive, radiograph, model):
    image = receive(radiograph)
    image.file.storage.delete(image.file.name)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(FileNotFoundError):
            image_analyse(image.pk)
    image = analysed(image)
    assert (image.state, image.failure_code) == (State.FAILED, "analysis_interrupted")
    assert str(MAX_ATTEMPTS) in image.failure_reason
    assert receive(radiograph).state == State.RECEIVED  # the file is here again


def test_the_most_suspicious_image_is_the_headline(receive, radiograph, dicom_radiograph, model):
    first, second = receive(radiograph), receive(dicom_radiograph)
    Image.objects.filter(pk=second.pk).update(study=first.study)
    analysed(first)
    analysed(second)
    first.study.refresh_from_db()
    highest = Analysis.objects.order_by("-probability").first()
    assert first.study.headline == highest


def test_while_another_worker_holds_it_nothing_happens(receive, radiograph, model):
    image = receive(radiograph)
    image_claim(image.pk)
    assert analysed(image).state == State.ANALYSING
    assert not Analysis.objects.exists()
