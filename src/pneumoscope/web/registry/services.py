"""Registering bundles and choosing which one is live."""

import shutil
import tempfile
from pathlib import Path

from django.db import transaction

from pneumoscope.core.bundle import load_bundle
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.registry.models import ModelVersion, Stage, bundle_folder


def bundle_register(*, folder: Path, actor: User | None) -> ModelVersion:
    """Verify a bundle, keep a copy of it, and write its version; live if nothing is live yet.

    Harmless to repeat. Raises BundleError subclasses.
    """
    bundle = load_bundle(folder)
    _keep_copy(bundle.folder, bundle.hash)
    with transaction.atomic():
        version, created = ModelVersion.objects.get_or_create(
            bundle_hash=bundle.hash,
            defaults={"name": bundle.name, "version": bundle.version, "card": bundle.card.raw},
        )
        if created:
            event_record(action="model.register", actor=actor, target=version)
        live = ModelVersion.objects.filter(site=None, task=version.task, stage=Stage.LIVE)
        if not live.exists():
            version_promote(version=version, actor=actor, reason="the first model registered")
    return version


def version_promote(*, version: ModelVersion, actor: User | None, reason: str) -> None:
    """Make a version live where it is registered; the one before it is retired."""
    with transaction.atomic():
        live = ModelVersion.objects.select_for_update().filter(
            site=version.site, task=version.task, stage=Stage.LIVE
        )
        previous = list(live.exclude(pk=version.pk).values_list("bundle_hash", flat=True))
        live.exclude(pk=version.pk).update(stage=Stage.RETIRED)
        version.stage = Stage.LIVE
        version.save(update_fields=["stage"])
        event_record(
            action="model.promote",
            actor=actor,
            target=version,
            site=version.site,
            detail={"reason": reason, "retired": previous, "hash": version.bundle_hash},
        )


def _keep_copy(folder: Path, bundle_hash: str) -> None:
    """Copy to a temporary folder, then rename: a copy is complete or absent."""
    target = bundle_folder(bundle_hash)
    if target.exists():
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".incoming-") as temporary:
        shutil.copytree(folder, Path(temporary) / "bundle")
        (Path(temporary) / "bundle").rename(target)
