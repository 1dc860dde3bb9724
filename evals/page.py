"""How fast the page is, in Chromium: until it can be used, and until an answer's first words.

    python -m evals.page [--passages 10000] [--questions 20] [--loads 5] [--index DIR]

A real server (`assistant serve`) in a process of its own, and Debian's Chromium. All times are the
browser's own (`performance.now`): for a load since the navigation began, for an answer since the
Enter key went down, until the frame with its first words was made. The texts are generated
(`evals.generated`); of `--index`, a built index, a copy is used. The targets are for two cores and
nothing else running, for the server and the browser together; the load is printed.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from evals.server import copied, questions, served
from evals.speed import load

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SCREEN = {"width": 1280, "height": 800}
WAIT_MS = 60_000
SETTLED_MS = 500  # after which what the page asks for once it can be used has come, too

# Both run before the page's own scripts. The page says itself when it listens to keys and shows
# its first screen.
WATCH_LOADING = """
    const seen = window.seen = {};
    new MutationObserver(() => {
        if (!seen.box && document.querySelector("#question")) seen.box = performance.now();
        if (!seen.ready && document.querySelector("[data-ready]")) seen.ready = performance.now();
    }).observe(document, {subtree: true, childList: true, attributeFilter: ["data-ready"]});
"""
WATCH_ASKING = """
    document.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        const asked = window.asked = {pressed: event.timeStamp};
        const before = document.querySelectorAll(".turn").length;
        const observer = new MutationObserver(() => {
            const turns = document.querySelectorAll(".turn");
            const text = turns[before]?.querySelector(".answer .text");
            if (!text?.textContent.trim()) return;
            observer.disconnect();
            asked.written = performance.now();
            requestAnimationFrame(() => setTimeout(() => { asked.shown = performance.now(); }));
        });
        observer.observe(document, {subtree: true, childList: true, characterData: true});
    }, true);
"""
LOADED = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const files = performance.getEntriesByType("resource");
    const ends = files.filter(({name}) => name.endsWith(".js")).map((file) => file.responseEnd);
    return {
        "first byte": page.responseStart,
        "DOM": page.domContentLoadedEventEnd,
        "first paint": performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
        "last script": Math.max(...ends),
        "question box": seen.box,
        "usable": seen.ready,
        "requests": files.length + 1,
        "bytes": [page, ...files].reduce((sum, file) => sum + file.transferSize, 0),
    };
}"""
ASKED = """() => {
    const since = asked.pressed, {written, shown} = asked;
    const sent = performance.getEntriesByType("resource").filter((entry) =>
        entry.startTime >= since && entry.name.includes("/gradio_api/queue/"));
    const [join] = sent;
    return {
        "request sent": (join?.startTime ?? NaN) - since,
        "request taken": (join?.responseEnd ?? NaN) - since,
        "words in the page": written - since,
        "words shown": shown - since,
    };
}"""

Measured = dict[str, float]


def opened(playwright: Playwright) -> Browser:
    """A browser with an empty profile."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))


def ready(page: Page) -> None:
    """Wait until the page can be used."""
    page.wait_for_function("window.seen?.ready", timeout=WAIT_MS)


def loads(playwright: Playwright, url: str, options: argparse.Namespace) -> Iterator[str]:
    """How long the page takes to be usable, in a new browser each time, and when it is known."""
    yield f"loading: {options.loads} new browsers, each loads twice; {load()}"
    first: list[Measured] = []
    again: list[Measured] = []
    for _ in range(options.loads):
        browser = opened(playwright)
        page = browser.new_page(viewport=SCREEN)  # type: ignore[arg-type]
        page.add_init_script(WATCH_LOADING)
        page.goto(url)
        ready(page)
        page.wait_for_timeout(SETTLED_MS)
        first.append(page.evaluate(LOADED))
        page.reload()
        ready(page)
        page.wait_for_timeout(SETTLED_MS)
        again.append(page.evaluate(LOADED))
        browser.close()
    for name, measured in (("first load", first), ("again", again)):
        yield f"  {name}: {parts(measured, without=('requests', 'bytes'))}"
        count, size = (statistics.median(m[key] for m in measured) for key in ("requests", "bytes"))
        slowest = max(m["usable"] for m in measured)
        yield f"    {count:.0f} requests, {size / 1000:.0f} kB; slowest {slowest:.0f} ms"
    yield f"  target: usable within 2,000 ms; {load()}"


def asking(playwright: Playwright, url: str, options: argparse.Namespace) -> Iterator[str]:
    """How long until the first words of answers are seen, in one conversation."""
    browser = opened(playwright)
    page = browser.new_page(viewport=SCREEN)  # type: ignore[arg-type]
    page.add_init_script(WATCH_LOADING + WATCH_ASKING)
    page.goto(url)
    ready(page)
    plain = (question["question"] for question in questions(5) if "history" not in question)
    asked = [ask(page, question) for question in islice(plain, 1 + options.questions)][1:]
    refused = page.locator(".turn .answer.refusal").count()
    browser.close()
    taken = sorted(one["words shown"] for one in asked)
    yield f"answers: {len(asked)} questions after one, {refused} refusals; {load()}"
    yield f"  from Enter: {parts(asked)}"
    p50, p95 = statistics.median(taken), taken[(95 * len(taken) - 1) // 100]
    yield f"  p50 {p50:.0f} ms   p95 {p95:.0f} ms   max {taken[-1]:.0f} ms (target 300 ms)"


def ask(page: Page, question: str) -> Measured:
    """Ask as a person does, and wait for the end of the answer."""
    before = page.locator(".turn").count()
    page.evaluate("performance.clearResourceTimings()")
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_function("window.asked?.shown", timeout=WAIT_MS)
    measured: Measured = page.evaluate(ASKED)
    page.locator(".turn[data-kept]").nth(before).wait_for(timeout=WAIT_MS)
    return measured


def parts(measured: Sequence[Measured], *, without: Sequence[str] = ()) -> str:
    """The medians of what was measured, in milliseconds."""
    values: dict[str, Any] = {
        name: statistics.median(one[name] for one in measured)
        for name in measured[0]
        if name not in without
    }
    return ", ".join(f"{name} {value:.0f}" for name, value in values.items()) + " ms"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--index", type=Path, help="a built index, in place of generated texts")
    options = parser.parse_args()
    with (
        copied(options.index, passages=options.passages) as index,
        served(index) as server,
        sync_playwright() as playwright,
    ):
        for measurement in (loads, asking):
            for line in measurement(playwright, server.url, options):
                print(line, flush=True)


if __name__ == "__main__":
    main()
