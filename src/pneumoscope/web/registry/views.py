"""About the models: the list of versions and each one's card."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.registry.measured import measured_of
from pneumoscope.web.registry.models import ModelVersion


@require_safe
@require_right("model.view")
def models(request: HttpRequest) -> HttpResponse:
    """Every version the site may use; with only one, that one."""
    versions = list(ModelVersion.objects.visible_to(request.user).select_related("site"))
    if len(versions) == 1:
        return redirect("registry:model", versions[0].bundle_hash)
    live = ModelVersion.objects.live_at(request.user.site)
    rows = [(version, measured_of(version)[1][:1]) for version in versions]
    return render(request, "registry/models.html", {"versions": rows, "live": live})


@require_safe
@require_right("model.view")
def model(request: HttpRequest, bundle_hash: str) -> HttpResponse:
    version = get_object_or_404(
        ModelVersion.objects.visible_to(request.user), bundle_hash=bundle_hash
    )
    day, sets = measured_of(version)
    context = {"version": version, "card": version.card, "measured": day, "sets": sets}
    return render(request, "registry/model.html", context)
