"""How long a reader waits: from choosing a file to its finding in the row, in a real browser.

    .venv-dev/bin/python tools/upload_time.py [UPLOADS [FILE]]

Starts the server with a folder of its own, uploads one file after the other through the page (the
FILE, a PNG or JPEG, or a sample; each time with a few bytes more behind its end) and prints the
median and the 95th percentile in milliseconds, whole and by request. Needs Chromium (Debian:
chromium).
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from e2e.conftest import ARGUMENTS, Server, until_ready  # noqa: E402
from peers import require_peer  # noqa: E402

SAMPLE = ROOT / "samples" / "normal_NORMAL2-IM-1427-0001.jpg"
REQUESTS = """() => {
    const all = performance.getEntriesByType("resource");
    performance.clearResourceTimings();
    const asked = all.filter((each) => /xmlhttprequest|fetch/.test(each.initiatorType));
    const path = (each) => new URL(each.name).pathname.replace(/[0-9a-f-]{36}/, "…");
    return asked.map((each) => [path(each), each.duration]);
}"""


def sign_in(page: Page, server: Server) -> None:
    page.goto(server.address)
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    page.goto(f"{server.address}/upload/")


# From the page's own clock: a driver outside of it looks late.
WATCH = """() => {
    document.addEventListener("change", () => { window.chosen = performance.now(); }, true);
    new MutationObserver(() => {
        const found = document.querySelectorAll("#rows .finding").length;
        if (found !== window.found) window.shown = performance.now() - window.chosen;
        window.found = found;
    }).observe(document.getElementById("rows"), { childList: true, subtree: true });
}"""


def measure(page: Page, data: bytes, uploads: int) -> dict[str, list[float]]:
    """Milliseconds by step; the first upload warms up and does not count."""
    steps: dict[str, list[float]] = {"choosing to finding": []}
    page.evaluate(WATCH)
    for number in range(uploads + 1):
        name = f"upload-{number}-of-{uploads}.png"
        file = {"name": name, "mimeType": "image/png", "buffer": data + number.to_bytes(4, "big")}
        page.locator("#files").set_input_files(file)
        page.locator("#rows > tr", has_text=name).locator(".finding").wait_for(timeout=120_000)
        requests = page.evaluate(REQUESTS)
        if number == 0:
            continue
        steps["choosing to finding"].append(page.evaluate("window.shown"))
        steps.setdefault("requests", []).append(len(requests))
        for address, duration in requests:
            steps.setdefault(address, []).append(duration)
    return steps


def main(uploads: int, file: Path) -> None:
    chromium = require_peer("chromium", "apt-get install chromium")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        environment = os.environ | {"PNEUMOSCOPE_HOME": home}  # noqa: TID251
        command = [sys.executable, "-m", "pneumoscope.web", "serve", "--port", "0"]
        with subprocess.Popen(  # noqa: S603 - this project's server
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                server = until_ready(process)
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                page = browser.new_page()
                sign_in(page, server)
                steps = measure(page, file.read_bytes(), uploads)
                browser.close()
            finally:
                process.terminate()
                process.wait(30)
    for step, values in steps.items():
        slow = statistics.quantiles(values, n=20, method="inclusive")[-1]
        print(f"{step}: median {statistics.median(values):.0f}, p95 {slow:.0f}, n {len(values)}")  # noqa: T201


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        Path(sys.argv[2]) if len(sys.argv) > 2 else SAMPLE,
    )
