"""Uploads as a reader meets them: dropped, paused, broken off, gone on with, refused in place."""

import io
import re

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Page, Route, expect

from e2e.reading import SAMPLES, row, until
from e2e.test_first_light import drop, radiograph, widths

pytestmark = pytest.mark.e2e


def large_radiograph(turn: int) -> bytes:
    """A sample with noise, so that it has several parts."""
    sample = Picture.open(SAMPLES / "normal_NORMAL2-IM-1427-0001.jpg").convert("L")
    sample = sample.resize((2200, 2000))
    noise = np.random.default_rng(turn).integers(-6, 7, (2000, 2200))
    pixels = np.clip(np.asarray(sample).astype(int) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "TIFF")
    return buffer.getvalue()


def choose(page: Page, name: str, data: bytes) -> None:
    page.locator("#files").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def hold_parts(page: Page, after: int) -> list[Route]:
    """The first `after` parts pass; those that follow wait until the test lets them go."""
    held: list[Route] = []
    passed = 0

    def judge(route: Route) -> None:
        nonlocal passed
        passed += route.request.method == "PATCH"
        if route.request.method == "PATCH" and passed > after:
            held.append(route)
        else:
            route.continue_()

    page.route("**/uploads/*/", judge)
    return held


def test_an_upload_is_paused_and_goes_on(open_page):
    page = open_page("/upload/")
    held = hold_parts(page, after=1)
    choose(page, "pause.tif", large_radiograph(1))
    until(page, lambda: bool(held))
    expect(row(page, "pause.tif")).to_contain_text("of 4.4 MB")
    row(page, "pause.tif").get_by_role("button", name="Pause").click()
    expect(row(page, "pause.tif")).to_contain_text("Paused")
    page.unroute("**/uploads/*/")
    held.clear()
    patched = []
    page.on("request", lambda asked: patched.append(asked) if asked.method == "PATCH" else None)
    row(page, "pause.tif").get_by_role("button", name="Go on").click()
    expect(row(page, "pause.tif").locator(".finding")).to_be_visible()
    assert int(patched[0].headers["upload-offset"]) >= 2**21


def test_an_upload_broken_off_goes_on_when_the_file_is_chosen_again(open_page):
    page = open_page("/upload/")
    data = large_radiograph(2)
    held = hold_parts(page, after=1)
    choose(page, "closed.tif", data)
    until(page, lambda: bool(held))
    page.close()
    page = open_page("/upload/")
    expect(page.locator(".unfinished")).to_contain_text("closed.tif")
    patched = []
    page.on("request", lambda asked: patched.append(asked) if asked.method == "PATCH" else None)
    choose(page, "closed.tif", data)
    expect(row(page, "closed.tif").locator(".finding")).to_be_visible()
    assert int(patched[0].headers["upload-offset"]) >= 2**21
    page.goto("/upload/")
    expect(page.locator(".unfinished")).to_have_count(0)


def test_a_lost_connection_is_said_and_the_file_goes_on_by_itself(open_page):
    page = open_page("/upload/")
    broken = []

    def judge(route: Route) -> None:
        if route.request.method == "PATCH" and not broken:
            broken.append(route)
            route.fulfill(status=503)
        else:
            route.continue_()

    page.route("**/uploads/*/", judge)
    page.evaluate(
        """() => {
            window.said = new Set();
            const note = () => window.said.add(document.getElementById('rows').innerText);
            new MutationObserver(note).observe(document.getElementById('rows'), {
                childList: true, subtree: true, characterData: true});
        }"""
    )
    choose(page, "lost.tif", large_radiograph(3))
    expect(row(page, "lost.tif").locator(".finding")).to_be_visible()
    assert broken
    said = page.evaluate("[...window.said].join()")
    assert "The connection broke off" in said


def test_a_file_chosen_without_a_connection_is_sent_when_there_is_one(open_page):
    page = open_page("/upload/")
    refused = []

    def judge(route: Route) -> None:
        refused.append(route)
        route.fulfill(status=503)

    page.route("**/sha256*", judge)
    choose(page, "ward.png", radiograph(50))
    expect(row(page, "ward.png")).to_contain_text("The connection broke off. 0 kB are safe")
    page.unroute("**/sha256*")
    expect(row(page, "ward.png").locator(".finding")).to_be_visible()
    assert refused


def test_a_cancelled_upload_is_gone_here_and_there(open_page):
    page = open_page("/upload/")
    hold_parts(page, after=1)
    choose(page, "cancel.tif", large_radiograph(4))
    expect(row(page, "cancel.tif")).to_contain_text("of 4.4 MB")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as gone:
        row(page, "cancel.tif").get_by_role("button", name="Cancel").click()
    assert gone.value.status == 204
    expect(row(page, "cancel.tif")).to_have_count(0)
    page.unroute("**/uploads/*/")
    page.goto("/upload/")
    expect(page.locator(".unfinished")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1440])
def test_known_bytes_are_said_to_be_here_and_are_not_sent(open_page, width):
    page = open_page("/upload/", width=width, height=740)
    data = (SAMPLES / "pneumonia_person1946_bacteria_4875.jpg").read_bytes()
    patched = []
    page.on("request", lambda asked: patched.append(asked) if asked.method == "PATCH" else None)
    choose(page, "copy.jpg", data)
    known = page.locator("#rows > tr", has_text="Already here")
    expect(known.get_by_text("Already here")).to_be_visible()
    expect(known.locator("a.open")).to_have_attribute("href", re.compile("/studies/"))
    assert patched == []


def test_refused_files_say_why_in_place(open_page):
    page = open_page("/upload/")
    drop(page, {"<i>empty.png": b"", "note.txt": b"no radiograph", "trick.zip": b"PK\3\4 no"})
    expect(row(page, "empty.png")).to_contain_text("send the file again")
    expect(row(page, "note.txt")).to_contain_text("Unsupported format")
    expect(row(page, "trick.zip")).to_contain_text("Make the archive again")
    expect(page.locator("#rows i")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_does_not_scroll_sideways(open_page, width):
    page = open_page("/upload/", width=width, height=740)
    hold_parts(page, after=0)
    choose(page, "a-very-long-name-of-a-file-from-an-export-of-an-archive.tif", b"II*\0" * 900)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert widths(page)[0] <= width


def test_the_patient_is_folded_on_a_phone_and_a_wrong_value_is_shown(open_page):
    page = open_page("/upload/", width=360, height=740)
    temperature = page.get_by_label("Temperature")
    expect(temperature).to_be_hidden()
    page.get_by_text("Patient, if the file does not say").click()
    temperature.fill("99")
    page.get_by_text("Patient, if the file does not say").click()
    expect(temperature).to_be_hidden()
    choose(page, "patient.tif", b"II*\0" * 900)
    expect(temperature).to_be_focused()
    expect(row(page, "patient.tif")).to_have_count(0)
    assert widths(page)[0] <= 360


def test_the_patient_is_open_where_there_is_room(open_page):
    expect(open_page("/upload/").get_by_label("Temperature")).to_be_visible()


def test_each_of_several_files_is_announced_and_sent_once(open_page):
    page = open_page("/upload/")
    asked = []
    page.on("request", lambda each: asked.append(each.method) if "/uploads/" in each.url else None)
    samples = [radiograph(turn) for turn in range(40, 45)]
    drop(page, {f"ward-{i}.png": data for i, data in enumerate(samples)})
    expect(page.locator("#rows .finding")).to_have_count(5)
    assert sorted(asked) == ["GET"] * 5 + ["PATCH"] * 5 + ["POST"] * 5


def test_what_goes_along_with_each_file_is_said_and_cleared_for_the_next_patient(open_page):
    page = open_page("/upload/")
    along = page.locator("#goes-along")
    expect(along).to_be_hidden()
    page.get_by_label("Age", exact=True).fill("7")
    page.get_by_label("Unit of age").select_option("months")
    page.get_by_label("SpO₂").fill("91")
    page.get_by_label("Fever").check()
    expect(along).to_contain_text("Age 7 months · SpO₂ 91 % · Fever")
    choose(page, "along.png", radiograph(46))
    expect(row(page, "along.png")).to_contain_text("7 months")
    along.get_by_role("button", name="Clear for the next patient").click()
    expect(along).to_be_hidden()
    choose(page, "alone.png", radiograph(47))
    expect(row(page, "alone.png")).to_contain_text("Age and sex unknown")


def test_a_chosen_row_stays_chosen_when_its_result_arrives(open_page):
    page = open_page("/")
    chosen = row(page, "bacteria_4875")
    expect(chosen.locator(".finding")).to_be_visible()
    chosen.locator(".choose").check(force=True)
    # The worker may be faster than the browser: a row that is asked for as if it were pending.
    chosen.evaluate(
        """row => {
            row.dataset.pending = row.id.replace("study-", "") + ".RECEIVED.1.0";
            row.querySelector(".finding").remove();
            htmx.trigger("#poll", "poll");
        }"""
    )
    expect(chosen.locator(".finding")).to_be_visible()
    expect(chosen.locator(".choose")).to_be_checked()
    expect(page.locator("[data-chosen]")).to_have_text("1")


def test_what_another_sends_slides_in_and_moves_no_row_under_the_pointer(open_page):
    page, other = open_page("/"), open_page("/upload/")
    expect(page.locator("[data-pending]")).to_have_count(0)
    third = page.locator("#rows > tr").nth(2)
    key = third.get_attribute("id")
    third.hover()
    stands = page.locator(f"#{key}")
    before = stands.bounding_box()["y"]
    choose(other, "other.png", radiograph(49))
    expect(row(other, "other.png").locator(".finding")).to_be_visible()
    page.evaluate("htmx.trigger('#poll', 'poll')")
    expect(row(page, "other.png")).to_be_visible()
    until(page, lambda: abs(stands.bounding_box()["y"] - before) < 1)
    page.evaluate(
        """() => new Promise(done => {
            const poll = document.getElementById('poll');
            poll.addEventListener('htmx:afterRequest', () => done(), {once: true});
            htmx.trigger(poll, 'poll');
        })"""
    )
    expect(row(page, "other.png")).to_have_count(1)
