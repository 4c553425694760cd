"""A report on A4: words, radiograph, overlay, what it is not. The same report, the same bytes.

In the report's language, whoever asks for it: reader, archive or ward.
"""

import io
from datetime import datetime
from threading import Lock
from zoneinfo import ZoneInfo

import numpy as np
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from PIL import Image as Picture
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, SimpleDocTemplate, Spacer, Table

from pneumoscope.core.render import render_overlay
from pneumoscope.core.types import (
    Analysis,
    Milliseconds,
    ModelReference,
    QualityReport,
    Radiograph,
    Region,
)
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.reviews.report_text import BOLD, REGULAR, Words, fonts_register
from pneumoscope.web.reviews.reporting import SECTIONS
from pneumoscope.web.studies.models import Analysis as AnalysisRow
from pneumoscope.web.studies.templatetags.reading import age_and_sex

MARGIN = 20 * mm
PICTURE_WIDTH, PICTURE_HEIGHT = 82 * mm, 84 * mm
PICTURE_SIDE = 1000
DAY, MINUTE = "j M Y", "j M Y, H:i"
GREY = HexColor(0x555555)
TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=10, leading=14.5)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=8, leading=11.5, textColor=GREY)
HEAD = ParagraphStyle(
    "head", parent=TEXT, fontName=BOLD, spaceBefore=9, spaceAfter=2, keepWithNext=1
)
TITLE = ParagraphStyle("title", parent=HEAD, fontSize=15, leading=22, spaceBefore=0)
NOTICE = ParagraphStyle("notice", parent=SMALL, fontName=BOLD)
PAGE = ParagraphStyle("page", parent=SMALL, alignment=TA_RIGHT)
DRAFT = ParagraphStyle("draft", parent=PAGE, fontName=BOLD)

# reportlab keeps fonts for the whole process, and these change as letters are joined.
_ONE_AT_A_TIME = Lock()


def report_pdf(report: Report, *, named: bool) -> bytes:
    """The report as it stands; a draft says so. named: with the patient's name and ID."""
    with _ONE_AT_A_TIME, translation.override(report.language):
        fonts_register()
        return _document(report, named=named)


def _document(report: Report, *, named: bool) -> bytes:
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        invariant=1,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=24 * mm,
        title=_("Chest radiograph report"),
        author="Pneumoscope",
        lang=report.language,
    )

    def frame(canvas: Canvas, page: SimpleDocTemplate) -> None:
        _foot(canvas, page.page, signed=report.signed is not None)

    document.build(_story(report, named=named), onFirstPage=frame, onLaterPages=frame)
    return buffer.getvalue()


def _story(report: Report, *, named: bool) -> list[Flowable]:
    story: list[Flowable] = [Words(_("Chest radiograph report"), TITLE), *_about(report, named)]
    texts = report.content or {name: getattr(report, name) for name in SECTIONS}
    for name, title in SECTIONS.items():
        story += [Words(str(title), HEAD), Words(texts[name] or _("Not given."), TEXT)]
        if name == "technique":
            story += [Spacer(0, 8), _pictures(report.analysis)]
    story += [Words(_("Signature"), HEAD), Words(_signature(report), TEXT)]
    for addendum in report.addenda.select_related("signed_by"):
        who = addendum.signed_by.get_full_name() or addendum.signed_by.get_username()
        story += [Words(_("Addendum"), HEAD), Words(addendum.text, TEXT)]
        story.append(Words(_signed(who, addendum.signed, report.study.site), SMALL))
    version = report.analysis.model_version
    about = [f"{_('Model')} {version.name} {version.version}, {version.bundle_hash}."]
    if report.content_hash:
        about.append(_("Content SHA-256 %(hash)s.") % {"hash": report.content_hash})
    return [*story, Spacer(0, 10), Words(" ".join(about), SMALL)]


def _about(report: Report, named: bool) -> list[Flowable]:
    study = report.study
    identity = patient_pseudonym(study.site_id, study.patient_id) or _("No patient ID")
    if named and (study.patient_name or study.patient_id):
        identity = f"{study.patient_name.replace('^', ' ')} · ID {study.patient_id}"
    known = [
        age_and_sex(study) or _("age and sex unknown"),
        _("acquired %(day)s") % {"day": date_format(study.study_date, DAY)}
        if study.study_date
        else _("date not known"),
        _("accession %(number)s") % {"number": study.accession_number}
        if study.accession_number
        else "",
        str(study.site.name),
    ]
    facts = [
        f"{_('Patient')}: {identity}",
        " · ".join(filter(None, known)),
        f"{_('Study')} {study.study_instance_uid or study.pk}",
    ]
    return [Words(line, SMALL) for line in facts]


def _signature(report: Report) -> str:
    if report.signed is None:
        return _("Draft – not signed")
    return _signed(report.content["signed_by"], report.signed, report.study.site)


def _signed(name: str, moment: datetime, site: Site) -> str:
    """By the clock of the site whose report it is."""
    there = moment.astimezone(ZoneInfo(site.time_zone))
    zone = f"{there:%Z}"
    when = f"{date_format(there, MINUTE)} {zone if zone.isalpha() else f'UTC{zone}'}"
    return _("Signed by %(name)s, %(when)s") % {"name": name, "when": when}


def _pictures(row: AnalysisRow) -> Table:
    """The radiograph beside the same with heatmap and contours."""
    with row.image.rendered.open("rb") as file:
        plain = Picture.open(file).convert("L")
    plain.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    pair = [_picture(plain), _picture(_overlay(row, plain))]
    caption = [
        Words(_("Radiograph"), SMALL),
        Words(_("Where the result rests: heatmap and contours"), SMALL),
    ]
    table = Table([pair, caption], colWidths=[85 * mm, 85 * mm], hAlign="LEFT")
    table.setStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return table


def _overlay(row: AnalysisRow, plain: Picture.Image) -> Picture.Image:
    scale = plain.width / row.image.columns
    regions = tuple(
        Region(
            zone=each["zone"],
            score=each["score"],
            box=tuple(scale * value for value in each["box"]),
            peak=tuple(scale * value for value in each["peak"]),
            contour=tuple((scale * x, scale * y) for x, y in each["contour"]),
        )
        for each in row.record["regions"]
    )
    return render_overlay(
        Analysis(
            status="analysed",
            radiograph=Radiograph(np.asarray(plain, np.float32) / 255, "jpeg"),
            quality=QualityReport("pass"),
            model=ModelReference("", "", row.model_version.bundle_hash),
            milliseconds=Milliseconds(0, 0, 0, 0),
            heatmap=row.heatmap,
            regions=regions,
        )
    )


def _picture(picture: Picture.Image) -> Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    scale = min(PICTURE_WIDTH / picture.width, PICTURE_HEIGHT / picture.height)
    buffer.seek(0)
    return Image(buffer, picture.width * scale, picture.height * scale, hAlign="LEFT")


def _foot(canvas: Canvas, number: int, *, signed: bool) -> None:
    page = _("Page %(number)d") % {"number": number}
    notice = Words(_("Research use only – not a medical device"), NOTICE)
    draft = Words(f"{_('Draft – not signed')} · {page}", DRAFT)
    for words in (notice, Words(page, PAGE) if signed else draft):
        words.wrapOn(canvas, A4[0] - 2 * MARGIN - 12, 14 * mm)
        words.drawOn(canvas, MARGIN + 6, 12 * mm)
