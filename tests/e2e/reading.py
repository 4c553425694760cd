"""What the tests of the reading room share: a reader's steps, each waiting for what it brought."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from e2e.conftest import PATIENCE

SAMPLES = Path(__file__).parents[2] / "samples"


def until(page: Page, true: Callable[[], bool]) -> None:
    """For what is seen from outside the page: pixels, boxes, requests held."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        page.wait_for_timeout(100)


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows > tr", has_text=name)


def open_study(page: Page, name: str) -> None:
    """The newest whose row names `name`, from the worklist, once it has been read."""
    study = row(page, name).first
    expect(study.locator(".finding")).to_be_visible()
    study.locator("a.open").click()
    viewer_ready(page)


def viewer_ready(page: Page) -> None:
    """Keys and pointers are answered by scripts; until all are there they are lost."""
    expect(page.locator("[data-viewer=ready]")).to_be_visible()
    page.wait_for_load_state()


def show_heatmap(page: Page) -> None:
    page.keyboard.press("h")
    expect(page.locator(".heat")).to_be_visible()
    page.locator(".heat").evaluate("e => e.decode()")  # fails when the picture does not load


def drag(page: Page, *path: tuple[int, int], stage: str = "[data-stage]") -> tuple[float, float]:
    """From point to point of the stage, measured from its middle, which is returned."""
    box = page.locator(stage).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + path[0][0], y + path[0][1])
    page.mouse.down()
    for right, down in path[1:]:
        page.mouse.move(x + right, y + down, steps=5)
    page.mouse.up()
    return x, y


def read_blind(page: Page, blind: bool) -> None:
    """From now on at the site."""
    page.goto("/sites/main/")
    page.get_by_label("Blinded reading").set_checked(blind)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/sites/")
