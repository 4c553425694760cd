"""A real browser, the real server with its own home on a free port, the model that ships."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from peers import require_peer

# A slow machine is no failure: how long to wait for what must come.
PATIENCE = 120_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Server:
    home: Path
    address: str
    password: str


@pytest.fixture(scope="session")
def chromium() -> Path:
    return require_peer("chromium", "apt-get install chromium")


@pytest.fixture(scope="session")
def server(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`serve` on a port the system chooses; everything it says until it is ready is read."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "pneumoscope.web", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield until_ready(process, home)
        finally:
            process.terminate()
            process.wait(30)


def environment(home: Path) -> dict[str, str]:
    """Ours, with nothing set but the home of an installation."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PNEUMOSCOPE_")}  # noqa: TID251
    return ours | {"PNEUMOSCOPE_HOME": str(home)}


def until_ready(process: "subprocess.Popen[str]", home: Path) -> Server:
    said = ""
    for line in process.stdout:
        said += line
        ready = re.search(r"ready: (http://\S+)/", said)
        if ready:
            return Server(home, ready[1], re.search(r"password “([^”]+)”", said)[1])
    raise RuntimeError(f"the server ended before it was ready: {said}")


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, server: Server) -> dict[str, object]:
    """Cookies of the first administrator, signed in through the page."""
    context = browser.new_context(base_url=server.address)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def open_page(
    browser: Browser, server: Server, signed_in: dict[str, object]
) -> Iterator[Callable[..., Page]]:
    """open_page("/", width=360): a signed-in page; what its console complains of fails the test.

    Without the service worker, which `test_installed` sees to: while it takes a page over, a
    request can slip past `page.route`.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A refusal is an answer, which the page shows; the browser still complains of it.
        known = re.search(
            r"status of (400|401|409|413|503)|Service Worker registration blocked", message.text
        )
        if message.type in {"error", "warning"} and not known:
            complaints.append(message.text)

    def make(path: str, *, width: int = 1440, height: int = 900, **options: object) -> Page:
        context = browser.new_context(
            base_url=server.address,
            storage_state=signed_in,
            viewport={"width": width, "height": height},
            service_workers="block",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []
