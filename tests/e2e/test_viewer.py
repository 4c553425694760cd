"""The viewer's tools change what is on the screen, by mouse and by key, also without WebGL."""

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, Page, expect
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from e2e.conftest import PATIENCE, Server
from e2e.reading import SAMPLES, drag, open_study, row, show_heatmap, until, viewer_ready

pytestmark = pytest.mark.e2e

DEEP = "deep.dcm"


def deep_dicom() -> bytes:
    """The sample of one patient once more, on another day, uncompressed and with a spacing."""
    dataset = pydicom.dcmread(SAMPLES / "dicom_pneumonia.dcm")
    values = dataset.pixel_array.astype(float)
    dataset.PixelData = (values * (4095 / values.max())).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.ImagerPixelSpacing = [0.15, 0.15]
    dataset.StudyDate = "20260101"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def deep() -> bytes:
    return deep_dicom()


def open_deep(page: Page, deep: bytes) -> None:
    if not row(page, DEEP).count():
        file = {"name": DEEP, "mimeType": "application/dicom", "buffer": deep}
        page.locator("#files").set_input_files(file)
    open_study(page, DEEP)


def screen(page: Page) -> np.ndarray:
    """The stage as the reader sees it, uint8 [H, W]."""
    shot = page.locator("[data-stage]").screenshot()
    return np.asarray(Picture.open(io.BytesIO(shot)).convert("L")).astype(int)


def readout(page: Page):
    return page.locator("[data-stage] [data-readout]")


def window_width(page: Page) -> float:
    return float(readout(page).inner_text().split()[1].replace(",", ""))


@pytest.mark.parametrize("key", ["i", "x", "y", "t", "+", "3", "Shift+ArrowUp", "h", "o"])
def test_each_tool_changes_the_picture_and_reset_undoes_it(open_page, key):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    before = screen(page)
    page.keyboard.press(key)
    expect(page.locator("#live")).not_to_be_empty()
    until(page, lambda: np.abs(screen(page) - before).mean() > 0.2)
    page.keyboard.press("r" if key not in "ho" else key)
    until(page, lambda: np.abs(screen(page) - before).mean() < 0.2)


def test_dragging_changes_the_window_and_a_key_brings_it_back(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    received = readout(page).inner_text()
    drag(page, (0, 0), (120, 60))
    expect(readout(page)).not_to_have_text(received)
    expect(page.locator("[data-preset]")).to_have_value("own")
    page.keyboard.press("1")
    expect(readout(page)).to_have_text(received)


def test_a_narrow_window_shows_more_greys_than_eight_bits_hold(open_page, deep):
    """Sixteen times narrower than 4,096 values, 8-bit pixels could show 17 greys and no more."""
    page = open_page("/")
    open_deep(page, deep)
    for _ in range(55):
        page.keyboard.press("Shift+ArrowRight")
    until(page, lambda: window_width(page) < 256)
    until(page, lambda: len(np.unique(screen(page))) > 100)


def test_a_length_is_in_millimetres_where_the_file_states_them(open_page, deep):
    page = open_page("/")
    open_deep(page, deep)
    page.keyboard.press("l")
    drag(page, (0, 0), (100, 0))
    expect(page.locator("[data-measurements]")).to_contain_text("mm, at the detector")
    expect(page.locator("#live")).to_contain_text("mm, at the detector")
    page.keyboard.press("Delete")
    expect(page.locator("[data-measurements] li")).to_have_count(0)


def test_measured_by_keys_alone_in_pixels_and_said_so(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("does not say how large a pixel is")
    expect(page.locator("[data-measurements] li")).to_have_count(1)


def test_a_prior_moves_along_until_it_is_unlinked(open_page, deep):
    page = open_page("/")
    open_deep(page, deep)
    expect(page.locator("[data-prior]")).to_be_visible()
    page.keyboard.press("s")
    beside = page.locator(".stage.prior [data-readout]")
    expect(beside).to_contain_text("100 %")
    page.keyboard.press("+")
    expect(beside).to_contain_text("125 %")
    page.keyboard.press("k")
    page.keyboard.press("+")
    expect(readout(page)).to_contain_text("156 %")
    expect(beside).to_contain_text("125 %")
    page.keyboard.press("s")
    expect(beside).to_have_count(0)


def test_the_key_tab_leaves_the_stage_and_the_help_names_the_tools(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    page.locator("[data-stage]").focus()
    page.keyboard.press("Tab")
    expect(page.locator("[data-stage]")).not_to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Measure a length")


def test_the_threshold_hides_weak_evidence(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    show_heatmap(page)
    everything = screen(page)
    page.locator("[data-slider=threshold]").fill("60")
    until(page, lambda: np.abs(screen(page) - everything).mean() > 0.2)


def test_without_its_levels_the_plain_picture_stays_with_the_reason(open_page):
    page = open_page("/")
    page.route("**/pixels", lambda route: route.fulfill(status=200, body=""))
    row(page, "bacteria_4875").locator("a.open").click()
    expect(page.locator("[data-note]")).to_contain_text("could not start")
    expect(page.locator("[data-stage] .film")).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator(".heat")).to_be_visible()


def test_actual_pixels_are_the_file_s(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    page.keyboard.press(".")
    expect(page.locator("#live")).to_contain_text("Actual pixels")
    columns = int(page.locator("[data-stage]").get_attribute("data-columns"))
    width = "() => document.querySelector('[data-sheet]').getBoundingClientRect().width"
    page.wait_for_function(f"columns => Math.abs(({width})() - columns) <= 2", arg=columns)


def test_an_enlarged_image_stays_where_it_is_when_the_window_changes(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    for key in ("+", "+", "ArrowRight", "i"):
        page.keyboard.press(key)
    middle = """() => {
        const sheet = document.querySelector("[data-sheet]").getBoundingClientRect();
        const stage = document.querySelector("[data-stage]").getBoundingClientRect();
        return [(stage.x + stage.width / 2 - sheet.x) / sheet.width,
                (stage.y + stage.height / 2 - sheet.y) / sheet.height];
    }"""
    expect(readout(page)).to_contain_text("Inverted")
    stood, said = page.evaluate(middle), readout(page).inner_text()
    page.set_viewport_size({"width": 1100, "height": 700})
    until(page, lambda: page.evaluate(middle) == pytest.approx(stood, abs=0.005))
    page.screenshot(full_page=True)  # several sizes within one frame
    until(page, lambda: page.evaluate(middle) == pytest.approx(stood, abs=0.005))
    expect(readout(page)).to_have_text(said)


def test_the_bar_is_one_stop_of_the_tab_key_and_arrows_go_along_it(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    bar = page.locator("[data-tools]")
    assert bar.locator("button[tabindex='0']").count() == 1
    bar.get_by_role("radio", name="Window").focus()
    page.keyboard.press("ArrowRight")
    expect(bar.get_by_role("radio", name="Move")).to_be_focused()
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.keyboard.press("ArrowRight")
    expect(bar.get_by_role("radio", name="Window")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    more = bar.get_by_role("button", name="More tools")
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(bar.get_by_role("button", name="Turn right")).to_be_visible()


def test_a_late_heatmap_says_that_it_comes(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    held = []
    page.route("**/heatmap.png", lambda route: held.append(route))
    page.keyboard.press("h")
    expect(page.locator("[data-told]")).to_have_text("The heatmap is on its way")
    until(page, lambda: bool(held))
    held.pop().continue_()
    page.locator(".heat").evaluate("e => e.decode()")
    expect(page.locator("[data-told]")).to_be_hidden()


def test_a_heatmap_that_does_not_come_is_off_again_and_can_be_asked_for_once_more(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    page.route("**/heatmap.png", lambda route: route.fulfill(status=200, body="no picture"))
    page.keyboard.press("h")
    expect(page.locator("[data-told]")).to_contain_text("press H to try again")
    expect(page.get_by_role("switch", name="Heatmap")).to_have_attribute("aria-checked", "false")
    page.unroute("**/heatmap.png")
    show_heatmap(page)


def test_a_mark_on_the_prior_is_told_of_and_what_is_measured_there_comes_back(open_page, deep):
    page = open_page("/")
    open_deep(page, deep)
    expect(page.locator("[data-prior]")).to_be_visible()
    page.keyboard.press("+")
    expect(readout(page)).to_contain_text("125 %")
    said = readout(page).inner_text()
    page.keyboard.press("s")
    prior = page.locator(".stage.prior")
    expect(prior.locator("[data-readout]")).to_contain_text("125 %")
    page.keyboard.press("b")
    drag(page, (-40, 0), (0, 40), stage=".stage.prior")
    expect(page.locator("[data-told]")).to_contain_text("the radiograph under review")
    expect(page.locator("[data-drawn] li")).to_have_count(0)
    page.keyboard.press("l")
    drag(page, (-40, 0), (40, 0), stage=".stage.prior")
    rows = page.locator("[data-measurements] li")
    expect(rows).to_have_count(1)
    for shown in (0, 1):
        page.keyboard.press("s")
        expect(rows).to_have_count(shown)
    expect(readout(page)).to_have_text(said)


# WebGL in software, under a name of its own so that the viewer trusts it.
WEBGL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
NAMED_HARDWARE = """
    const made = window.contexts = [];
    const { getContext } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.getContext = function (...asked) {
        const context = getContext.apply(this, asked);
        if (context && /webgl/.test(asked[0])) made.push(context);
        return context;
    };
    const { getParameter } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.getParameter = function (name) {
        const value = getParameter.call(this, name);
        return /swiftshader/i.test(value) ? "Hardware" : value;
    };
"""
LOSE = """
    const alive = contexts.filter(each => !each.isContextLost());
    alive.forEach(each => each.getExtension("WEBGL_lose_context")?.loseContext());
    return alive.length;
"""


@pytest.fixture
def webgl_page(browser: Browser, chromium: Path, server: Server, signed_in) -> Iterator[Page]:
    other = browser.browser_type.launch(executable_path=str(chromium), args=WEBGL)
    page = other.new_page(base_url=server.address, storage_state=signed_in, service_workers="block")
    page.set_default_timeout(PATIENCE)
    page.add_init_script(NAMED_HARDWARE)
    page.goto("/")
    yield page
    other.close()


def test_graphics_that_give_up_leave_the_plain_picture_and_are_not_asked_again(webgl_page):
    page = webgl_page
    open_study(page, "bacteria_4875")
    if page.evaluate(f"() => {{ {LOSE} }}") < 2:
        pytest.skip("this browser has no WebGL, not even in software")
    expect(page.locator("[data-note]")).to_contain_text("The picture is shown as received")
    expect(page.locator("[data-stage] .film")).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator(".heat")).to_be_visible()
    page.reload()
    viewer_ready(page)
    page.keyboard.press("+")
    expect(readout(page)).to_contain_text("125 %")


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_on_a_phone_the_finding_stands_first_and_nothing_is_cut_off(open_page, direction):
    page = open_page("/", width=360, height=740)
    open_study(page, "bacteria_4875")
    page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # As it is read aloud and walked with Tab, so it is seen.
    parts = [
        ".finding .verdict",
        "[data-tools]",
        "[data-stage]",
        ".overlays",
        ".regions",
        "#review",
    ]
    expect(page.locator("#review h3")).to_be_visible()
    boxes = page.evaluate(
        "parts => parts.map(part => document.querySelector(part).getBoundingClientRect().toJSON())",
        parts,
    )
    assert all(upper["y"] + upper["height"] <= lower["y"] + 1 for upper, lower in pairwise(boxes))
    order = "parts => parts.map(part => document.querySelector(part))"
    follows = "(a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING"
    assert page.evaluate(
        f"parts => ({order})(parts).every((each, i, all) => !i || ({follows})(all[i - 1], each))",
        parts,
    )
    bar, stage = boxes[1:3]
    assert bar["height"] <= 56  # one row
    assert stage["y"] + stage["height"] <= 740


def test_on_a_phone_the_other_tools_open_and_make_room_again(open_page):
    page = open_page("/", width=360, height=740)
    open_study(page, "bacteria_4875")
    bar = page.locator("[data-tools]")
    length = bar.get_by_role("radio", name="Length")
    expect(length).to_be_hidden()
    bar.get_by_role("button", name="More tools").click()
    expect(bar.get_by_text("Length", exact=True)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    length.click()
    # The tool in use stays in sight, and the image has its place back.
    expect(length).to_be_visible()
    expect(bar.get_by_role("radio", name="Ellipse")).to_be_hidden()
    expect(page.locator("[data-told]")).to_contain_text("Length: drag from end to end")
    expect(page.locator("[data-stage]")).to_be_focused()
