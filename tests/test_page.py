"""The chat page in a real Chromium, driven against the real server."""

import os
import re
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from assistant import Assistant
from assistant.answering import Event, Searching
from assistant.server.access import Access
from assistant.server.app import create_app
from assistant.server.users import set_password
from tests.serving import serving

CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
QUESTION = "How long will the treaty last?"
ANSWER = "expected to last for 20 years or more"
NAME = "n" * 150 + "<img src=x onerror=alert(1)>![i](http:example.com)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM.split()
        )
        yield chromium
        chromium.close()


@dataclass
class Seen:
    """What a browser asked for and complained of."""

    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda told: told.type in ("error", "warning") and self.complaints.append(told.text),
        )

    def _asked(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.outside.append(url)


@dataclass
class Served:
    """A server, and pages of it in browsers that know nothing of each other."""

    url: str
    assistant: Assistant
    browser: Browser
    seen: Seen = field(default_factory=Seen)
    contexts: list[BrowserContext] = field(default_factory=list)

    def page(self, **options: Any) -> Page:
        """A page of somebody new: with options, or beside another page, in a browser of theirs."""
        if options or not self.contexts or self.contexts[0].pages:
            options = {"viewport": {"width": 1300, "height": 800}, "locale": "en-GB"} | options
            context = self.browser.new_context(**options)
            self.contexts.append(context)
        else:
            # The files are known from the page before; who asked is not.
            context = self.contexts[0]
            context.clear_cookies()
        page = context.new_page()
        page.set_default_timeout(20_000)
        self.seen.watch(page)
        page.goto(self.url)
        ready(page)
        return page

    def leave(self) -> None:
        """Close what is open, but for the browser that knows the files."""
        for context in self.contexts[1:]:
            context.close()
        del self.contexts[1:]
        for context in self.contexts:
            for page in context.pages:
                page.close()


@contextmanager
def served(index: Path, browser: Browser) -> Iterator[Served]:
    with (
        Assistant.open(index) as assistant,
        serving(create_app(assistant, access=Access.open())) as url,
    ):
        here = Served(url, assistant, browser)
        try:
            yield here
        finally:
            for context in here.contexts:
                context.close()


@pytest.fixture(scope="module")
def server(
    seeds_index: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    index = tmp_path_factory.mktemp("page") / "index"
    shutil.copytree(seeds_index, index)
    with served(index, browser) as here:
        here.page()
        here.leave()
        yield here


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may ask for anything elsewhere, or leave an error in the console."""
    yield
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        server.leave()
        seen = server.seen
        outside, complaints = list(seen.outside), list(seen.complaints)
        seen.outside.clear()
        seen.complaints.clear()
        assert (outside, complaints) == ([], [])


def ready(page: Page) -> None:
    page.wait_for_selector("#page [data-ready]")


def ask(page: Page, question: str) -> None:
    kept = page.locator(".turn[data-kept]").count()
    page.fill("#question", question)
    page.keyboard.press("Enter")
    expect(page.locator(".turn[data-kept]")).to_have_count(kept + 1)


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to look: in the folder $SCREENSHOTS."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(400)  # what appears or slides has done so
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_the_first_screen_says_what_is_indexed_and_offers_questions_that_are_answered(
    server: Served,
) -> None:
    page = server.page()
    counts = server.assistant.status().counts
    expect(page.locator(".holds")).to_contain_text(f"{counts.documents} documents")
    expect(page.locator(".holds")).to_contain_text(f"{counts.passages} passages")
    expect(page.locator(".holds")).to_contain_text("folder seeds")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator(".examples button").first).to_be_visible()
    picture(page, "first-screen")
    page.locator(".examples button").first.click()
    expect(page.locator(".answer.cited .cite").first).to_be_visible()


def test_a_citation_of_a_pdf_opens_its_page_with_the_words_marked(server: Served) -> None:
    page = server.page()
    ask(page, "What is the official name of the older agreement?")
    page.locator(".cite").first.click()
    page.locator("#sources .source.open [data-do=view]").click()
    expect(page.locator("#viewer")).to_contain_text("Page 1 of 4")
    expect(page.locator("#viewer .viewer-mark").first).to_be_in_viewport()
    assert page.locator("#viewer img").evaluate("one => one.decode().then(() => one.naturalWidth)")
    picture(page, "pdf")


def test_an_answer_is_cited_and_its_citations_open(server: Served) -> None:
    page = server.page()
    ask(page, QUESTION)
    expect(page.locator(".answer .text")).to_contain_text(ANSWER)
    expect(page.locator(".legend")).to_contain_text("1 quoted")
    assert "Quoted" in (page.locator(".text .sign").first.get_attribute("aria-label") or "")
    page.locator(".cite").first.focus()
    page.keyboard.press("Enter")
    source = page.locator("#sources .source.open")
    expect(source).to_be_focused()
    expect(source.locator("mark")).to_contain_text(ANSWER)
    source.locator("summary").click()
    for word in ("rank", "cosine", "BM25", "treaty"):
        expect(source.locator("dl")).to_contain_text(word)
    picture(page, "answer")
    source.locator("[data-do=view]").click()
    expect(page.locator("#viewer [data-focus]").first).to_contain_text("The new treaty")
    picture(page, "viewer")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()


def test_a_follow_up_shows_what_was_searched_and_asks_that_edited(server: Served) -> None:
    page = server.page()
    ask(page, QUESTION)
    ask(page, "When was it signed?")
    searched = page.locator(".turn").nth(1).locator(".searched")
    expect(searched).to_contain_text("When was the treaty signed?")
    searched.locator("button").click()
    page.fill(".editing textarea", "What did Lavrov say?")
    page.keyboard.press("Enter")
    expect(searched).to_contain_text("What did Lavrov say?")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").nth(1).locator(".text")).to_contain_text("Lavrov")


def test_a_refusal_is_no_answer_and_says_what_comes_closest(server: Served) -> None:
    page = server.page()
    ask(page, "How is a pancake fried?")
    refusal = page.locator(".answer.refusal")
    expect(refusal).to_contain_text("How is a pancake fried?")
    expect(refusal.locator(".cite, .text .sign")).to_have_count(0)
    expect(page.locator("#sources .source")).to_have_count(0)
    refusal.locator("summary").click()
    picture(page, "refusal")
    refusal.locator(".closest").first.click()
    expect(page.locator("#sources h2")).to_have_text("Closest passages")
    expect(page.locator("#sources .source.open")).to_be_visible()


def test_a_question_is_edited_and_asked_again_and_retried(server: Served) -> None:
    page = server.page()
    ask(page, "How is a pancake fried?")
    ask(page, "What did Peskov say?")
    first = page.locator(".turn").first
    first.locator("[data-do=edit]").click()
    page.fill(".editing textarea", QUESTION)
    page.keyboard.press("Enter")
    expect(first.locator(".text")).to_contain_text(ANSWER)
    expect(page.locator(".turn")).to_have_count(1)
    first.locator("[data-do=retry]").click()
    expect(page.locator(".turn[data-kept]")).to_have_count(1)
    expect(first.locator(".text")).to_contain_text(ANSWER)


def test_asking_an_earlier_question_again_says_first_what_it_removes(server: Served) -> None:
    page = server.page()
    for question in (QUESTION, "What did Peskov say?", "What is SWIFT?"):
        ask(page, question)
    first, second = page.locator(".turn").nth(0), page.locator(".turn").nth(1)
    for button in ("edit", "retry"):
        first.locator(f"[data-do={button}]").click()
        expect(first.locator(".editing")).to_contain_text("The 2 questions after it are removed.")
        picture(page, "editing")
        first.locator("[data-do=cancel]").click()
    expect(page.locator(".turn")).to_have_count(3)
    second.locator("[data-do=edit]").click()
    expect(second.locator(".editing")).to_contain_text("The question after it is removed.")
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    expect(second.locator(".tools")).to_be_visible()
    second.locator("[data-do=edit]").click()
    expect(second.locator(".editing")).not_to_contain_text("removed")


def test_a_question_back_is_answered_with_a_click(server: Served) -> None:
    page = server.page()
    ask(page, "Who is the president?")
    choices = page.locator(".choices button")
    expect(choices).to_have_count(3)
    expect(page.locator("#sources")).to_be_hidden()
    picture(page, "choices")
    choices.filter(has_text="Vladimir Putin").click()
    expect(page.locator(".turn[data-kept]")).to_have_count(2)
    expect(page.locator(".turn").nth(1).locator(".question p")).to_contain_text("Putin")
    expect(page.locator(".turn").nth(1).locator(".text")).to_contain_text("Putin")
    expect(page.locator(".turn").nth(1).locator(".answer.cited")).to_be_visible()


def test_an_answer_is_copied_with_its_sources(server: Served) -> None:
    page = server.page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    ask(page, QUESTION)
    page.click(".tools [data-do=copy]")
    expect(page.locator(".tools [data-do=copy]")).to_have_class(re.compile("done"))
    copied = page.evaluate("navigator.clipboard.readText()")
    page.context.clear_permissions()
    answer, _, sources = copied.partition("\n\n")
    assert ANSWER in answer
    assert answer.endswith("[1]")
    assert sources.startswith("[1] ")


def test_a_conversation_is_there_after_a_reload_with_its_sources(server: Served) -> None:
    page = server.page()
    ask(page, QUESTION)
    ask(page, "When was it signed?")
    assert re.search(r"\?c=\w+", page.url)
    page.reload()
    ready(page)
    expect(page.locator(".turn")).to_have_count(2)
    page.locator(".cite").first.click()
    expect(page.locator("#sources .source.open mark")).to_contain_text(ANSWER)
    ask(page, "And Peskov?")
    expect(page.locator(".turn").nth(2).locator(".searched")).to_contain_text("Peskov")


def test_conversations_are_renamed_exported_and_deleted(server: Served) -> None:
    page = server.page()
    ask(page, QUESTION)
    item = page.locator("#conversations li")
    expect(item).to_have_text(QUESTION)
    item.hover()
    item.locator("[data-do=rename]").click()
    page.keyboard.type("The <i>term</i>")
    page.keyboard.press("Enter")
    expect(item).to_have_text("The <i>term</i>")
    with page.expect_download() as download:
        page.click("[data-do=export]")
    exported = Path(download.value.path()).read_text(encoding="utf-8")
    assert ANSWER in exported
    assert "[^1]:" in exported
    page.click(".new")
    expect(page.locator("#welcome h1")).to_be_visible()
    item.locator("a").click()
    expect(page.locator(".turn")).to_have_count(1)
    item.hover()
    item.locator("[data-do=delete]").click()
    page.click("#confirm [value=no]")
    expect(item).to_have_count(1)
    item.hover()
    item.locator("[data-do=delete]").click()
    page.click("#confirm [value=yes]")
    expect(item).to_have_count(0)
    expect(page.locator("#welcome h1")).to_be_visible()


def test_what_the_reader_thinks_of_an_answer_is_kept(server: Served) -> None:
    page = server.page()
    question = "What is SWIFT?"
    ask(page, question)
    page.click("[data-do=bad]")
    page.fill(".comment input", "too short")
    page.keyboard.press("Enter")
    expect(page.locator(".comment")).to_contain_text("kept")
    rated = [case for case in server.assistant.feedback() if case["question"] == question]
    assert [(case["rating"], case["comment"]) for case in rated] == [("bad", "too short")]
    page.reload()
    ready(page)
    expect(page.locator("[data-do=bad]")).to_have_attribute("aria-pressed", "true")


def test_two_tabs_of_one_conversation_lose_nothing(server: Served) -> None:
    first = server.page()
    ask(first, QUESTION)
    expect(first.locator("#conversations li")).to_have_count(1)
    second = first.context.new_page()
    second.goto(first.url)
    expect(second.locator(".turn[data-kept]")).to_have_count(1)
    ask(first, "What is SWIFT?")
    second.fill("#question", "What did Jalali say?")
    second.keyboard.press("Enter")
    # The second tab shows what was asked in the first one, too.
    expect(second.locator(".turn[data-kept]")).to_have_count(3)
    expect(second.locator("#notice")).to_contain_text("another tab")
    asked = [QUESTION, "What is SWIFT?", "What did Jalali say?"]
    assert second.locator(".turn .question p").all_inner_texts() == asked
    key = first.url.rpartition("c=")[2]
    assert [turn.question for turn in server.assistant.chat(id=key).history] == asked


def test_two_people_do_not_see_each_others_conversations(server: Served) -> None:
    one, other = server.page(), server.page()
    ask(one, QUESTION)
    ask(other, "What did Peskov say?")
    for page in (one, other):
        page.reload()
        ready(page)
        expect(page.locator("#conversations li")).to_have_count(1)
    expect(one.locator("#conversations")).to_contain_text(QUESTION)
    other.goto(one.url)
    ready(other)
    expect(other.locator("#notice")).to_contain_text("conversation")
    expect(other.locator(".turn")).to_have_count(0)


def test_keys_reach_everything(server: Served) -> None:
    page = server.page()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(page.locator("#question")).to_have_value("one\ntwo")
    page.locator(".new").focus()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.locator(".theme").focus()
    page.keyboard.press("Control+k")
    expect(page.locator("#question")).to_be_focused()
    unnamed = page.evaluate(
        "[...document.querySelectorAll('#page button')].filter((one) => !one.textContent.trim()"
        " && !one.getAttribute('aria-label')).length"
    )
    assert unnamed == 0


def test_dark_follows_the_system_and_can_be_switched(server: Served) -> None:
    page = server.page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    ask(page, "What is said about the older agreement?")
    picture(page, "dark")
    page.click(".theme")
    light = page.evaluate(background)
    assert sum(map(int, re.findall(r"\d+", dark)[:3])) < 150
    assert sum(map(int, re.findall(r"\d+", light)[:3])) > 600
    page.reload()
    ready(page)
    assert page.evaluate(background) == light


def test_a_phone_shows_all_without_scrolling_sideways(server: Served) -> None:
    page = server.page(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    assert sideways(page) == 0
    ask(page, QUESTION)
    assert sideways(page) == 0
    expect(page.locator("#sources")).to_be_hidden()
    picture(page, "phone")
    page.locator(".cite").first.click()
    expect(page.locator("#sources .source.open mark")).to_be_in_viewport()
    picture(page, "phone-sources")
    page.click("#sources .close")
    expect(page.locator("#sources")).to_be_hidden()
    page.click(".menu")
    expect(page.locator("#conversations a").first).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#rail")).to_be_hidden()
    page.click("nav [data-do=documents]")
    expect(page.locator("#library")).to_contain_text("overview.md")
    assert sideways(page) == 0


def test_a_question_of_5000_characters_is_asked_and_shown(server: Served) -> None:
    page = server.page()
    ask(page, "treaty " * 714)
    assert len(page.locator(".question p").inner_text()) > 4900
    expect(page.locator("#question")).to_be_in_viewport()
    box = page.locator(".turn").bounding_box()
    assert box is not None
    assert box["height"] < 700


def test_an_answer_is_asked_within_the_documents_chosen(server: Served) -> None:
    page = server.page()
    page.click("nav [data-do=documents]")
    row = page.locator("#library [role=checkbox]").first
    row.click()
    expect(row).to_have_attribute("aria-checked", "true")
    expect(page.locator("#library")).to_contain_text("1 document")
    page.click("[data-do=ask-view]")
    expect(page.locator(".within")).to_contain_text("Asking within 1 document")
    ask(page, QUESTION)
    names = set(page.locator("#sources .name").all_inner_texts())
    assert names == {"background.pdf"}
    # The choice outlasts a reload, and ends when it is taken back.
    page.reload()
    ready(page)
    expect(page.locator(".within")).to_contain_text("Asking within 1 document")
    ask(page, "What did Peskov say?")
    assert set(page.locator("#sources .name").all_inner_texts()) <= {"background.pdf"}
    page.click("nav [data-do=documents]")
    expect(row).to_have_attribute("aria-checked", "true")
    row.click()
    page.click("[data-do=ask-view]")
    expect(page.locator(".within")).to_be_hidden()
    page.reload()
    ready(page)
    expect(page.locator(".within")).to_be_hidden()


def test_a_choice_that_is_no_longer_there_is_told(server: Served) -> None:
    page = server.page()
    page.evaluate("sessionStorage.setItem('chosen', JSON.stringify(['../secret', 7, 'a']))")
    page.reload()
    ready(page)
    expect(page.locator("#notice")).to_contain_text("no longer indexed")
    expect(page.locator(".within")).to_be_hidden()
    ask(page, QUESTION)
    expect(page.locator(".answer .text")).to_contain_text(ANSWER)


def test_logging_in_leads_to_the_conversation_that_was_wanted(
    browser: Browser, seeds_index: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    shutil.copytree(seeds_index, index)
    set_password(tmp_path / "users", "ada", "correct horse")
    access = Access.from_file(tmp_path / "users")
    with Assistant.open(index) as assistant:
        conversation = assistant.chat(owner="user:ada")
        conversation.ask(QUESTION)
        key = conversation.save()
        with serving(create_app(assistant, access=access)) as url:
            page = browser.new_page()
            page.goto(f"{url}/?c={key}&x=%22%3E//elsewhere.example")
            for password in ("wrong", "correct horse"):
                page.get_by_label("Name").fill("ada")
                page.get_by_label("Password").fill(password)
                page.get_by_role("button", name="Log in").click()
            ready(page)
            assert page.url.startswith(f"{url}/?c={key}")
            expect(page.locator(".answer .text")).to_contain_text(ANSWER)
            page.context.close()
            # Only the query is kept: it cannot lead anywhere else.
            answer = httpx.get(f"{url}//elsewhere.example/?c=1", headers={"accept": "text/html"})
            assert answer.headers["location"] == "/login"


def slowly(stream: Callable[..., Iterator[Event]], stopped: threading.Event) -> Any:
    """The same answer, after a pause during which it can be stopped."""

    def slow(*arguments: Any, **options: Any) -> Iterator[Event]:
        events = stream(*arguments, **options)
        try:
            for event in events:
                yield event
                while isinstance(event, Searching) and not stopped.wait(0.05):
                    yield event
        finally:
            stopped.set()

    return slow


def test_stop_ends_the_work_and_nothing_is_kept(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()
    page = server.page()
    monkeypatch.setattr(server.assistant, "stream", slowly(server.assistant.stream, stopped))
    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".searching")).to_be_visible()
    expect(page.locator(".stop")).to_be_visible()
    page.keyboard.press("Escape")
    assert stopped.wait(10)
    expect(page.locator(".unfinished")).to_contain_text("Stopped")
    expect(page.locator("#conversations li")).to_have_count(0)
    monkeypatch.undo()
    page.locator(".unfinished button").click()
    expect(page.locator(".turn[data-kept] .text")).to_contain_text(ANSWER)
    expect(page.locator(".turn")).to_have_count(1)


def test_closing_the_tab_ends_the_work(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    page = server.page()
    monkeypatch.setattr(server.assistant, "stream", slowly(server.assistant.stream, stopped))
    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".searching")).to_be_visible()
    page.close()
    assert stopped.wait(20)


def test_gradio_serves_no_files_and_lists_no_functions(server: Served) -> None:
    page = server.page()
    for path in ("/gradio_api/file=/etc/hostname", "/gradio_api/file=pyproject.toml"):
        assert page.request.get(server.url + path).status in (403, 404)
    listed = page.request.get(server.url + "/gradio_api/info").json()
    assert listed.get("named_endpoints", {}) == {}
    assert listed.get("unnamed_endpoints", {}) == {}
    inside = page.request.get(server.url + "/assets/..%2f..%2f..%2f..%2fgradio%2fapp.py")
    assert inside.status in (403, 404)


def test_a_first_visit_without_an_index_leads_to_one(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "ferry.txt").write_text("The ferry to Nordhavn leaves at nine.\n", encoding="utf-8")
    with (
        Assistant.open(tmp_path / "index", folder=str(folder)) as assistant,
        serving(create_app(assistant, access=Access.open())) as url,
    ):
        here = Served(url, assistant, browser)
        page = here.page()
        expect(page.locator("#welcome")).to_contain_text("Nothing is indexed yet")
        expect(page.locator("#welcome")).to_contain_text("assistant sync FOLDER")
        folder.rename(tmp_path / "moved")
        page.click("[data-do=index]")
        expect(page.locator("#notice")).to_contain_text("papers")
        (tmp_path / "moved").rename(folder)
        page.click("[data-do=index]")
        expect(page.locator(".holds")).to_contain_text("1 document")
        ask(page, "When does the ferry leave?")
        expect(page.locator(".answer .text")).to_contain_text("leaves at nine")
        expect(page.locator("#sources .changed")).to_have_count(0)
        (folder / "ferry.txt").write_text("The ferry goes no more.\n", encoding="utf-8")
        assistant.sync()
        page.reload()
        ready(page)
        expect(page.locator("#sources .changed")).to_contain_text("changed since")
        expect(page.locator("#sources mark")).to_contain_text("leaves at nine")
        assert here.seen == Seen()
        here.contexts[0].close()


def test_a_lost_connection_is_told_and_the_question_is_not_lost(
    browser: Browser, seeds_index: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    shutil.copytree(seeds_index, index)
    with Assistant.open(index) as assistant:
        with serving(create_app(assistant, access=Access.open())) as url:
            page = Served(url, assistant, browser).page()
            ask(page, QUESTION)
        page.fill("#question", "When was it signed?")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("was lost", timeout=15_000)
        expect(page.locator(".turn").nth(1)).to_contain_text("When was it signed?")
        page.click("#notice [data-do=again]")
        expect(page.locator("#notice")).to_contain_text("does not answer yet")
        expect(page.locator(".turn").nth(0)).to_contain_text(ANSWER)
        page.context.close()


def test_hostile_documents_stay_text(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    hostile = (
        "<script>alert('title')</script> ![pixel](http://example.com/title.png) "
        + "long" * 130
        + "\n\nThe harbour of Nordhavn <img src=http://example.com/x.png onerror=alert(1)> has "
        "![pixel](http://example.com/p.png) 42 cranes <a href=javascript:alert(2)>here</a> "
        "{{constructor.constructor('alert(3)')()}} ${alert(4)} $$\\href{http://example.com}{x}$$ "
        "[link](http://example.com).\n"
    )
    (folder / f"{NAME}.txt").write_text(hostile, encoding="utf-8")
    with Assistant.open(tmp_path / "index") as assistant:
        assistant.sync(folder)
    with served(tmp_path / "index", browser) as here:
        page = here.page()
        ask(page, "How many cranes has the harbour of Nordhavn?")
        expect(page.locator(".answer .text")).to_contain_text("<img src=http://example.com/x.png")
        page.locator(".cite").first.click()
        expect(page.locator("#sources h3").first).to_contain_text("<img src=x onerror=alert(1)>")
        assert sideways(page) == 0
        page.locator("#sources [data-do=view]").first.click()
        expect(page.locator("#viewer")).to_contain_text("42 cranes")
        ours = page.evaluate(
            '[document.querySelectorAll(\'#page img:not([src^="data:"]), #page script, '
            "#page [onerror]').length, [...document.querySelectorAll('#page a')].filter("
            "(one) => new URL(one.href).origin !== location.origin).length]"
        )
        assert ours == [0, 0]
        page.keyboard.press("Escape")
        ask(page, "<img src=http://example.com/q.png onerror=alert(5)>")
        page.reload()
        ready(page)
        time.sleep(0.3)  # for what would still be asked
        assert here.seen == Seen()


def test_an_index_that_cannot_be_written_still_answers(
    browser: Browser, seeds_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another program holds the catalog for longer than is waited for.
    monkeypatch.setattr("assistant.catalog.storage.BUSY_SECONDS", 0.1)
    index = tmp_path / "index"
    shutil.copytree(seeds_index, index)
    with served(index, browser) as here:
        page = here.page()
        with closing(sqlite3.connect(index / "catalog.sqlite3", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            ask(page, QUESTION)
            expect(page.locator("#notice")).to_contain_text("not kept")
            ask(page, "When was it signed?")
            expect(page.locator(".searched")).to_contain_text("treaty")
            holder.execute("ROLLBACK")
        # Now all of it is kept.
        ask(page, "And Peskov?")
        page.reload()
        ready(page)
        expect(page.locator(".turn")).to_have_count(3)
        assert here.seen == Seen()


def test_no_address_is_fetched_that_a_browser_names(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, look_up = [], socket.getaddrinfo

    def noted(host: Any, *others: Any, **more: Any) -> Any:
        asked.append(str(host))
        return look_up(host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    elsewhere = "https://elsewhere.invalid/notes.md"
    with httpx.Client(base_url=server.url) as client:
        assert client.get(f"/gradio_api/file={elsewhere}").status_code == 404
        events = client.get("/config").json()["dependencies"]
        (upload,) = (event for event in events if event["targets"][0][1] == "upload")
        file = {"path": elsewhere, "orig_name": "a.md", "meta": {"_type": "gradio.FileData"}}
        sent = {"fn_index": upload["id"], "data": [[file], None, None, None], "session_hash": "s"}
        client.post("/gradio_api/queue/join", json=sent).raise_for_status()
        with client.stream("GET", "/gradio_api/queue/data?session_hash=s") as told:
            (ended,) = (line for line in told.iter_lines() if "process_completed" in line)
    assert "has to be uploaded" in ended
    assert asked  # by this client
    assert not [host for host in asked if "elsewhere" in host]


def test_a_question_asked_while_a_conversation_opens_waits_for_it(server: Served) -> None:
    page = server.page()
    page.locator("#question").fill("What is SWIFT?")
    page.keyboard.press("Enter")
    page.locator(".turn .tools").wait_for(state="attached")
    # Before it is open again: the question comes after what was said, not in its place.
    held: list[Route] = []
    page.route(re.compile("component_server"), lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.wait_for_selector("#question")
    page.wait_for_timeout(500)
    assert held
    page.locator("#question").fill("What did Peskov say?")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1000)
    page.unroute(re.compile("component_server"))  # which lets them go
    page.locator(".turn").nth(1).locator(".tools").wait_for(state="attached")
    assert page.locator(".turn").count() == 2
    (kept,) = [c for c in server.assistant.conversations() if c.title == "What is SWIFT?"][:1]
    assert kept.turns == 2
