"""The reports of several studies at once."""

import tempfile
import zipfile
from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.studies.blinding import hidden_images
from pneumoscope.web.studies.models import Study
from pneumoscope.web.studies.selection import back_to_worklist, chosen_keys

_IN_MEMORY_BYTES = 16 << 20


@require_POST
@require_right("study.export")
def reports(request: HttpRequest) -> HttpResponseBase:
    """A zip of PDFs, drafts too, which say so; a study without a report has none in it."""
    # reportlab is slow to import, and every other page does without it.
    from pneumoscope.web.reviews.report_pdf import report_pdf

    found = _reports(request.user, chosen_keys(request))
    if not found:
        messages.error(request, _("None of the chosen studies has a report yet."))
        return back_to_worklist(request)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - the answer closes it
    with zipfile.ZipFile(file, "w") as archive:
        for report in found:
            named = request.user.has_right("patient.reveal", report.study.site_id)
            archive.writestr(f"report-{report.study_id}.pdf", report_pdf(report, named=named))
            event_record(
                action="report.export",
                actor=request.user,
                target=report.study,
                detail={"as": "pdf", "hash": report.content_hash},
                request=request,
            )
    file.seek(0)
    response = FileResponse(file, as_attachment=True, filename="reports.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


def _reports(user: User, keys: Iterable[UUID]) -> list[Report]:
    """Those of the studies that this person may take along, and whose result is not hidden."""
    studies = Study.objects.visible_to(user, "study.export").filter(pk__in=keys)
    found = Report.objects.filter(study__in=studies, study__headline__isnull=False).select_related(
        "signed_by", "analysis__image", "analysis__model_version", "study__headline__image"
    )
    hidden = hidden_images(user, [report.study.headline.image for report in found])
    return [report for report in found if report.study.headline.image_id not in hidden]
