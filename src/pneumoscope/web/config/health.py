"""/healthz: may traffic be sent here? Parts and their state, no secrets, no patients."""

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from pneumoscope.web.registry.models import ModelVersion, Stage, bundle_folder
from pneumoscope.web.studies.models import Worker


def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """200 when every part is well, else 503."""
    parts = {"database": _database()}
    if parts["database"] == "ok":
        parts |= {"model": _model(), "worker": _worker()}
    well = all(state == "ok" for state in parts.values())
    body = {"status": "ok" if well else "unwell", "parts": parts}
    return JsonResponse(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _model() -> str:
    live = ModelVersion.objects.filter(stage=Stage.LIVE).values_list("bundle_hash", flat=True)
    if not live:
        return "none live"
    return "ok" if all(bundle_folder(each).is_dir() for each in live) else "missing"


def _worker() -> str:
    recent = timezone.now() - timedelta(seconds=3 * settings.PNEUMOSCOPE_SWEEP_SECONDS + 5)
    return "ok" if Worker.objects.filter(seen__gte=recent).exists() else "silent"
