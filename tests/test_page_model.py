"""The chat page with a language model: drafts, verdicts, failures, and a real small model."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from browser import launched
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect, sync_playwright
from providers import Broken, Failure, Silence, speaking
from selectolax.lexbor import LexborHTMLParser
from serving import serving

from assistant import Assistant
from assistant.answering import Sentence
from assistant.grounding import Label
from assistant.server.access import Access
from assistant.server.app import create_app
from assistant.server.page.sentences import WORDS, text_html

# The first question of a server waits for LlamaIndex to be loaded, on a busy machine for long.
expect.set_options(timeout=20_000)
QUESTION = "How long will the treaty last?"
TRUE = "The new treaty is expected to last for 20 years or more [1]."
FALSE = "Putin signed it in 1980 [1]."
UNHEARD = "Zanzibar exports cloves to Antarctica."


class Script:
    """What the model says, and how far it may go on: the test says when."""

    def __init__(self) -> None:
        self.reply: Any = TRUE
        self.going = threading.Event()

    def said_to(self, messages: list[dict[str, str]]) -> Any:
        return self.reply(messages) if callable(self.reply) else self.reply

    def held(self, *pieces: str, then: Sequence[str] = ()) -> Callable[[Any], Iterator[str]]:
        """These pieces; the rest when the test lets it go on."""
        self.going.clear()

        def speak(messages: Any) -> Iterator[str]:
            yield from pieces
            self.going.wait(30)
            yield from then

        return speak


@dataclass
class Place:
    """A server whose answers a scripted model writes, and a browser."""

    url: str
    assistant: Assistant
    browser: Browser
    script: Script
    provider: Any

    @contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """The page in a browser profile of its own; nothing on it may go wrong."""
        context = self.browser.new_context(
            **{"viewport": {"width": 1300, "height": 800}, "locale": "en-GB"} | options
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on(
            "request",
            lambda asked: (
                asked.url.startswith((self.url, "data:", "blob:")) or complaints.append(asked.url)
            ),
        )
        page.goto(self.url)
        page.wait_for_selector("#page [data-ready]")
        yield page
        assert complaints == []
        context.close()


@contextmanager
def placed(index: Path, **settings: Any) -> Iterator[Place]:
    script = Script()
    with (
        sync_playwright() as playwright,
        speaking(script.said_to) as provider,
        Assistant.open(
            index, model=f"openai-like:tiny-1@{provider.url}/v1", **settings
        ) as assistant,
        serving(create_app(assistant, access=Access.open())) as url,
    ):
        browser = launched(playwright)
        yield Place(url, assistant, browser, script, provider)
        script.going.set()
        browser.close()


@pytest.fixture(scope="module")
def place(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    index = tmp_path_factory.mktemp("page-model") / "index"
    shutil.copytree(seeds_index, index)
    with placed(index) as here:
        yield here


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")


def answered(page: Page) -> None:
    expect(page.locator(".turn").last.locator(".tools")).to_be_visible()


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to look: in the folder $SCREENSHOTS."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def test_words_are_shown_as_they_come_and_as_a_sentence_once_checked(place: Place) -> None:
    script = place.script
    with place.page() as page:
        expect(page.locator(".writer")).to_contain_text("tiny-1 writes the answers")
        picture(page, "model-first-screen")
        first, _, rest = TRUE.partition(" is expected")
        script.reply = script.held(first, then=[" is expected" + rest, " And so on"])
        ask(page, QUESTION)
        draft = page.locator(".draft")
        expect(draft).to_have_text(first)
        expect(draft).to_have_attribute("aria-hidden", "true")
        expect(page.locator(".sentence, .legend")).to_have_count(0)
        picture(page, "model-draft")
        script.going.set()
        answered(page)
        expect(page.locator(".sentence.supported, .sentence.quoted").first).to_contain_text(
            "20 years or more"
        )
        expect(draft).to_have_count(0)
        expect(page.locator(".sure")).to_contain_text("tiny-1 · 1 of at most 4 calls")
        assert "127.0.0.1" not in page.locator(".turn").inner_html()


def test_what_is_wrong_is_said_in_a_word_with_its_reason(place: Place) -> None:
    place.script.reply = (
        "The new treaty is expected to last for 20 years or more [1].\n\nIn short:\n"
        f"- {FALSE}\n- {UNHEARD}\n\nThe older agreement expires in 2026 [1]."
    )
    with place.page() as page:
        ask(page, QUESTION)
        answered(page)
        wrong = page.locator(".sentence.unsupported")
        expect(wrong).to_have_count(2)
        expect(page.locator(".text li")).to_have_count(2)
        words = page.locator(".verdict.unsupported")
        expect(words).to_have_count(2)
        for word in words.all():
            # With the reason, for who cannot see a sign or a colour, nor point at anything.
            assert "unsupported: " in (word.text_content() or "")
        expect(page.locator(".notes li.unsupported")).to_have_count(2)
        expect(page.locator(".notes")).to_contain_text("Antarctica")
        expect(page.locator(".legend")).to_contain_text("2 unsupported")
        expect(page.locator(".sentence:not(.unsupported, .weak) + .verdict")).to_have_count(0)
        copied = page.locator(".copied").input_value()
        assert f"- {UNHEARD} (UNSUPPORTED: no source names Antarctica)" in copied
        assert "20 years or more. [1]" in copied
        picture(page, "model-verdicts")
        page.emulate_media(color_scheme="dark")
        picture(page, "model-verdicts-dark")
        page.emulate_media(color_scheme="light", media="print")
        expect(words.first).to_be_visible()
        expect(page.locator("#composer")).to_be_hidden()
        picture(page, "model-verdicts-print")
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 375, "height": 700})
        expect(words.first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        picture(page, "model-verdicts-phone")


def test_what_a_model_writes_is_shown_as_text_and_asks_for_nothing(place: Place) -> None:
    active = (
        "The new treaty <img src=x onerror=alert(1)> is expected ![p](http://example.com/p.png) to "
        "last <script>alert(2)</script> for 20 years [a](javascript:alert(3)) or more "
        "<b onclick=alert(4)>x</b> {{alert(5)}} ${alert(6)} [1]."
    )
    script = place.script
    script.reply = script.held(active[:-8], then=[active[-8:], f" {UNHEARD}"])
    with place.page() as page:
        ask(page, QUESTION)
        expect(page.locator(".draft")).to_contain_text("The new treaty")
        script.going.set()
        answered(page)
        for page_state in ("as it came", "loaded again"):
            inside = "#page .turn :is(img, script, [onerror], [onclick], a:not(.cite))"
            assert page.locator(inside).count() == 0, page_state
            page.reload()
            page.wait_for_selector("#page [data-ready]")
        expect(page.locator(".sentence.unsupported").last).to_contain_text("Zanzibar")


def test_a_model_that_breaks_off_is_followed_by_the_documents_own_sentences(place: Place) -> None:
    place.script.reply = Broken(after=["The older agreement expires in 2026 [1]. ", "And th"])
    with place.page() as page:
        ask(page, QUESTION)
        answered(page)
        expect(page.locator(".remark")).to_contain_text("broke off")
        expect(page.locator(".remark")).to_contain_text("documents' own sentences")
        expect(page.locator(".answer .text")).to_contain_text("expires in 2026")
        expect(page.locator(".sentence.quoted").last).to_contain_text("20 years or more")
        expect(page.locator(".answer")).not_to_contain_text("And th")
        expect(page.locator(".sure")).to_contain_text("extractive")
        picture(page, "model-broken")
        page.reload()
        page.wait_for_selector("#page [data-ready]")
        expect(page.locator(".remark")).to_contain_text("broke off")


def test_a_refused_key_is_told_and_not_shown(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.script.reply = Failure(401, "Incorrect API key provided: sk-secret-0123456789abcdef")
    with place.page() as page:
        ask(page, QUESTION)
        told = page.locator(".unfinished")
        expect(told).to_contain_text("key")
        expect(page.locator(".draft, .searching")).to_have_count(0)
        expect(page.locator("#sources")).to_be_hidden()
        assert "0123456789" not in page.content()
        picture(page, "model-key")
        place.script.reply = TRUE
        told.locator("button").click()
        answered(page)


def test_stop_ends_the_work_of_a_silent_model(place: Place) -> None:
    place.script.reply = Silence(after=["The new ", "treaty "])
    with place.page() as page:
        ask(page, QUESTION)
        expect(page.locator(".draft")).to_contain_text("The new")
        before = place.provider.hung_up
        page.keyboard.press("Escape")
        expect(page.locator(".unfinished")).to_contain_text("Stopped")
        expect(page.locator(".draft")).to_have_count(0)
        began = time.monotonic()
        while place.provider.hung_up == before:
            assert time.monotonic() - began < 5
            time.sleep(0.01)


HOSTILE = "</i></p><img src=x onerror=alert(1)> & \ud800 <b>"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Said.", "Said: a\n- b", HOSTILE]),
            st.sampled_from(["", " ", "\n", "\n\n", "- ", "\n- ", "\n\n7. ", "\n8) "]),
            st.sampled_from(["quoted", "supported", "weak", "unsupported"]),
        ),
        max_size=6,
    )
)
def test_every_sentence_stands_once_and_the_draft_last(
    written: list[tuple[str, str, Label]],
) -> None:
    sentences = [Sentence(text, verdict, (), HOSTILE, lead) for text, lead, verdict in written]
    html = LexborHTMLParser(text_html(sentences, [], drafting=True))
    assert len(html.css(".sentence")) == len(sentences)
    assert not html.css("img, b, li > .sentence p + p")
    assert len(html.css(".verdict")) == sum(verdict in WORDS for _, _, verdict in written)
    (draft,) = html.css(".draft")
    # In the list whose items came last; else where a sentence would go on.
    assert draft.parent is not None
    if written and "\n" not in written[-1][0] and written[-1][1].strip():
        assert draft.parent.tag == "li"
    found = html.css(".sentence, .draft")
    assert found[-1].attributes["class"] == "draft"


def test_a_fast_model_does_not_flood_the_browser(place: Place) -> None:
    def fast(messages: Any) -> Iterator[str]:
        for number in range(300):
            yield f"word{number} "
            time.sleep(0.005)
        yield "end [1]."

    place.script.reply = fast
    with place.page() as page:
        page.evaluate(
            "window.changes = 0; new MutationObserver(() => changes++).observe(document."
            "querySelector('#transcript'), {childList: true, characterData: true, subtree: true})"
        )
        began = time.monotonic()
        ask(page, QUESTION)
        answered(page)
        took = time.monotonic() - began
        assert 3 <= page.evaluate("changes") <= 22 * took + 10


def test_what_was_searched_and_how_often_the_model_was_asked_is_shown(place: Place) -> None:
    parts = ("How long will the treaty last?", "What did Peskov say?")
    plan = f"QUESTION: {parts[0]}\nSEARCH: {parts[0]}\nSEARCH: {parts[1]}"

    def said(messages: list[dict[str, str]]) -> str:
        return plan if "SEARCH:" in messages[0]["content"] else TRUE

    place.script.reply = said
    with place.page() as page:
        ask(page, "How long will the treaty last, and what did Peskov say?")
        answered(page)
        for part in parts:
            expect(page.locator(".searched")).to_contain_text(part)
        expect(page.locator(".sure")).to_contain_text("2 of at most 4 calls")
        picture(page, "model-searches")


def test_two_people_do_not_wait_for_each_other(place: Place) -> None:
    script = place.script
    script.reply = script.held("The new treaty ", then=["is expected to last for 20 years [1]."])
    with place.page() as one, place.page() as other:
        ask(one, QUESTION)
        expect(one.locator(".draft")).to_contain_text("The new treaty")
        script.reply = TRUE
        ask(other, QUESTION)
        answered(other)
        expect(one.locator(".draft")).to_contain_text("The new treaty")
        script.going.set()
        answered(one)


def test_a_real_small_model_answers_and_every_sentence_has_its_verdict(
    place: Place, seeds_index: Path, tmp_path: Path
) -> None:
    from language_model import small_model

    index = tmp_path / "index"
    shutil.copytree(seeds_index, index)
    with small_model() as url:
        model = f"openai-like:smollm2@{url}/v1"
        with (
            Assistant.open(index, model=model, model_context=1200, answer_tokens=80) as assistant,
            serving(create_app(assistant, access=Access.open())) as address,
            replace(place, url=address).page() as page,
        ):
            page.evaluate(
                "window.drafts = new Set(); new MutationObserver(() => { const one = document"
                ".querySelector('.draft'); if (one) drafts.add(one.textContent); }).observe("
                "document.querySelector('#transcript'), {childList: true, subtree: true, "
                "characterData: true})"
            )
            ask(page, QUESTION)
            expect(page.locator(".turn .tools")).to_be_visible(timeout=90_000)
            picture(page, "model-real")
            assert page.evaluate("drafts.size") > 3
            (turn,) = assistant.chat(id=page.url.rpartition("c=")[2]).history
            assert not isinstance(turn.answer, str)
            assert turn.answer.model == model
            shown = page.locator(".sentence")
            expect(shown).to_have_count(len(turn.answer.sentences))
            for one, sentence in zip(shown.all(), turn.answer.sentences, strict=True):
                assert sentence.verdict in (one.get_attribute("class") or "").split()
