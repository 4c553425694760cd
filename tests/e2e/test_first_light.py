"""First light, as a reader meets it: sign in, drop radiographs, watch the results arrive."""

import base64
import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Page, expect

from e2e.reading import SAMPLES, open_study, row, show_heatmap, viewer_ready

pytestmark = pytest.mark.e2e

BUT_FOR_THE_ZOOM = """reading => {
    const copy = reading.cloneNode(true);
    copy.querySelectorAll("[data-readout]").forEach(each => each.remove());
    return copy.textContent;
}"""


def radiograph(turn: int = 0) -> bytes:
    """A sample as bytes the server has not seen: `turn` shifts its grey values by so much."""
    sample = Picture.open(SAMPLES / "pneumonia_person1946_bacteria_4874.jpg").convert("L")
    pixels = np.clip(np.asarray(sample).astype(int) + turn + 1, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def photograph() -> bytes:
    """A colour picture of nothing."""
    y, x = np.mgrid[0:480, 0:640]
    pixels = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def drop(page: Page, files: dict[str, bytes]) -> None:
    """Drop files on the page as a file manager does."""
    encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, data] of Object.entries(files)) {
                const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            return transfer;
        }""",
        encoded,
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_be_hidden()


def widths(page: Page) -> tuple[int, int]:
    return tuple(page.evaluate("[document.documentElement.scrollWidth, innerWidth]"))


def test_dropped_files_become_results_without_a_reload(open_page):
    page = open_page("/")
    page.evaluate("window.notReloaded = true")
    drop(page, {"first.png": radiograph(1), "<b>second<b>.png": radiograph(2), "empty.png": b""})
    expect(row(page, "first.png")).to_be_visible()
    expect(row(page, "empty.png")).to_contain_text("Empty file")
    expect(row(page, "empty.png")).to_contain_text("send the file again")
    for name in ("first.png", "<b>second<b>.png"):
        expect(row(page, name).locator(".finding")).to_be_visible()
        expect(row(page, name)).to_contain_text(re.compile(r"\d+\s%"))
        expect(row(page, name)).to_have_count(1)
    expect(page.locator("#live")).to_contain_text("png: ")
    assert page.evaluate("window.notReloaded")
    expect(page.locator("[data-pending]")).to_have_count(0)


def test_a_zip_becomes_one_row_for_each_of_its_radiographs(open_page):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/zipped-one.png", radiograph(3))
        archive.writestr("a/zipped-two.png", radiograph(4))
        archive.writestr("notes.txt", "not a radiograph")
    page = open_page("/")
    drop(page, {"many.zip": buffer.getvalue()})
    for name in ("zipped-one.png", "zipped-two.png"):
        expect(row(page, name).locator(".finding")).to_be_visible()
    expect(row(page, "notes.txt")).to_contain_text("Unsupported format")


def test_a_photograph_is_rejected_and_gets_no_number(open_page):
    page = open_page("/")
    page.locator("#files").set_input_files(
        {"name": "lake.jpg", "mimeType": "image/jpeg", "buffer": photograph()}
    )
    expect(row(page, "lake.jpg")).to_contain_text("Rejected")
    expect(row(page, "lake.jpg")).not_to_contain_text("%")
    row(page, "lake.jpg").locator("a.open").click()
    expect(page.get_by_role("heading", name="No result")).to_be_visible()
    viewer_ready(page)
    assert re.findall(r"\d+\s%", page.locator("#reading").evaluate(BUT_FOR_THE_ZOOM)) == []
    expect(page.locator("[data-tool=heatmap]")).to_have_count(0)
    page.keyboard.press("h")
    expect(page.locator(".heat")).to_have_count(0)


def test_a_pending_study_page_turns_into_its_result(open_page):
    page = open_page("/")
    # The worker may be faster than the browser: a page that is asked as if it were pending.
    open_study(page, "bacteria_4875")
    sentence = page.locator(".verdict").inner_text()
    panel = page.evaluate("location.pathname") and page.locator(".film").get_attribute("src")
    address = panel.replace("radiograph.jpg", "panel/") + "?state=RECEIVED"
    page.evaluate(
        """address => {
            const reading = document.getElementById('reading');
            reading.innerHTML = '';
            htmx.ajax('GET', address, {target: reading, swap: 'outerHTML'});
        }""",
        address,
    )
    expect(page.locator(".verdict")).to_have_text(sentence, use_inner_text=True)
    expect(page.locator("#live")).to_contain_text("pneumonia")
    viewer_ready(page)
    page.keyboard.press("h")
    expect(page.locator(".heat")).to_be_visible()


def test_the_heatmap_is_off_until_h(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    heat, switch = page.locator(".heat"), page.get_by_role("switch", name="Heatmap")
    expect(page.locator(".verdict")).to_contain_text("operating threshold")
    expect(heat).to_be_hidden()
    show_heatmap(page)
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(page.locator("[data-legend]")).to_contain_text("vidence for pneumonia")
    page.locator("[data-slider=opacity]").fill("25")
    expect(heat).to_have_css("opacity", "0.25")
    page.keyboard.press("h")
    expect(heat).to_be_hidden()


def test_a_region_and_its_contour_light_each_other(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    contour = page.locator(".contour").first
    expect(contour).to_be_hidden()
    page.locator("button.region").first.hover()
    expect(contour).to_have_class(re.compile("lit"))
    expect(contour).to_be_visible()
    page.mouse.move(5, 5)
    expect(contour).to_be_hidden()


def test_enlarge_move_and_develop_by_key_and_wheel(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    readout = page.locator("[data-stage] [data-readout]")
    left = "() => document.querySelector('[data-sheet]').getBoundingClientRect().x"
    page.keyboard.press("+")
    expect(readout).to_contain_text("125 %")
    before = page.evaluate(left)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"before => Math.abs(({left})() - before - 40) < 1", arg=before)
    page.keyboard.press("0")
    expect(readout).to_contain_text("100 %")
    page.locator("[data-stage]").hover()
    page.mouse.wheel(0, -400)
    expect(readout).to_contain_text("272 %")
    page.keyboard.press("i")
    expect(readout).to_contain_text("Inverted")
    page.keyboard.press("r")
    expect(readout).not_to_contain_text("Inverted")
    expect(readout).to_contain_text("100 %")


def test_identity_is_shown_on_demand(open_page):
    page = open_page("/")
    open_study(page, "dicom_pneumonia.dcm")
    page.get_by_role("button", name="Show identity").click()
    expect(page.locator(".identity")).to_contain_text("Patient ID")
    expect(page.get_by_role("button", name="Show identity")).to_have_count(0)


def test_the_worklist_by_keys(open_page):
    page = open_page("/?sort=newest")
    links = page.locator("#rows a.open")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator("#files").evaluate(
        "e => e.onclick = event => { event.preventDefault(); window.asked = true; }"
    )
    page.keyboard.press("u")
    assert page.evaluate("window.asked")
    page.keyboard.press("/")
    search = page.get_by_label("Search by patient, accession, study or file name")
    expect(search).to_be_focused()
    page.keyboard.type("jukh")
    expect(search).to_have_value("jukh")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No study matches")).to_be_visible()


def test_light_mode_is_remembered(open_page):
    page = open_page("/")
    ground = page.locator("html")
    expect(ground).to_have_css("background-color", "rgb(11, 13, 16)")
    page.locator("[data-theme-toggle]").click()
    expect(ground).to_have_css("background-color", "rgb(243, 243, 243)")
    page.reload()
    expect(ground).to_have_css("background-color", "rgb(243, 243, 243)")


@pytest.mark.parametrize("width", [360, 768, 1024])
def test_no_page_scrolls_sideways(open_page, width):
    page = open_page("/", width=width, height=740)
    assert widths(page)[0] <= width
    open_study(page, "dicom_pneumonia.dcm")
    assert widths(page)[0] <= width
    page.goto("/models/")
    assert widths(page)[0] <= width


def test_a_session_that_ended_leads_to_the_sign_in_page(open_page):
    page = open_page("/")
    page.context.clear_cookies(name="sessionid")
    drop(page, {"late.png": radiograph(9)})
    expect(row(page, "late.png")).to_contain_text("Your session has ended")
