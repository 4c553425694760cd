"""What is typed of a patient, on the study's page."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.studies.blinding import hidden_images
from pneumoscope.web.studies.describing import DescriptionForm, history_of, study_describe
from pneumoscope.web.studies.models import Image


def described(request: HttpRequest, image: Image) -> dict[str, Any]:
    """What the block `described.html` shows."""
    study = image.study
    may_edit = request.user.has_right("study.edit", study.site_id)
    return {"may_edit": may_edit, "changes": history_of(study)}


@require_http_methods(["GET", "POST"])
@require_right("study.edit")
def image_describe(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The block, with the form where `edit` is asked; POST writes what was typed.

    Scripts get the block back, with the warnings that follow from it.
    """
    images = Image.objects.visible_to(request.user, "study.edit")
    image = get_object_or_404(images.select_related("study__description"), pk=image_id)
    form = DescriptionForm.of(image.study) if request.GET.get("edit") else None
    if request.method == "POST":
        form = _write(request, image)
        if not request.htmx:
            return redirect("studies:study", study_id=image.study_id)
    analysis = None if hidden_images(request.user, [image]) else image.analysis
    context = {"image": image, "analysis": analysis, "description": form, "oob": True}
    return render(request, "studies/described.html", {**described(request, image), **context})


def _write(request: HttpRequest, image: Image) -> DescriptionForm | None:
    """The form again, where it holds an error."""
    form = DescriptionForm(request.POST, auto_id="described-%s")
    if not form.is_valid():
        return form
    study_describe(study=image.study, values=form.values, acting_user=request.user, request=request)
    return None
