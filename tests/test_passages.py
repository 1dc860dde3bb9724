"""Passages: offsets are exact on any text, the budget holds, sentences and rows stay whole."""

import os
import subprocess
import sys
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant import bundled, tokens
from assistant.documents import Block, Document
from assistant.documents.document import BlockKind
from assistant.errors import AssistantError, SettingsError
from assistant.passages import Passage, count_tokens, sentence_spans, split


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def document(*parts: tuple[str, dict[str, object]], between: str = "\n\n") -> Document:
    """A document whose blocks are the given texts, with white space between them."""
    text, blocks = "", []
    for content, facts in parts:
        text += between if text else ""
        blocks.append(Block(len(text), len(text) + len(content), **facts))  # type: ignore[arg-type]
        text += content
    return Document("a.txt", "Title", text, "txt", tuple(blocks), None, "0")


def paragraph(text: str, **facts: object) -> tuple[str, dict[str, object]]:
    return text, facts


def heading(*path: str, **facts: object) -> tuple[str, dict[str, object]]:
    return path[-1], {"kind": "heading", "heading": path, **facts}


def check(made: Document, passages: list[Passage], max_tokens: int) -> None:
    """Everything that a list of passages promises, for any document."""
    text = made.text
    covered: set[int] = set()
    for position, passage in enumerate(passages):
        assert passage.position == position
        assert (passage.source, passage.title) == (made.source, made.title)
        assert text[passage.start : passage.end] == passage.text
        assert passage.text
        assert passage.text == passage.text.strip()
        assert passage.tokens == count_tokens(passage.text) <= max_tokens
        for start, end in passage.sentences:
            assert passage.start <= start < end <= passage.end
            assert text[start:end] == text[start:end].strip()
        for left, right in pairwise(passage.sentences):
            assert left.end <= right.start
        covered.update(range(passage.start, passage.end))
    for before, after in pairwise(passages):
        assert before.end <= after.start
    spoken = [block for block in made.blocks if block.kind != "heading"]
    in_sentences = {
        offset
        for passage in passages
        for start, end in passage.sentences
        for offset in range(start, end)
    }
    for block in made.blocks:
        offsets = {offset for offset in range(block.start, block.end) if not text[offset].isspace()}
        assert offsets <= covered
        assert (offsets <= in_sentences) if block in spoken else not offsets & in_sentences


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith met U.S. officials.", "He left."],
        ["J. K. Rowling wrote it.", "It sold well."],
        ["George W. Bush won.", "She met Mr. Brown."],
        ["It rose 12.5 percent to $3.50 in 1998.", "The market fell."],
        ["They met at 5 p.m.", "He left."],
        ["Use tools, e.g. a hammer, i.e. this one.", "Then stop."],
        ["Wait... what?", "I see...", "The end."],
        ["Well . . . perhaps.", "Yes."],
        ['He said "no."', "She left."],
        ["He said “no.”", "She left."],
        ["„Nein.“", "Er ging."],
        ['"Why?" he asked.', "(Nobody knew.)", "[He left.]", "So it ended."],
        ["Really?!", "Yes!", "No."],
        ["1. First item.", "2. Second item."],
        ["By Smith et al. (2004) and Jones et al. [3].", "E. coli grew."],
        ["It lasts 20 years.[12]", "It was signed.¹", "Both agreed.[1,2][3]", "The end."],
        ["No. 5 is on p. 7 of vol. 2.", "See Fig. 3 and Fig. S1.", "He said no.", "Then he left."],
        ["On Jan. 17, 2025 they met.", "Lt. Gen. Mark Milley spoke."],
        ["He was ill.", "John left.", "Springfield, Ill. is a town."],
        ["This ended World War I.", "The peace held.", "We ate vitamin C.", "She slept."],
        ["i saw it.", "then we left.", "iPhone sales fell."],
        ["He said `` no . ''", "She left ( in 1998 . ) .", "( So it ended . )", "Yes ."],
        ["今天下雨。", "明天呢？", "好！"],
        ["「行く。」と言った。", "終わり。"],
        ["کیا؟", "ہاں۔", "ٹھیک"],
        ["यह है।", "वह था।"],
        ["Это было в 1998 г. Москва росла.", "Потом он ушёл."],
        ["naïve café?", "Überall!", "Étrange."],
    ],
)
def test_sentences_end_where_a_reader_says(expected: list[str]) -> None:
    text = (
        "".join(expected)
        if unicodedata.east_asian_width(expected[0][-1]) in "WF"
        else " ".join(expected)
    )
    assert sentences(text) == expected


def test_lines_end_sentences_only_when_blank_or_items_of_a_list() -> None:
    assert sentences("One line\ngoes on. Next\r\ngoes on") == [
        "One line\ngoes on.",
        "Next\r\ngoes on",
    ]
    assert sentences("A title\n\nA text\n \t\nMore\r\n\r\nLast") == [
        "A title",
        "A text",
        "More",
        "Last",
    ]
    assert sentences("We need:\n- bread\n* salt\n1. time\n12) luck") == [
        "We need:",
        "- bread",
        "* salt",
        "1. time",
        "12) luck",
    ]


UGLY_PIECES = [
    *("The treaty lasts twenty years. ", "Dr. Smith left. ", "Same line.\n", "Same line.\n"),
    *("\r\n", "\n\n", "\t", " ", "   ", "\u00a0", "\u2028", "\f", "\x85", "\u200b", "\ufeff"),
    *(
        "👍🏽",
        "👨\u200d👩\u200d👧\u200d👦",
        "🇩🇪🇫🇷",
        "❤\ufe0f",
        "e\u0301\u0323",
        "\u0301",
        "\u0301" * 40,
    ),
    *(
        "שלום עולם. ",
        "مرحبا؟ ",
        "کیا۔ ",
        "क्षि। ",
        "漢字。",
        "「はい。」",
        "한국어\u1112\u1161\u11ab",
    ),
    *(".", "...", "?!", '."', "([{", ")]}", "[1]", "…", "--", "1. ", "- ", "\n- ", "\n2) "),
    *("x" * 300, "word " * 90, "a,b;" * 60, "9" * 120, "<|endoftext|>", "\ud800", "\udc00", "\x00"),
]
ugly = st.lists(st.one_of(st.sampled_from(UGLY_PIECES), st.text(max_size=20)), max_size=14).map(
    "".join
)


@st.composite
def ugly_documents(draw: st.DrawFn) -> Document:
    parts = []
    page, path, sheet = 1, (), None
    paged, sheets = draw(st.booleans()), draw(st.booleans())
    for _ in range(draw(st.integers(0, 8))):
        kind: BlockKind = draw(
            st.sampled_from(["heading", "paragraph", "paragraph", "list-item", "row", "code"])
        )
        text = draw(ugly)
        if kind == "heading":
            text = draw(st.one_of(st.sampled_from(["Scope", "Scope", "Terms"]), ugly))
            path = (*path[: draw(st.integers(0, 2))], text)
        if sheets:
            sheet = draw(st.sampled_from(["One", "Two", None]))
        page_end = page + draw(st.sampled_from([0, 0, 0, 1, 3])) if paged else None
        facts = {"kind": kind, "heading": path, "sheet": sheet, "page_end": page_end}
        parts.append((text, {**facts, "page": page if paged else None}))
        page = (page_end or 0) + draw(st.integers(0, 1))
    return document(*parts, between=draw(st.sampled_from(["\n", "\n\n", " ", "\r\n", "\n" * 300])))


@given(ugly)
@example("a." * 50)
def test_sentences_of_ugly_text_are_exact(text: str) -> None:
    spans = sentence_spans(text)
    for left, right in pairwise(spans):
        assert left.end <= right.start
    for start, end in spans:
        assert text[start:end]
        assert text[start:end] == text[start:end].strip()
    inside = {offset for start, end in spans for offset in range(start, end)}
    assert {offset for offset, character in enumerate(text) if not character.isspace()} <= inside


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ugly_documents(), st.sampled_from([16, 17, 40, 200]))
def test_passages_of_ugly_documents_keep_every_promise(made: Document, max_tokens: int) -> None:
    passages = split(made, max_tokens=max_tokens)
    check(made, passages, max_tokens)
    assert passages == split(made, max_tokens=max_tokens)
    for passage in passages:
        blocks = [
            block
            for block in made.blocks
            if max(block.start, passage.start) < min(block.end, passage.end)
            and made.text[max(block.start, passage.start) : min(block.end, passage.end)].strip()
        ]
        assert {block.sheet for block in blocks} == {passage.sheet}
        starts = [block.page for block in blocks if block.page is not None]
        ends = [block.page_end for block in blocks if block.page_end is not None]
        assert passage.page == min(starts, default=None)
        assert passage.page_end == max(ends, default=None)
        if starts:
            assert max(starts) - min(starts) <= 1
    for block in made.blocks:
        row = made.text[block.start : block.end].strip()
        if block.kind == "row" and row and count_tokens(row) <= max_tokens:
            start = made.text.index(row, block.start)
            span = (start, start + len(row))
            assert sum(span in passage.sentences for passage in passages) == 1


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60), st.sampled_from([64, 100, 200]))
@settings(deadline=None)
def test_a_section_has_no_orphan_and_few_passages(lengths: list[int], max_tokens: int) -> None:
    made = document(paragraph(" ".join("The" + " word" * length + "." for length in lengths)))
    passages = split(made, max_tokens=max_tokens)
    check(made, passages, max_tokens)
    assert [len(sentence.split()) - 1 for sentence in sentences(made.text)] == lengths
    assert sum(len(passage.sentences) for passage in passages) == len(lengths)
    for before, after in pairwise(passages):  # what two share could not stand in one
        assert count_tokens(made.text[before.start : after.end]) > max_tokens
        larger, edge = (
            (before, before.sentences[-3:])
            if before.tokens > after.tokens
            else (after, after.sentences[:3])
        )
        movable = count_tokens(made.text[edge[0].start : edge[-1].end])
        assert abs(before.tokens - after.tokens) <= movable + 2, larger.text


def test_even_filling_rather_than_an_orphan() -> None:
    sentence = "The parties agree to work on the subject of this article with care."
    made = document(paragraph(" ".join([sentence] * 15)))
    per_passage = 200 // count_tokens(" " + sentence)
    assert per_passage == 14
    assert [len(passage.sentences) for passage in split(made, max_tokens=200)] in ([7, 8], [8, 7])


def test_a_heading_opens_its_passage_and_is_not_a_sentence() -> None:
    long = " ".join(f"Sentence number {number} is about the subject." for number in range(12))
    made = document(
        heading("Treaty"),
        heading("Treaty", "Scope"),
        paragraph(long, heading=("Treaty", "Scope")),
        heading("Treaty", "Term"),
        paragraph(long, heading=("Treaty", "Term")),
        heading("Treaty", "Annex"),
    )
    passages = split(made, max_tokens=200)
    check(made, passages, 200)
    assert [passage.heading for passage in passages] == [("Treaty", "Scope"), ("Treaty", "Term")]
    assert passages[0].text.startswith("Treaty\n\nScope\n\nSentence number 0")
    assert passages[1].text.startswith("Term\n\nSentence number 0")
    assert [len(passage.sentences) for passage in passages] == [12, 12]
    assert passages[1].context == "Title > Treaty > Term"


def test_small_sections_of_one_parent_share_a_passage() -> None:
    small = [
        part
        for parent in ("A", "B")
        for name in ("one", "two", "three")
        for part in (
            heading(parent, name),
            paragraph(f"Short text {name}.", heading=(parent, name)),
        )
    ]
    passages = split(document(*small), max_tokens=100)
    assert [passage.heading for passage in passages] == [("A",), ("B",)]
    assert [len(passage.sentences) for passage in passages] == [3, 3]


def test_rows_stay_whole_sheets_apart_and_the_first_row_is_named() -> None:
    rows = [
        paragraph(
            f"Country: Land {number}. Ltd.; Joined: {1900 + number}",
            kind="row",
            sheet=sheet,
            row=number,
            heading=(sheet,),
        )
        for sheet in ("Members", "Guests")
        for number in range(2, 42)
    ]
    made = document(*rows, between="\n")
    passages = split(made, max_tokens=100)
    check(made, passages, 100)
    assert {passage.sheet for passage in passages} == {"Members", "Guests"}
    spans = {(block.start, block.end): block.row for block in made.blocks}
    for passage in passages:
        assert passage.row == spans[passage.sentences[0]]
        assert passage.heading == (passage.sheet,)
    assert [span for passage in passages for span in passage.sentences] == list(spans)


def test_a_row_of_just_the_budget_is_not_cut() -> None:
    row = "Dr. Smith left. 0:\x810:\U00010000"
    assert count_tokens(row) == 16
    assert count_tokens("\n" + row) == 17
    made = document(paragraph("Scope"), paragraph(row, kind="row"), between="\n")
    assert [passage.text for passage in split(made, max_tokens=16)] == ["Scope", row]


def test_pages_are_never_lost() -> None:
    made = document(*(paragraph(f"Slide {n}.", page=n, page_end=n) for n in range(1, 7)))
    passages = split(made, max_tokens=200)
    assert [(passage.page, passage.page_end) for passage in passages] == [(1, 2), (3, 4), (5, 6)]
    torn = document(paragraph("A sentence that goes on. " * 60, page=3, page_end=5))
    assert {(p.page, p.page_end) for p in split(torn, max_tokens=100)} == {(3, 5)}


@pytest.mark.parametrize(
    "character",
    ["👨\u200d👩\u200d👧", "e\u0301\u0323", "🇩🇪", "👍🏽", "क्षि", "\u1112\u1161\u11ab"],
)
def test_a_run_without_spaces_is_cut_between_characters(character: str) -> None:
    made = document(paragraph(character * 400))
    passages = split(made, max_tokens=64)
    check(made, passages, 64)
    assert len(passages) > 2
    assert all(len(passage.text) % len(character) == 0 for passage in passages)


def test_an_accent_stays_on_its_letter_even_when_there_are_too_many() -> None:
    made = document(paragraph(("e" + "\u0301" * 90) * 9))
    passages = split(made, max_tokens=16)
    check(made, passages, 16)
    assert all(passage.text != "e" and not passage.text.endswith("e") for passage in passages)


@pytest.mark.parametrize(
    "line",
    [
        "x" * 1_000_000,
        "ab " * 333_000,
        "." * 1_000_000,
        "a. " * 333_000,
        "é👍" * 200_000,
        "( " * 500_000,
    ],
    ids=["letters", "words", "dots", "initials", "emoji", "brackets"],
)
def test_a_line_of_a_megabyte(line: str) -> None:
    made = document(paragraph(line))
    begun = time.process_time()
    passages = split(made, max_tokens=200)
    assert time.process_time() - begun < 60, "far more than linear time"
    assert max(passage.tokens for passage in passages) <= 200
    joined = "".join(passage.text for passage in passages)
    assert joined.replace(" ", "") == line.replace(" ", "")
    assert all(made.text[p.start : p.end] == p.text for p in passages)


def test_nothing_is_an_empty_list() -> None:
    assert split(document(), max_tokens=200) == []
    assert split(document(paragraph(" \n ")), max_tokens=200) == []
    assert sentence_spans(" \n\n\t") == []
    assert count_tokens("") == 0


def test_a_budget_too_small_is_refused() -> None:
    with pytest.raises(SettingsError, match="max_tokens is 15; it must be 16 or more"):
        split(document(paragraph("Text.")), max_tokens=15)


def test_tokens_are_those_of_cl100k_base() -> None:
    assert count_tokens("tiktoken is great!") == 6
    assert count_tokens("<|endoftext|>") == 7  # text, not a special token


def test_tokens_need_neither_the_network_nor_the_users_cache(tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from assistant.passages import count_tokens, sentence_spans\n"
        "heavy = {'tiktoken', 'regex', 'nltk', 'llama_index.core'} & set(sys.modules)\n"
        "import os; before = os.environ.get('TIKTOKEN_CACHE_DIR')\n"
        "print(heavy, count_tokens('tiktoken is great!'), len(sentence_spans('It is. So is he.')),"
        "      {'nltk', 'llama_index.core'} & set(sys.modules),\n"
        "      os.environ.get('TIKTOKEN_CACHE_DIR') == before)\n"
    )
    for cache in ({}, {"TIKTOKEN_CACHE_DIR": str(tmp_path)}):
        environment = {k: v for k, v in os.environ.items() if k != "TIKTOKEN_CACHE_DIR"}
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, **cache},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stdout.strip() == "set() 6 2 set() True", ran.stderr


def test_missing_data_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssistantError, match=r"no/such.*pip install --force-reinstall"):
        bundled.bundled("no/such")
    monkeypatch.setattr(tokens, "_ENCODING_SHA256", "another")
    with pytest.raises(AssistantError, match=r"damaged; install it anew"):
        tokens._encoding.__wrapped__()
