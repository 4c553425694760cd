"""Writing, signing and adding to a report: what is signed never changes again."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.reviews.errors import ReportChanged, ReportNotSigned, ReportSigned
from pneumoscope.web.reviews.models import Addendum, Report
from pneumoscope.web.studies.models import Analysis, Study
from pneumoscope.web.studies.templatetags.meaning import aetiology_sentence
from pneumoscope.web.studies.templatetags.reading import (
    finding,
    finding_sentence,
    notes,
    population_warnings,
    said,
    zone_words,
)

# The sections with their titles, in the order of the paper.
SECTIONS = {
    "indication": _("Indication"),
    "technique": _("Technique"),
    "findings": _("Findings"),
    "impression": _("Impression"),
}


def sections_written(analysis: Analysis) -> dict[str, str]:
    """The sections as the result alone would have them; the indication is the reader's to give.

    In the language that is active: whoever signs must be able to read it.
    """
    view = analysis.image.view_position
    zones = ", ".join(zone_words(region["zone"]).lower() for region in analysis.record["regions"])
    findings = [
        gettext("Automated analysis: %(result)s") % {"result": finding_sentence(analysis)},
        gettext("Evidence lies in: %(zones)s") % {"zones": zones}
        if zones
        else gettext("No part of the image stands out"),
        *map(said, (*population_warnings(analysis), *notes(analysis))),
    ]
    impression = filter(None, [finding(analysis), aetiology_sentence(analysis)])
    technique = gettext("Frontal chest radiograph") + (f" ({view})" if view else "")
    return {
        "indication": "",
        "technique": _stopped(technique),
        "findings": "\n".join(map(_stopped, findings)),
        "impression": "\n".join(map(_stopped, impression)),
    }


def _stopped(sentence: str) -> str:
    """With the language's full stop, where it has none."""
    ended = sentence.endswith((".", "।"))
    return sentence if ended else gettext("%(sentence)s.") % {"sentence": sentence}


@transaction.atomic
def report_save(
    *, acting_user: User, study: Study, sections: dict[str, str], revision: int, sign: bool = False
) -> Report:
    """Save the draft that was at `revision` (0: there was none), and sign it where asked.

    Raises ReportSigned and ReportChanged: of two who save or sign at once, one does.
    """
    report = _draft(acting_user, study, sections) if revision == 0 else _known(study)
    values: dict[str, Any] = {**sections, "changed_by": acting_user, "revision": F("revision") + 1}
    if sign:
        now = timezone.now()
        content = _content(report, sections, acting_user, now)
        values |= {"signed_by": acting_user, "signed": now, "content": content}
        values["content_hash"] = content_hash(content)
    standing = Report.objects.filter(pk=report.pk, signed=None, revision=revision or 1)
    if not standing.update(changed=timezone.now(), **values):
        raise _late(study)
    report.refresh_from_db()
    event_record(
        action="report.sign" if sign else "report.save",
        actor=acting_user,
        target=study,
        detail={"hash": report.content_hash, "revision": report.revision},
    )
    return report


@transaction.atomic
def addendum_create(*, acting_user: User, study: Study, text: str) -> Addendum:
    """Raises ReportNotSigned."""
    report = Report.objects.select_for_update().filter(study=study).first()
    if report is None or report.signed is None:
        raise ReportNotSigned("The report is not signed yet.")
    last = report.addenda.last()
    now = timezone.now()
    content = {
        "after": last.content_hash if last else report.content_hash,
        "text": text,
        "signed_by": acting_user.get_username(),
        "signed": now.isoformat(),
    }
    addendum = Addendum.objects.create(
        report=report,
        text=text,
        signed_by=acting_user,
        signed=now,
        content_hash=content_hash(content),
    )
    event_record(
        action="report.addendum",
        actor=acting_user,
        target=study,
        detail={"hash": addendum.content_hash},
    )
    return addendum


def content_hash(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _draft(user: User, study: Study, sections: dict[str, str]) -> Report:
    try:
        with transaction.atomic():
            return Report.objects.create(
                study=study,
                analysis=study.headline,
                changed_by=user,
                language=translation.get_language(),
                written=sections_written(study.headline),
                **sections,
            )
    except IntegrityError:
        raise _late(study) from None


def _known(study: Study) -> Report:
    found = Report.objects.filter(study=study).first()
    if found is None:
        raise ReportChanged("This draft is no longer there.")
    return found


def _late(study: Study) -> ReportSigned | ReportChanged:
    standing = Report.objects.select_related("signed_by", "changed_by").get(study=study)
    if standing.signed:
        who, when = standing.signed_by, timezone.localtime(standing.signed)
        return ReportSigned(f"{who} signed this report on {when:%-d %b %Y at %H:%M %Z}.")
    who, when = standing.changed_by, timezone.localtime(standing.changed)
    return ReportChanged(f"{who} saved this draft at {when:%H:%M %Z}, after this page was opened.")


def _content(
    report: Report, sections: dict[str, str], signer: User, signed: datetime
) -> dict[str, Any]:
    """What a signature covers. Who the patient is, is asked when it is read: that may be
    corrected."""
    analysis = report.analysis
    version = analysis.model_version
    with translation.override(report.language):
        result = finding_sentence(analysis)
    return {
        "study": str(report.study_id),
        "language": report.language,
        "image": analysis.image.sha256,
        **{name: sections[name] for name in SECTIONS},
        "result": result,
        "probability": analysis.probability,
        "threshold": analysis.threshold,
        "zones": [region["zone"] for region in analysis.record["regions"]],
        "model": {"name": version.name, "version": version.version, "hash": version.bundle_hash},
        "signed_by": signer.get_full_name() or signer.get_username(),
        "signed": signed.isoformat(),
        "notice": RESEARCH_USE_ONLY,
    }
