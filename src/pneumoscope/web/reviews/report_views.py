"""The report: written on the page that looks like its paper, signed, added to, taken along."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.roles import Right
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.reviews.models.reports import LONGEST_TEXT
from pneumoscope.web.reviews.reporting import (
    SECTIONS,
    addendum_create,
    report_save,
    sections_written,
)
from pneumoscope.web.studies.blinding import hidden_images
from pneumoscope.web.studies.models import Study
from pneumoscope.web.studies.templatetags.reading import error_words


class ReportForm(forms.Form):
    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    indication = forms.CharField(required=False, max_length=LONGEST_TEXT)
    technique = forms.CharField(required=False, max_length=LONGEST_TEXT)
    findings = forms.CharField(max_length=LONGEST_TEXT)
    impression = forms.CharField(max_length=LONGEST_TEXT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, title in SECTIONS.items():
            rows = {"findings": 5, "impression": 3}.get(name, 2)
            self.fields[name].label = title
            self.fields[name].widget = forms.Textarea({"rows": rows})


@require_safe
@require_right("study.view")
def report(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Signed, it can be read; else it is a form for those who may sign."""
    study = _study(request, study_id, "study.view")
    event_record(action="report.view", actor=request.user, target=study, request=request)
    return render(request, "reviews/report.html", _context(request, study))


@require_POST
@require_right("report.sign")
def report_write(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """`step`: save or sign. What was typed stays on the page when it is refused."""
    study = _study(request, study_id, "report.sign")
    form = ReportForm(request.POST)
    if not form.is_valid():
        return render(request, "reviews/report.html", _context(request, study, form))
    sections = {name: form.cleaned_data[name] for name in SECTIONS}
    sign = request.POST.get("step") == "sign"
    try:
        report_save(
            acting_user=request.user,
            study=study,
            sections=sections,
            revision=form.cleaned_data["revision"],
            sign=sign,
        )
    except PneumoscopeError as error:
        context = _context(request, study, form) | {"error": error}
        return render(request, "reviews/report.html", context)
    messages.success(request, _("The report is signed.") if sign else _("The draft is saved."))
    return redirect("reviews:report", study.pk)


@require_POST
@require_right("report.sign")
def report_add(request: HttpRequest, study_id: UUID) -> HttpResponse:
    study = _study(request, study_id, "report.sign")
    # A line's end is one character where it is typed, and two on its way here.
    text = request.POST.get("text", "").replace("\r\n", "\n").strip()
    if not 0 < len(text) <= LONGEST_TEXT:
        messages.error(request, _("An addendum has one to %d characters.") % LONGEST_TEXT)
        return redirect("reviews:report", study.pk)
    try:
        addendum_create(acting_user=request.user, study=study, text=text)
    except PneumoscopeError as error:
        messages.error(request, error_words(error))
    else:
        messages.success(request, _("The addendum is signed."))
    return redirect("reviews:report", study.pk)


@require_safe
@require_right("study.export")
def report_as_pdf(request: HttpRequest, study_id: UUID) -> HttpResponse:
    # reportlab is slow to import, and every other page does without it.
    from pneumoscope.web.reviews.report_pdf import report_pdf

    found = _taken_along(request, study_id, "pdf")
    named = request.user.has_right("patient.reveal", found.study.site_id)
    paper = report_pdf(found, named=named)
    response = HttpResponse(paper, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="report-{found.study_id}.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
@require_right("study.export")
def report_as_json(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """What was signed, word for word, with its hash; of a draft, its sections."""
    found = _taken_along(request, study_id, "json")
    addenda = [
        {
            "text": each.text,
            "signed_by": each.signed_by.get_username(),
            "signed": each.signed.isoformat(),
            "hash": each.content_hash,
        }
        for each in found.addenda.select_related("signed_by")
    ]
    body = {
        "status": "signed" if found.signed else "draft",
        "language": found.language,
        "content": found.content or {name: getattr(found, name) for name in SECTIONS},
        "hash": found.content_hash,
        "edited": _edited(found),
        "addenda": addenda,
        "notice": RESEARCH_USE_ONLY,
    }
    return JsonResponse(body, headers={"Cache-Control": "no-store"})


def _study(request: HttpRequest, study_id: UUID, right: Right) -> Study:
    """A study with a result; others have nothing to write a report from."""
    visible = Study.objects.visible_to(request.user, right).filter(headline__isnull=False)
    found: Study = get_object_or_404(
        visible.select_related("site", "headline__model_version", "headline__image"), pk=study_id
    )
    if hidden_images(request.user, [found.headline.image]):
        raise Http404
    return found


def _report(study: Study) -> Report | None:
    kept = Report.objects.select_related("signed_by", "analysis__image", "analysis__model_version")
    return kept.filter(study=study).first()


def _taken_along(request: HttpRequest, study_id: UUID, form: str) -> Report:
    study = _study(request, study_id, "study.export")
    found = _report(study)
    if found is None:
        raise Http404
    event_record(
        action="report.export",
        actor=request.user,
        target=study,
        detail={"as": form, "hash": found.content_hash},
        request=request,
    )
    return found


def _edited(report: Report) -> list[str]:
    def plain(text: str) -> str:
        return text.replace("\r\n", "\n").strip()

    return [
        name for name in SECTIONS if plain(getattr(report, name)) != plain(report.written[name])
    ]


def _context(request: HttpRequest, study: Study, form: ReportForm | None = None) -> dict[str, Any]:
    found = _report(study)
    if form is None:
        initial = sections_written(study.headline) if found is None else vars(found)
        revision = found.revision if found else 0
        form = ReportForm(initial={**initial, "revision": revision})
    for name in SECTIONS if found else ():
        form.fields[name].widget.attrs["lang"] = found.language
    return {
        "study": study,
        "report": found,
        "analysis": found.analysis if found else study.headline,
        "form": form,
        "sections": [(name, title, getattr(found, name)) for name, title in SECTIONS.items()]
        if found
        else [],
        "edited": _edited(found) if found else [],
        "may_sign": request.user.has_right("report.sign", study.site_id),
        "may_export": request.user.has_right("study.export", study.site_id),
    }
