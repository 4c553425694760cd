"""What a page costs a slow line the first time: everything it asks for, as it travels."""

import pytest
from playwright.sync_api import Browser, Request

pytestmark = pytest.mark.e2e

MOST = 300_000
PATIENCE = 120_000
# Every page but the study's, which has the viewer.
PAGES = ["/", "/upload/", "/reviews/", "/dashboard/", "/models/", "/outgoing/", "/incoming/"]
PAGES += ["/incoming/rules/", "/audit/", "/people/", "/sites/", "/account/", "/nothing/"]


def transferred(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


@pytest.mark.parametrize("address", ["/login/", *PAGES])
def test_a_page_weighs_less_than_300_kb(browser: Browser, server, signed_in, address):
    context = browser.new_context(
        base_url=server.address,
        storage_state=None if address == "/login/" else signed_in,
        service_workers="block",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))
    page.goto(address, wait_until="networkidle")
    weights = {request.url: transferred(request) for request in finished}
    context.close()
    assert len(weights) > 3
    assert sum(weights.values()) < MOST, weights
