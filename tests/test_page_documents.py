"""The Documents part of the page and the viewer, in a real Chromium on the real server."""

import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from browser import launched
from llama_index.core.base.embeddings.base import BaseEmbedding
from playwright.sync_api import Browser, Page, expect, sync_playwright
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from serving import serving

from assistant import Assistant
from assistant.answering import Answer, Citation
from assistant.catalog import Calibration, WriteLock, open_catalog
from assistant.documents import Document
from assistant.server.access import Access
from assistant.server.app import create_app
from assistant.server.page.listing import ROWS, Library, View, listing, toggled, within_label
from assistant.server.page.notices import summary
from assistant.server.page.shown import shown_name
from assistant.server.page.viewer import source_view

BRIDGE = "The bridge of Sollen was opened in 1931 and carries two railway tracks."
FERRY = "The ferry of Sollen was sold to Norway in 1974 for three million kroner."
MILL = "The mill of Brask grinds forty tonnes of rye in a week."
HOSTILE = '<img src=x onerror="window.hacked=1">\u202egnp.txt'
QUESTION = "When was the bridge of Sollen opened?"
LINE = (72.0, 500.0, 14.0)  # where the bridge's sentence is in the PDF: left, baseline, size
# Gradio's own use of pandas, where its queue runs.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


@dataclass(frozen=True)
class Place:
    """A server with a browser, a folder of documents, and who answers from them."""

    url: str
    folder: Path
    assistant: Assistant
    browser: Browser

    @contextmanager
    def page(self, *, width: int = 1200, dark: bool = False) -> Iterator[Page]:
        """The page in a browser profile of its own, at the documents."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(self.url)
        page.locator("[data-ready]").wait_for(state="attached")
        page.locator(".bar [data-do=documents]").click()
        page.locator(".documents-row").first.wait_for()
        yield page
        assert page.evaluate("window.hacked") is None
        assert errors == []
        context.close()

    def sources(self) -> set[str]:
        return {document.source for document in self.assistant.status().documents}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("page")
    folder = root / "corpus"
    write_corpus(folder)
    with Assistant.open(root / "index") as assistant, sync_playwright() as playwright:
        assert assistant.sync(folder).added == 6
        assistant.add(
            Document.from_text(f"Hut {number} of the coast.", source=f"huts/{number:03}.txt")
            for number in range(ROWS + 20)
        )
        with serving(create_app(assistant, access=Access.open())) as url:
            browser = launched(playwright)
            yield Place(url, folder, assistant, browser)
            browser.close()


def write_corpus(folder: Path) -> None:
    folder.mkdir()
    (folder / "mill.txt").write_text(f"{MILL}\n")
    (folder / "removed.md").write_text("# Gone soon\n\nThe kiosk of Brask sells tea.\n")
    (folder / "notes").mkdir()
    (folder / "notes" / "ferry.md").write_text(
        f"# The ferry\n\nA long story.\n\n## The sale\n\n{FERRY} Nobody was asked.\n"
    )
    (folder / "people.csv").write_text("Name,Office\nAda Holm,Mayor of Brask\nBo Lind,Miller\n")
    (folder / "empty.txt").write_text("  \n")
    shutil.copy(Path("seeds/people-and-channels.xlsx"), folder / "people.xlsx")
    canvas = Canvas(str(folder / "bridge.pdf"), pagesize=A4)
    canvas.setTitle("The bridge")
    left, baseline, size = LINE
    for number, text in enumerate(("A page before it.", BRIDGE, "A page after it.")):
        canvas.setFont("Helvetica", size)
        canvas.drawString(left, baseline, text)
        canvas.drawString(left, baseline - 200, f"This is sheet {number + 1} of the bridge's book.")
        canvas.showPage()
    canvas.save()


def search(page: Page, query: str, *, rows: int) -> None:
    page.get_by_role("searchbox", name="Search documents").fill(query)
    expect(page.locator(".documents-row")).to_have_count(rows)


def ask(page: Page, question: str) -> None:
    page.locator("[data-do=ask-view]").click()
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".turn").last.locator(".tools").wait_for(state="attached")


def citation_of(assistant: Assistant, question: str, source: str) -> Citation:
    answer = assistant.ask(question, within=[source])
    assert isinstance(answer, Answer)
    assert answer.citations, answer.text
    return answer.citations[0]


# The list.


def test_the_list_says_what_is_indexed_and_what_failed(place: Place) -> None:
    with place.page() as page:
        counts = place.assistant.status().counts
        summary = page.locator(".documents-summary").first
        expect(summary).to_contain_text(f"{counts.documents} documents")
        expect(summary).to_contain_text(f"{counts.passages} passages")
        expect(summary).to_contain_text("Synced")
        summary.get_by_text("1 file could not be read").click()
        expect(summary).to_contain_text("empty.txt")
        expect(summary).to_contain_text("It holds no text. Leave it out, or give it some text.")
        row = page.locator(".documents-row", has_text="bridge.pdf")
        for part in ("The bridge", "bridge.pdf", "pdf", "passage", "20"):
            expect(row).to_contain_text(part)


def test_search_filters_and_pages(place: Place) -> None:
    with place.page() as page:
        rows = page.locator(".documents-row")
        expect(rows).to_have_count(ROWS)
        total = len(place.sources())
        expect(page.locator(".documents-pager")).to_contain_text(f"1–{ROWS} of {total}")
        page.get_by_role("button", name="Next").click()
        expect(rows).to_have_count(total - ROWS)
        search(page, "f", rows=2)  # the very first letter counts: ferry.md and bridge.pdf
        search(page, "BRIDGE pdf", rows=1)
        page.get_by_role("searchbox").fill("<b>nothing</b>")
        expect(page.locator(".documents-none")).to_contain_text("No document matches “<b>nothing")
        page.get_by_role("button", name="Show all documents").click()
        expect(rows).to_have_count(ROWS)
        expect(page.get_by_role("searchbox")).to_have_value("")
        page.get_by_role("button", name="notes/").click()
        expect(rows).to_have_count(1)
        page.get_by_role("button", name="All folders").click()
        page.get_by_role("button", name=re.compile("^XLSX")).click()
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("people.xlsx")


def test_the_keyboard_ticks_and_keeps_its_place(place: Place) -> None:
    with place.page() as page:
        search(page, "mill.txt", rows=1)
        tick = page.get_by_role("checkbox").first
        tick.focus()
        page.keyboard.press("Space")
        expect(page.locator(".documents-choice")).to_contain_text("Asking within 1 document.")
        expect(tick).to_have_attribute("aria-checked", "true")
        assert tick.evaluate("one => one === document.activeElement")
        search(page, "removed.md", rows=1)  # the same row, now of another document
        expect(page.get_by_role("checkbox").first).to_have_attribute("aria-checked", "false")
        page.get_by_role("button", name="Sync folder").focus()
        page.keyboard.press("Enter")
        page.locator(".documents-panel:focus").wait_for()
        page.get_by_role("button", name="Cancel").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".documents-panel")).to_have_count(0)
        focused = page.evaluate("document.activeElement.textContent")
        assert focused.startswith("Sync folder")


def test_questions_are_put_to_the_chosen_documents(place: Place) -> None:
    with place.page() as page:
        search(page, "mill.txt", rows=1)
        page.get_by_role("checkbox").first.click()
        expect(page.locator(".documents-choice")).to_contain_text("mill")
        ask(page, QUESTION)
        expect(page.locator(".within")).to_contain_text("1 document")
        assert "bridge.pdf" not in page.locator(".turn").last.inner_html()
        page.locator(".bar [data-do=documents]").click()
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".documents-choice")).to_be_hidden()
        page.get_by_role("searchbox").fill("")
        page.locator('[data-act="folder"]', has_text="huts/").click()
        page.get_by_role("button", name="Ask within these").click()
        expect(page.locator(".documents-choice")).to_contain_text("the folder huts/")
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".documents-choice")).to_be_hidden()
        ask(page, QUESTION)
        expect(page.locator(".within")).to_be_hidden()
        expect(page.locator(".turn").last).to_contain_text("1931")


# Adding and removing.


def test_files_are_added_and_each_failure_is_named(place: Place, tmp_path: Path) -> None:
    (tmp_path / "lamp.md").write_text("# The lamp\n\nThe lamp of Brask burns whale oil.\n")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    with place.page() as page:
        names = ("lamp.md", "broken.pdf", "film.mp4")
        page.locator("input[type=file]").set_input_files([tmp_path / name for name in names])
        told = page.locator(".documents-panel")
        expect(told).to_contain_text("1 document is ready")
        expect(told).to_contain_text("2 files could not be read")
        for part in ("broken.pdf", "damaged or incomplete", "film.mp4", ".mp4 files are not read"):
            expect(told).to_contain_text(part)
        expect(told).not_to_contain_text("uploads/")
        search(page, "lamp", rows=1)
        assert "uploads/lamp.md" in place.sources()
        told.get_by_role("button", name="Close").click()
        expect(told).to_have_count(0)


def test_hostile_names_are_dropped_and_only_names(place: Place) -> None:
    with place.page() as page:
        drop = page.evaluate_handle(
            """(names) => {
                const data = new DataTransfer();
                for (const name of names) data.items.add(new File(["The owl of Brask."], name));
                return data;
            }""",
            [HOSTILE, "long" * 125 + ".txt"],
        )
        zone = page.locator(".documents-drop button").first
        for event in ("dragenter", "dragover", "drop"):
            zone.dispatch_event(event, {"dataTransfer": drop})
        expect(page.locator(".documents-panel")).to_contain_text("2 documents are ready")
        search(page, "uploads/ txt", rows=2)
        for row in page.locator(".documents-row").all():
            assert row.locator("img").count() == 0
            assert "\u202e" not in row.inner_text()
            assert row.evaluate("one => one.scrollWidth <= one.clientWidth")
        assert "onerror" in page.locator(".documents-rows").inner_text()
        # They can be taken away again, one by one, after a question.
        for left in (1, 0):
            page.get_by_role("button", name=re.compile("^Remove ")).first.click()
            page.locator(".documents-panel:focus").wait_for()
            page.locator("[data-act=go]").click()
            expect(page.locator(".documents-panel").first).to_contain_text("1 document taken out")
            expect(page.locator(".documents-row")).to_have_count(left)
        assert not any("owl" in source or "long" in source for source in place.sources())


def test_files_of_the_folder_are_removed_in_the_folder(place: Place) -> None:
    with place.page() as page:
        search(page, "mill.txt", rows=1)
        assert page.locator(".documents-remove").count() == 0
        page.get_by_role("checkbox").first.click()
        page.get_by_role("button", name="Remove…").click()
        expect(page.locator(".documents-panel")).to_contain_text("Delete in the folder")
        assert page.locator("[data-act=go]").count() == 0


# Syncing.


def test_a_sync_shows_its_plan_first(place: Place) -> None:
    (place.folder / "added.txt").write_text("The tower of Brask leans to the west.\n")
    (place.folder / "mill.txt").write_text(f"{MILL} It is closed on Sundays.\n")
    (place.folder / "removed.md").unlink()
    before = place.sources()
    with place.page() as page:
        page.get_by_role("button", name="Sync folder").click()
        plan = page.locator(".documents-panel")
        for label, name in (
            ("2 to add", "added.txt"),  # and the empty one, which is tried again
            ("1 to change", "mill.txt"),
            ("1 to remove", "removed.md"),
        ):
            expect(plan.locator("details", has_text=label)).to_contain_text(name)
        assert place.sources() == before
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator(".documents-panel")).to_contain_text("The folder is synced")
        expect(page.locator(".documents-panel")).to_contain_text("1 added, 1 changed, 1 removed")
        expect(page.locator(".documents-panel")).to_contain_text("empty.txt")
    assert place.sources() == (before | {"added.txt"}) - {"removed.md"}


def test_a_locked_index_is_told_and_the_page_goes_on(place: Place) -> None:
    (place.folder / "later.txt").write_text("The well of Brask is deep.\n")
    with place.page() as page:
        page.get_by_role("button", name="Sync folder").click()
        page.get_by_role("button", name="Sync now").wait_for()
        with WriteLock(place.assistant.status().index, purpose="a test"):
            page.get_by_role("button", name="Sync now").click()
            told = page.locator(".documents-panel-error")
            expect(told).to_contain_text("The sync did not finish")
            expect(told).to_contain_text("is being written to by")
        search(page, "mill.txt", rows=1)
        page.get_by_role("button", name="Sync folder").click()
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator(".documents-panel")).to_contain_text("1 added")


def test_a_suddenly_empty_folder_asks_for_a_tick(place: Place) -> None:
    before, away = place.sources(), place.folder.with_name("away")
    place.folder.rename(away)
    try:
        with place.page() as page:
            page.get_by_role("button", name="Sync folder").click()
            told = page.locator(".documents-panel-error")
            expect(told).to_contain_text("cannot be read")  # there is no such folder
            assert told.get_by_role("checkbox").count() == 0
            place.folder.mkdir()
            page.get_by_role("button", name="Sync folder").click()
            expect(told).to_contain_text("The folder is empty")
            empty = page.get_by_role("button", name="Empty the index")
            expect(empty).to_be_disabled()
            told.get_by_role("checkbox").click()
            expect(empty).to_be_enabled()
            page.get_by_role("button", name="Cancel").click()
            expect(told).to_have_count(0)
    finally:
        if place.folder.exists():
            place.folder.rmdir()
        away.rename(place.folder)
    assert place.sources() == before


def test_what_a_sync_lost_is_told(place: Place, tmp_path: Path) -> None:
    """Another embedding model takes over an index that is empty; it has its calibration still."""
    folder, index = tmp_path / "corpus", tmp_path / "index"
    folder.mkdir()
    (folder / "mill.txt").write_text(f"{MILL}\n")
    with Assistant.open(index) as assistant:
        assistant.sync(folder)
        (folder / "mill.txt").unlink()
        assistant.sync(folder, allow_empty=True)
    fitted = Calibration("as it is", 0.5, (), "m", 9, 3, "h", "2026-01-01T00:00:00Z", 0.1, {})
    with open_catalog(index) as catalog, catalog.transaction() as transaction:
        transaction.calibrate(fitted)
    (folder / "mill.txt").write_text(f"{MILL}\n")
    with (
        Assistant.open(index, embedding=Lengths()) as assistant,
        serving(create_app(assistant, access=Access.open())) as url,
        place.browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(url)
        page.locator("[data-ready]").wait_for(state="attached")
        page.locator(".bar [data-do=documents]").click()
        page.get_by_role("button", name="Sync folder").click()
        page.get_by_role("button", name="Sync now").click()
        told = page.locator(".documents-panel-warning")
        expect(told).to_contain_text("The folder is synced")
        expect(told).to_contain_text("Note: the calibration was dropped")
        page.get_by_role("button", name="Close").click()
        (folder / "ferry.txt").write_text(f"{FERRY}\n")
        page.get_by_role("button", name="Sync folder").click()
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator(".documents-panel-done")).to_contain_text("1 added")
        assert "calibration" not in page.locator(".documents-panel").inner_text()


class Lengths(BaseEmbedding):
    """A real model that is not the embedded one: how long the text is, and its words are."""

    def _get_text_embedding(self, text: str) -> list[float]:
        letters, words = len(text), len(text.split())
        norm = math.hypot(letters, words, 1)
        return [letters / norm, words / norm, 1 / norm]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


# The viewer.


def test_a_pdf_opens_at_its_page_with_the_words_marked(place: Place, tmp_path: Path) -> None:
    with place.page() as page:
        ask(page, QUESTION)
        page.locator(".turn").last.locator(".cite").first.click()
        view = page.locator("#sources [data-do=view]").first
        view.click()
        viewer = page.locator("#viewer .viewer")
        expect(viewer).to_contain_text("The bridge")
        expect(viewer).to_contain_text("Page 2 of 3")
        image = viewer.locator("img")
        assert image.evaluate("one => one.decode().then(() => one.naturalWidth)") >= 1000
        mark = viewer.locator(".viewer-mark").first
        expect(mark).to_be_in_viewport()
        shown, boxed = mark.bounding_box(), image.bounding_box()
        assert shown is not None
        assert boxed is not None
        left, baseline, size = LINE
        top = (shown["y"] - boxed["y"]) / boxed["height"]
        bottom = top + shown["height"] / boxed["height"]
        assert (shown["x"] - boxed["x"]) / boxed["width"] == pytest.approx(left / A4[0], abs=0.01)
        assert top == pytest.approx(1 - (baseline + size) / A4[1], abs=0.015)
        assert top < 1 - baseline / A4[1] <= bottom + 0.005
        page.screenshot(path=tmp_path / "pdf.png")
        viewer.get_by_role("button", name="Next page").click()
        expect(viewer).to_contain_text("Page 3 of 3")
        expect(viewer).to_contain_text("The cited words are on another page")
        expect(viewer.get_by_role("button", name="Next page")).to_be_disabled()
        viewer.get_by_text("200 %").click()
        viewer.get_by_role("button", name="Back to the cited page").click()
        expect(mark).to_be_in_viewport()
        width = viewer.locator(".viewer-sheet").bounding_box()
        assert width is not None
        assert width["width"] > 1.9 * boxed["width"]  # the zoom stays
        viewer.get_by_text("Text", exact=True).click()
        expect(viewer.locator(".viewer-quote").first).to_be_in_viewport()
        expect(viewer.locator(".viewer-quote").first).to_contain_text("The bridge of Sollen")
        page.keyboard.press("Escape")
        expect(viewer).to_be_hidden()
        assert view.evaluate("one => one === document.activeElement")


def test_text_is_shown_with_what_stands_around_it(place: Place) -> None:
    found = citation_of(place.assistant, "For how much was the ferry sold?", "notes/ferry.md")
    html = source_view(place.assistant, found)
    assert re.search(r'<h\d class="viewer-heading">The ferry</h\d>', html)
    assert "A long story." in html
    quotes = re.findall(r'<mark class="viewer-quote"[^>]*>([^<]*)</mark>', html)
    assert "three million kroner" in "".join(quotes)
    assert html.count("data-focus") == 1
    assert '<span class="viewer-passage">' in html
    assert "viewer-note" not in html


def test_rows_are_shown_as_rows(place: Place) -> None:
    found = citation_of(place.assistant, "Who is Ada Holm?", "people.csv")
    html = source_view(place.assistant, found)
    assert re.search(r"<tr><th scope=row>2</th><td>.*Ada Holm.*</td></tr>", html)
    found = citation_of(place.assistant, "What office does Dmitry Peskov hold?", "people.xlsx")
    html = source_view(place.assistant, found)
    assert "Sheet People" in html
    assert re.search(r"<tr><th scope=row>\d+</th><td><mark", html)


def test_a_source_that_changed_or_went_says_so(place: Place) -> None:
    def put(text: str) -> None:
        place.assistant.add([Document.from_text(text, source="memo", title="<i>Memo</i>")])

    put("The clock of Brask strikes eleven times at noon.")
    found = citation_of(place.assistant, "How often does the clock of Brask strike?", "memo")
    html = source_view(place.assistant, found)
    assert "viewer-note" not in html
    assert "&lt;i&gt;Memo" in html
    put("A new beginning.\n\nThe clock of Brask strikes eleven times at noon.")
    html = source_view(place.assistant, found)
    assert "were found in it again" in html
    assert "A new beginning." in html
    put("The clock of Brask was sold.")
    html = source_view(place.assistant, found)
    assert "no longer in it" in html
    assert "eleven times</mark>" in html or "strikes eleven times at noon." in html
    assert "was sold" not in html
    place.assistant.remove(["memo"])
    html = source_view(place.assistant, found)
    assert "no longer indexed" in html
    assert "strikes eleven times" in html


def test_nonsense_in_a_citation_is_only_shown(place: Place) -> None:
    found = citation_of(place.assistant, "For how much was the ferry sold?", "notes/ferry.md")
    hostile = "<script>alert(1)</script>\ud800\u202e"
    for nonsense in (
        replace(found, source="../../etc/passwd", title=hostile, quote=hostile, passage=hostile),
        replace(found, start=-5, end=10**9, passage_start=-(10**9)),
        replace(found, quote="", passage="", start=0, end=0),
    ):
        html = source_view(place.assistant, nonsense)
        assert "<script" not in html
        assert "\u202e" not in html
        assert html.encode()  # no lone surrogate


def test_long_documents_are_shown_around_the_passage(place: Place) -> None:
    story = "\n\n".join(f"Chapter {number} tells of nothing at all." for number in range(400))
    endless = "Not a thing happened here, again and again. " * 400
    place.assistant.add(
        [
            Document.from_text(f"{story}\n\n{FERRY}\n\n{story}", source="story"),
            Document.from_text(f"{endless}{FERRY} {endless}", source="endless"),
        ]
    )
    for source in ("story", "endless"):
        found = citation_of(place.assistant, "For how much was the ferry sold?", source)
        html = source_view(place.assistant, found)
        assert "three million" in html
        assert len(html) < 15_000
    assert "more parts of the document before this" in source_view(
        place.assistant, citation_of(place.assistant, "When was the ferry sold?", "story")
    )
    place.assistant.remove(["story", "endless"])


# How it looks.


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_phone(place: Place, dark: bool, tmp_path: Path) -> None:
    with place.page(width=375, dark=dark) as page:
        page.get_by_role("checkbox").first.click()
        page.get_by_role("button", name="Sync folder").click()
        page.locator(".documents-panel").wait_for()
        page.screenshot(path=tmp_path / "documents.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        for row in page.locator(".documents-row").all()[:5]:
            box = row.bounding_box()
            assert box is not None
            assert 0 <= box["x"] < box["x"] + box["width"] <= 375
        ink, paper = page.evaluate(
            """() => [
                getComputedStyle(document.querySelector('.documents-title')).color,
                getComputedStyle(document.body).backgroundColor,
            ]"""
        )
        assert contrast(ink, paper) > 7
        assert (luminance(paper) < 0.1) == dark
        page.get_by_role("button", name="Clear").click()
        ask(page, QUESTION)
        page.evaluate("document.querySelector('#sources [data-do=view]').click()")
        page.locator("#viewer img").wait_for()
        viewer = page.locator("#viewer").bounding_box()
        assert viewer is not None
        assert (viewer["x"], viewer["width"]) == (0, 375)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375


def luminance(colour: str) -> float:
    """Of a colour "rgb(r, g, b)", as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# Without a browser.


def test_ten_thousand_documents_are_paged(place: Place) -> None:
    status = place.assistant.status()
    one = status.documents[0]
    many = [replace(one, source=f"a/{number % 30}/{number:05}.txt") for number in range(10_000)]
    library = Library(replace(status, documents=many))
    html = listing(library, View(page=3), None)
    assert html.count('<li class="documents-row">') == ROWS
    assert f"{3 * ROWS + 1}–{4 * ROWS} of 10,000" in html
    assert listing(library, View(page=10**8), None).count('documents-row"') == ROWS
    chosen = toggled(["a/"], many[0].source, library)
    assert chosen is not None
    assert len(chosen) == 9_999
    assert "Asking within 9,999 documents" in listing(library, View(), chosen)
    assert toggled([many[0].source], many[0].source, library) is None
    assert library.existing(["gone.txt", "a/3/"]) == ["a/3/"]
    assert library.existing(["gone.txt"]) is None


def test_without_an_index_the_page_says_what_to_do() -> None:
    assert "Nothing is indexed yet" in summary(Library(None))
    assert "The disk &lt;b&gt; is full." in summary(Library(None, "the disk <b> is full"))
    assert "No documents yet." in listing(Library(None), View(), None)


def test_choices_and_names_in_words() -> None:
    assert within_label(None) == ""
    assert within_label(["a.txt"]) == "1 document"
    assert within_label(["a.txt", "b.txt", "c/"]) == "2 documents and the folder c/"
    assert within_label(["c/", "d/"]) == "2 folders"
    assert shown_name("a" * 300 + ".pdf", 30) == "a" * 20 + "…" + "a" * 6 + ".pdf"
    assert shown_name('x\u202e"<y>\ud800\n z', 50) == "x&quot;&lt;y&gt;\ufffd z"
