"""Whatever people do on the page, neither their browser nor the server asks anything elsewhere.

Three records of one visit: every request of the pages, as the browser tells of it; all that the
browser's network did, by its own log; and every attempt of a Python process to reach an address or
to look up a name (`test_network`). Where the system allows it, all of it runs in a network of its
own that has only the loopback, and in which the kernel counts what had nowhere to go.
"""

import fcntl
import json
import shutil
import socket
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from browser import launched, logged, outside, served, watched
from playwright.sync_api import BrowserContext, Page, sync_playwright
from test_network import isolated, run_guarded

from assistant import Assistant
from assistant.bundled import shipped

CHILD = f"""
import json, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_browser_network
name, *paths = sys.argv[1:]
print(json.dumps(getattr(test_browser_network, name)(*map(test_browser_network.Path, paths))))
"""
UPLOADED = """\
The lighthouse of Farol was built in 1873. ![plan](https://example.org/plan.png)
Its keeper wrote: <img src="https://example.net/keeper.png"> <script src="//example.com/x.js">
</script> and <a href="https://example.org/">more about the lighthouse of Farol</a>.
"""
ADDED = "The harbour of Farol was dug in 1901 by two brothers.\n"
LEAKING = b"""<img src="http://outside.example/x.png">
<script>new WebSocket("ws://192.0.2.1/z")</script>"""
WAIT_MS = 30_000


def only_loopback() -> None:
    """Make the loopback of a network of one's own work; elsewhere nothing changes."""
    request = struct.pack("16sh22x", b"lo", 0x49)  # up, loopback, running
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
        # Without it, the browser does not look for a way out over version 6, which would count.
        Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
    except OSError:
        pass  # not ours to change


def recorded(folder: Path, visit: Callable[[BrowserContext], Any]) -> dict[str, Any]:
    """What a browser asked for during a visit."""
    log = folder / "chromium.json"
    with sync_playwright() as playwright:
        browser = launched(playwright, log=log)
        context = browser.new_context(accept_downloads=True)
        asked = watched(context)
        seen = visit(context)
        browser.close()
    events, told = logged(log)
    return {"seen": seen, "asked": asked, "events": events, "logged": told}


# The visit.


def visit_all(folder: Path) -> dict[str, Any]:
    only_loopback()
    with served(folder / "index") as url:
        return recorded(folder, lambda context: _visit(context.new_page(), url, folder))


def _visit(page: Page, url: str, folder: Path) -> dict[str, Any]:
    """Everything that the page is for; what was seen."""
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    page.locator("[data-ready]").wait_for(state="attached")
    seen: dict[str, Any] = {}
    _ask(page, "In which month did the Syrian government fall?")
    _ask(page, "Why?")
    seen["searched"] = page.locator(".searched").count()

    page.locator(".turn").first.locator(".cite").first.click()
    page.locator("#sources .source.open").wait_for()
    page.locator("#sources [data-do=view][data-citation*='background.pdf']").first.click()
    picture = page.locator("#viewer img").first
    picture.wait_for()
    seen["page"] = picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
    page.keyboard.press("Escape")

    page.locator(".bar [data-do=documents]").click()
    page.locator(".documents-list").get_by_text("background.pdf").first.wait_for()
    (folder / "lighthouse.md").write_text(UPLOADED, encoding="utf-8")
    page.locator("input[type=file]").set_input_files(folder / "lighthouse.md")
    page.get_by_text("1 document is ready").wait_for()
    page.locator("[data-act=plan]").first.click()
    page.locator("[data-act=go]").click()
    page.get_by_text("The folder is synced").wait_for()

    page.locator("[data-do=ask-view]").click()
    seen["uploaded"] = _ask(page, "When was the lighthouse of Farol built?")
    page.locator(".turn").last.locator(".cite").first.click()
    page.locator("#sources .source [data-do=view]").first.click()
    page.locator("#viewer mark").first.wait_for()
    page.keyboard.press("Escape")
    seen["synced"] = _ask(page, "Who dug the harbour of Farol?")
    _ask(page, "What does a pound of apples cost in Lisbon?")
    seen["refusals"] = page.locator(".turn").last.locator(".refusal").count()

    with page.expect_download() as download:
        page.locator("[data-do=export]").click()
    seen["exported"] = Path(download.value.path()).read_text(encoding="utf-8")
    page.reload()
    page.locator("[data-ready]").wait_for(state="attached")
    seen["turns"] = page.locator(".turn").count()
    page.locator(".theme").click()
    page.locator("body.dark").wait_for()
    return seen


def _ask(page: Page, question: str) -> str:
    """Ask, and read the answer."""
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")
    turn = page.locator(".turn[data-kept]", has_text=question).last
    turn.wait_for()
    return turn.locator(".answer .text").inner_text()


def test_nothing_leaves_the_machine(seeds_index: Path, tmp_path: Path) -> None:
    shutil.copytree(seeds_index, tmp_path / "index")
    shutil.copytree(shipped("seeds"), tmp_path / "corpus")
    with Assistant.open(tmp_path / "index") as assistant:
        assistant.sync(tmp_path / "corpus", rebuild=True)
    (tmp_path / "corpus" / "harbour.txt").write_text(ADDED, encoding="utf-8")
    done, attempts = run_guarded(
        CHILD, "visit_all", str(tmp_path), folder=tmp_path, without_network=True
    )
    assert attempts == ""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["logged"] == []
    assert [address for address in found["asked"] if outside(address)] == []
    # Else there was nothing to record.
    assert found["events"] > 500
    assert any("/gradio_api/queue/join" in address for address in found["asked"])
    seen = found["seen"]
    assert seen["page"] > 500
    assert "1873" in seen["uploaded"]
    assert "1901" in seen["synced"]
    assert (seen["refusals"], seen["turns"], seen["searched"]) == (1, 5, 1)
    assert "1873" in seen["exported"]


# That the records would show it.


class _Leak(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(LEAKING)

    def log_message(self, *_: object) -> None:
        pass


def visit_leaking(folder: Path) -> dict[str, Any]:
    only_loopback()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Leak) as server:
        Thread(target=server.serve_forever, daemon=True).start()

        def visit(context: BrowserContext) -> None:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="domcontentloaded")
            page.wait_for_timeout(500)

        try:
            return recorded(folder, visit)
        finally:
            server.shutdown()


def test_the_records_show_a_page_that_leaks(tmp_path: Path) -> None:
    done, _ = run_guarded(
        CHILD, "visit_leaking", str(tmp_path), folder=tmp_path, without_network=True
    )
    assert done.returncode == (3 if isolated() else 0), done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    leaks = sorted(address for address in found["asked"] if outside(address))
    assert leaks == ["http://outside.example/x.png", "ws://192.0.2.1/z"]
    # What no request tells: the name that is looked up, where the socket connects to.
    for told in ("hostname outside.example", "address 192.0.2.1:80"):
        assert told in found["logged"]


@pytest.mark.parametrize(
    ("address", "is_outside"),
    [
        ("http://127.0.0.1:7860/x", False),
        ("ws://localhost:1/x", False),
        ("[::1]:80", False),
        ("::1", False),
        ("data:image/png;base64,AAAA", False),
        ("blob:http://127.0.0.1/1", False),
        ("http://127.0.0.1.example.org/", True),
        ("http://127.0.0.1@example.org/", True),
        ("example.org:443", True),
        ("[2001:db8::1]:443", True),
        ("0x7f.1", True),
    ],
)
def test_what_counts_as_outside(address: str, *, is_outside: bool) -> None:
    assert outside(address) == is_outside
