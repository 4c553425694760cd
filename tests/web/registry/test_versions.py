import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from pneumoscope.core.errors import BundleCorrupt
from pneumoscope.web.audit.models import Event
from pneumoscope.web.registry.bundles import bundle_of
from pneumoscope.web.registry.models import ModelVersion, Stage, bundle_folder
from pneumoscope.web.registry.services import bundle_register, version_promote

pytestmark = pytest.mark.django_db


def version(letter: str, **fields) -> ModelVersion:
    fields = {"name": "m", "version": letter, "card": {}, "bundle_hash": letter * 64} | fields
    return ModelVersion.objects.create(**fields)


def test_one_live_version_everywhere():
    version("a", stage=Stage.LIVE)
    with pytest.raises(IntegrityError), transaction.atomic():
        version("b", stage=Stage.LIVE)
    version("c", stage=Stage.LIVE, task="other")
    version("d", stage=Stage.SHADOW)


def test_one_live_version_per_site(site, other_site):
    version("a", stage=Stage.LIVE, site=site)
    with pytest.raises(IntegrityError), transaction.atomic():
        version("b", stage=Stage.LIVE, site=site)
    version("c", stage=Stage.LIVE, site=other_site)


def test_an_unknown_stage_is_refused():
    with pytest.raises(IntegrityError), transaction.atomic():
        version("a", stage="best")


def test_a_sites_own_version_goes_first(site, other_site):
    everywhere = version("a", stage=Stage.LIVE)
    assert ModelVersion.objects.live_at(site) == everywhere
    own = version("b", stage=Stage.LIVE, site=site)
    assert ModelVersion.objects.live_at(site) == own
    assert ModelVersion.objects.live_at(other_site) == everywhere


def test_promotion_retires_the_one_before(reader):
    first, second = version("a", stage=Stage.LIVE), version("b")
    version_promote(version=second, actor=reader, reason="better")
    first.refresh_from_db()
    assert (first.stage, second.stage) == (Stage.RETIRED, Stage.LIVE)
    event = Event.objects.get(action="model.promote")
    assert event.actor == reader
    assert event.detail["reason"] == "better"
    assert event.detail["retired"] == [first.bundle_hash]


def test_promotion_by_command(capsys):
    version("a", stage=Stage.LIVE)
    second = version("b")
    call_command("model_promote", "b" * 8, reason="better")
    second.refresh_from_db()
    assert second.stage == Stage.LIVE
    with pytest.raises(CommandError, match="model_not_found"):
        call_command("model_promote", "b", reason="too short to be sure")


def test_registering_twice_is_once(model):
    again = bundle_register(folder=bundle_folder(model.bundle_hash), actor=None)
    assert again == model
    assert model.stage == Stage.LIVE
    assert Event.objects.filter(action="model.register").count() == 1


def test_a_bundle_is_loaded_once(model):
    assert bundle_of(model) is bundle_of(model)
    assert bundle_of(model).hash == model.bundle_hash


def test_a_bundle_under_a_wrong_name_is_refused(model, settings, tmp_path):
    wrong = "0" * 64
    source = bundle_folder(model.bundle_hash)
    settings.PNEUMOSCOPE_HOME = tmp_path
    bundle_folder(wrong).parent.mkdir()
    bundle_folder(wrong).symlink_to(source)
    model.bundle_hash = wrong
    with pytest.raises(BundleCorrupt):
        bundle_of(model)
