"""What a page costs a slow line the first time: everything it asks for, as it travels."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Request

pytestmark = pytest.mark.e2e

MOST = 300_000
PATIENCE = 120_000
# What a study's page has beside its words.
VIEWER = ("/viewer", "/vendor/", "/pixels", "/radiograph.jpg", "/heatmap.png")
PAGES = ["/", "/upload/", "/reviews/", "/dashboard/", "/models/", "/outgoing/", "/incoming/"]
PAGES += ["/incoming/rules/", "/audit/", "/people/", "/sites/", "/account/", "/nothing/"]


def transferred(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


@pytest.fixture
def weigh(browser: Browser, server) -> Iterator[Callable[[str, object], dict[str, int]]]:
    """Opens an address as one who was never here; gives the bytes of each file that came."""
    with ExitStack() as stack:

        def weigh(address: str, who: object) -> dict[str, int]:
            context = stack.enter_context(
                browser.new_context(
                    base_url=server.address, storage_state=who, service_workers="block"
                )
            )
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            finished: list[Request] = []
            page.on("requestfinished", lambda request: finished.append(request))
            page.goto(address, wait_until="networkidle")
            return {request.url: transferred(request) for request in finished}

        yield weigh


@pytest.mark.parametrize("address", ["/login/", *PAGES])
def test_a_page_weighs_less_than_300_kb(weigh, signed_in, address):
    weights = weigh(address, None if address == "/login/" else signed_in)
    assert len(weights) > 3
    assert sum(weights.values()) < MOST, weights


@pytest.mark.parametrize("below", ["", "report/"])
def test_a_study_does_so_without_its_viewer(weigh, signed_in, open_page, below):
    study = open_page("/").locator("a[href^='/studies/']").first.get_attribute("href")
    weights = weigh(f"{study}{below}", signed_in)
    beside = {url: size for url, size in weights.items() if not any(v in url for v in VIEWER)}
    assert sum(beside.values()) < MOST, beside
