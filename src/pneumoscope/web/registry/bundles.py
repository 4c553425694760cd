"""From a model version to its bundle, ready to run. Imports onnxruntime: for workers only."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from pneumoscope.core.bundle import Bundle, load_bundle
from pneumoscope.core.errors import BundleCorrupt
from pneumoscope.web.registry.models import ModelVersion, bundle_folder


def bundle_of(version: ModelVersion) -> Bundle:
    """The verified bundle of a version; loaded once per process.

    Raises BundleNotFound, BundleCorrupt or BundleIncompatible.
    """
    return _load(bundle_folder(version.bundle_hash), version.bundle_hash)


@lru_cache(maxsize=4)
def _load(folder: Path, bundle_hash: str) -> Bundle:
    bundle = load_bundle(folder, threads=settings.PNEUMOSCOPE_INFERENCE_THREADS)
    if bundle.hash != bundle_hash:
        raise BundleCorrupt(f"the bundle in {folder.name} has another content hash than its name")
    return bundle
