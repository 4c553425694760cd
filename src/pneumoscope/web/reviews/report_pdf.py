"""A report on A4: words, radiograph, overlay, what it is not. The same report, the same bytes.

Set in Bitstream Vera, which reportlab brings: what its repertoire lacks prints as a question mark.
"""

import io
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image as Picture
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table

from pneumoscope.core.render import RESEARCH_USE_ONLY, render_overlay
from pneumoscope.core.types import (
    Analysis,
    Milliseconds,
    ModelReference,
    QualityReport,
    Radiograph,
    Region,
)
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.reviews.reporting import SECTIONS
from pneumoscope.web.studies.models import Analysis as AnalysisRow
from pneumoscope.web.studies.templatetags.reading import age_and_sex

FONTS = {"Vera": "Vera.ttf", "VeraBd": "VeraBd.ttf"}
MARGIN = 20 * mm
PICTURE_WIDTH, PICTURE_HEIGHT = 82 * mm, 84 * mm
PICTURE_SIDE = 1000
GREY = HexColor(0x555555)
TEXT = ParagraphStyle("text", fontName="Vera", fontSize=9.5, leading=14)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=7.5, leading=10.5, textColor=GREY)
HEAD = ParagraphStyle(
    "head", parent=TEXT, fontName="VeraBd", spaceBefore=9, spaceAfter=2, keepWithNext=1
)
TITLE = ParagraphStyle("title", parent=HEAD, fontSize=15, leading=20, spaceBefore=0)


def report_pdf(report: Report, *, named: bool) -> bytes:
    """The report as it stands; a draft says so. named: with the patient's name and ID."""
    for name, file in FONTS.items():
        pdfmetrics.registerFont(TTFont(name, file))
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        invariant=1,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=24 * mm,
        title="Chest radiograph report",
        author="Pneumoscope",
    )

    def frame(canvas: Canvas, page: SimpleDocTemplate) -> None:
        _foot(canvas, page.page, signed=report.signed is not None)

    document.build(_story(report, named=named), onFirstPage=frame, onLaterPages=frame)
    return buffer.getvalue()


def _story(report: Report, *, named: bool) -> list[Flowable]:
    story: list[Flowable] = [Paragraph("Chest radiograph report", TITLE), *_about(report, named)]
    texts = report.content or {name: getattr(report, name) for name in SECTIONS}
    for name in SECTIONS:
        story += [Paragraph(name.capitalize(), HEAD), _words(texts[name] or "Not given.")]
        if name == "technique":
            story += [Spacer(0, 8), _pictures(report.analysis)]
    story += [Paragraph("Signature", HEAD), _words(_signature(report))]
    for addendum in report.addenda.select_related("signed_by"):
        story += [Paragraph("Addendum", HEAD), _words(addendum.text)]
        who = addendum.signed_by.get_full_name() or addendum.signed_by.get_username()
        story.append(_words(f"Signed by {who}, {addendum.signed:%-d %b %Y, %H:%M} UTC", SMALL))
    version = report.analysis.model_version
    covered = f" Content SHA-256 {report.content_hash}." if report.content_hash else ""
    about = f"Model {version.name} {version.version}, {version.bundle_hash}.{covered}"
    return [*story, Spacer(0, 10), _words(about, SMALL)]


def _about(report: Report, named: bool) -> list[Flowable]:
    study = report.study
    identity = patient_pseudonym(study.site_id, study.patient_id) or "no patient ID"
    if named and (study.patient_name or study.patient_id):
        identity = f"{study.patient_name.replace('^', ' ')} · ID {study.patient_id}"
    acquired = f"{study.study_date:%-d %b %Y}" if study.study_date else "date not known"
    facts = [
        f"Patient: {identity}",
        (
            f"{age_and_sex(study) or 'age and sex not known'} · acquired {acquired}"
            f" · accession {study.accession_number or 'not given'} · {study.site.name}"
        ),
        f"Study {study.study_instance_uid or study.pk}",
    ]
    return [_words(line, SMALL) for line in facts]


def _signature(report: Report) -> str:
    if report.signed is None:
        return "Draft – not signed."
    return f"Signed by {report.content['signed_by']}, {report.signed:%-d %b %Y, %H:%M} UTC."


def _words(text: str, style: ParagraphStyle = TEXT) -> Paragraph:
    """Anybody's words: markup in them is printed, not obeyed."""
    known = pdfmetrics.getFont(style.fontName).face.charToGlyph
    printable = "".join(c if ord(c) in known or c == "\n" else "?" for c in text)
    return Paragraph(escape(printable).replace("\n", "<br/>"), style)


def _pictures(row: AnalysisRow) -> Table:
    """The radiograph beside the same with heatmap and contours."""
    with row.image.rendered.open("rb") as file:
        plain = Picture.open(file).convert("L")
    plain.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    pair = [_picture(plain), _picture(_overlay(row, plain))]
    caption = [
        _words("Radiograph", SMALL),
        _words("Where the result rests: heatmap and contours", SMALL),
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
    canvas.setFillColor(GREY)
    canvas.setFont("VeraBd", 8)
    canvas.drawString(MARGIN + 6, 14 * mm, RESEARCH_USE_ONLY)
    canvas.setFont("Vera", 8)
    right = f"Page {number}" if signed else f"DRAFT – NOT SIGNED · page {number}"
    canvas.drawRightString(A4[0] - MARGIN - 6, 14 * mm, right)
