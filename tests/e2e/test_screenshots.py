"""The pictures of the user guide, taken from the real server with the samples it brings.

Always checked is that each can be taken; `--write-screenshots` also puts them in docs/images.
"""

import io
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from PIL import Image as Picture
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from e2e.reading import (
    SAMPLES,
    drag,
    open_study,
    read_blind,
    row,
    show_heatmap,
    viewer_ready,
)
from e2e.test_first_light import drop, photograph, radiograph
from e2e.test_lock import lock_by_menu, locked, unlock

pytestmark = pytest.mark.e2e

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 100_000  # bytes: the repository carries every version of every picture
DESK = {"width": 1280, "height": 800}
CLEAR, ILL, EARLIER = "bacteria_4875", "dicom_pneumonia.dcm", "earlier.dcm"

Take = Callable[[Page, str], None]


@pytest.fixture
def take(request: pytest.FixtureRequest, tmp_path: Path) -> Take:
    folder = IMAGES if request.config.getoption("--write-screenshots") else tmp_path

    def write(page: Page, name: str) -> None:
        page.mouse.move(1, 1)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        page.wait_for_timeout(400)
        shot = Picture.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
        assert shot.width >= page.viewport_size["width"]
        assert len(shot.getcolors(shot.width * shot.height)) > 50, "the page is blank"
        (folder / f"{name}.jpg").write_bytes(_jpeg(shot))

    return write


def _jpeg(shot: Picture.Image) -> bytes:
    """The best that is small enough."""
    for quality in (80, 74, 68, 62, 56, 50):
        buffer = io.BytesIO()
        shot.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= LARGEST:
            return buffer.getvalue()
    raise AssertionError(f"{buffer.tell()} bytes at quality {quality}")


def earlier_dicom() -> bytes:
    """The healthy sample as an earlier radiograph of the ill one's (made-up) patient."""
    healthy = pydicom.dcmread(SAMPLES / "dicom_normal.dcm")
    ill = pydicom.dcmread(SAMPLES / ILL)
    healthy.PatientID, healthy.PatientName = ill.PatientID, ill.PatientName
    healthy.PatientSex, healthy.PatientAge = ill.PatientSex, ill.PatientAge
    healthy.PatientBirthDate = ill.get("PatientBirthDate", "")
    healthy.StudyDate = str(int(ill.StudyDate) - 10_000)
    healthy.StudyInstanceUID, healthy.SeriesInstanceUID = generate_uid(), generate_uid()
    healthy.SOPInstanceUID = healthy.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    buffer = io.BytesIO()
    healthy.save_as(buffer)
    return buffer.getvalue()


def open_read(open_page: Callable[..., Page], name: str, **options: object) -> Page:
    page = open_page("/", **{**DESK, **options})
    open_study(page, name)
    expect(page.locator("#review h3")).to_be_visible()
    expect(page.locator("#similar")).to_be_visible()
    return page


def test_the_worklist(open_page, take):
    page = open_page("/", **DESK)
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_text("New here?")).to_have_count(0)
    expect(page.locator("[data-pending]")).to_have_count(0)
    take(page, "worklist")


def test_an_upload_with_files_that_are_refused(open_page, take):
    page = open_page("/upload/", **DESK)
    drop(page, {"ward-3.png": radiograph(20), "lake.jpg": photograph(), "notes.txt": b"Call back."})
    expect(row(page, "ward-3.png").locator(".finding")).to_be_visible()
    expect(row(page, "lake.jpg")).to_contain_text("Rejected")
    expect(row(page, "notes.txt")).to_contain_text("Unsupported format")
    take(page, "upload")


def test_a_study_without_and_with_its_heatmap(open_page, take):
    page = open_read(open_page, CLEAR)
    take(page, "study-first")
    show_heatmap(page)
    take(page, "study")


def test_a_measurement(open_page, take):
    page = open_read(open_page, ILL)
    page.keyboard.press("l")
    drag(page, (-150, 90), (170, 90))
    expect(page.locator("[data-measurements] li")).to_have_count(1)
    take(page, "measurement")


def test_an_earlier_radiograph_beside_it(open_page, take):
    page = open_page("/", **DESK)
    file = {"name": EARLIER, "mimeType": "application/dicom", "buffer": earlier_dicom()}
    page.locator("#files").set_input_files(file)
    expect(row(page, EARLIER).locator(".finding")).to_be_visible()
    page = open_read(open_page, ILL)
    expect(page.locator("[data-prior]")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator(".stage.prior [data-readout]")).to_contain_text("100 %")
    take(page, "priors")


def test_a_review(open_page, take):
    page = open_read(open_page, ILL)
    show_heatmap(page)
    page.keyboard.press("a")
    form = page.locator("[data-review]")
    form.get_by_label("The image shows").select_option("bacterial")
    form.get_by_label("Comment").fill("Consolidation with air bronchogram.")
    form.get_by_role("button", name="Save review").scroll_into_view_if_needed()
    take(page, "review")


def test_a_blinded_reading(open_page, take):
    page = open_page("/", **DESK)
    read_blind(page, True)
    page.goto("/")
    row(page, "bacteria_4880").locator("a.open").click()
    expect(page.get_by_role("heading", name="What do you see?")).to_be_visible()
    viewer_ready(page)
    take(page, "blinded")
    read_blind(page, False)


def test_a_report_in_light_colours(open_page, take):
    page = open_read(open_page, ILL)
    page.locator("[data-theme-toggle]").click()
    page.get_by_role("link", name="Open the report").click()
    page.get_by_label("Indication").fill("Fever and cough for three days.")
    take(page, "report")


def test_the_dashboard(open_page, take):
    page = open_page("/dashboard/?days=7", **DESK)
    expect(page.locator("[data-plot=volume] canvas")).to_be_visible()
    take(page, "dashboard")


def test_the_lock(open_page, take, server):
    page = open_page("/", width=800, height=500)
    lock_by_menu(page)
    take(page, "lock")
    unlock(page, server.password)
    expect(locked(page)).to_be_hidden()


def test_the_account(open_page, take):
    page = open_page("/account/", width=1000, height=640)
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
    take(page, "account")


def test_a_study_on_a_phone(open_page, take):
    page = open_read(open_page, CLEAR, width=360, height=740, device_scale_factor=2)
    show_heatmap(page)
    take(page, "study-phone")
