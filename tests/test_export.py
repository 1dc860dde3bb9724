"""Conversations as Markdown: what it says, and that no text in it acts as Markdown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from assistant import Answer, Assistant, Citation, Sentence, Turn
from assistant.conversation.blocks import model_name
from assistant.conversation.export import escaped, markdown

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HARMLESS = {
    *("text", "hardbreak", "softbreak", "inline", "paragraph_open", "paragraph_close"),
    *("heading_open", "heading_close", "em_open", "em_close", "strong_open", "strong_close"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("ordered_list_open", "ordered_list_close"),
}
UGLY = [
    *("![x](http://example.org/a.png)", "[a](javascript:x)", "<img src=x>", "<!-- c -->", "`code`"),
    *("```", "~~~", "***", "---", "===", "# h", "1. one", "2) two", "- item", "+ plus", "> q", "|"),
    *(
        "| a | b |\n|---|---|",
        "[^1]",
        "[^1]: x",
        "[1]: http://example.org",
        "&lt;b&gt;",
        "\\",
        "\n",
    ),
    *(
        "\n\n",
        "    code",
        "\t",
        "**b**",
        "__b__",
        "_e_",
        "~~s~~",
        "$x$",
        "http://example.org",
        "\r",
    ),
    *("www.example.org", "a@example.org", "<https://example.org>", "\u2028", "\u202e", "\x1b[31m"),
    *("\x00", "\ud800", "é", "汉", " ", "word", "!", "[", "]", "(", ")", "*", "_", "`", "<", "^"),
]
ugly = st.lists(st.sampled_from(UGLY) | st.text(max_size=8), max_size=6).map("".join)


def citation(number: int, *, title: str = "A", source: str = "a.md", quote: str = "q") -> Citation:
    return Citation(
        number=number,
        source=source,
        title=title,
        quote=quote,
        start=0,
        end=len(quote),
        page=None,
        page_end=None,
        heading=(title[::-1],),
        sheet=None,
        row=None,
        content_hash="0" * 64,
        passage=quote,
        passage_start=0,
        score=0.5,
        cosine=0.5,
        dense_rank=1,
        lexical_rank=None,
        lexical_score=0.0,
        matched=(),
    )


def answer(question: str, *sentences: Sentence, **fields: object) -> Answer:
    values: dict[str, object] = {
        "question": question,
        "search_query": question,
        "text": " ".join(sentence.text for sentence in sentences),
        "refused": False,
        "confidence": 0.9,
        "sentences": sentences,
        "citations": (),
        "model": "extractive",
        "timings": {},
    }
    return Answer(**{**values, **fields})  # type: ignore[arg-type]


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def headings(text: str) -> list[str]:
    parsed = PARSER.parse(text)
    return [
        "".join(child.content for child in parsed[place + 1].children or ())
        for place, token in enumerate(parsed)
        if token.type == "heading_open"
    ]


def marks_and_notes(text: str) -> tuple[list[int], list[int]]:
    """The footnotes that are referred to, in order, and those that are there."""
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    notes = [int(number) for number in re.findall(r"^\[\^(\d+)\]: ", bare, re.MULTILINE)]
    body = re.sub(r"^\[\^(\d+)\]: ", "", bare, flags=re.MULTILINE)
    return [int(number) for number in re.findall(r"\[\^(\d+)\]", body)], notes


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@settings(max_examples=300, deadline=None)
@given(
    title=ugly,
    question=ugly,
    words=ugly,
    name=ugly,
    reason=ugly,
    lead=st.sampled_from(["", " ", "\n", "\n\n", "\n- ", "\n\n12. "]),
    refused=st.booleans(),
)
def test_no_text_acts_as_markdown(
    title: str, question: str, words: str, name: str, reason: str, lead: str, *, refused: bool
) -> None:
    if refused:
        given_answer = answer(question, text=words, refused=True, search_query=name, notice=reason)
        chosen = answer(question, text=words, choices=(name, words))
    else:
        given_answer = answer(
            question,
            Sentence(words, "weak", (1, 2), reason),
            Sentence(name, "quoted", (2,), lead=lead),
            citations=(citation(1, title=name, quote=words), citation(2, source=name, quote=name)),
            search_query=reason,
            searches=(reason, name),
            notice=words,
            model=name,
        )
        chosen = answer(question, Sentence(words, "quoted", (1,)), citations=(citation(1),))
    text = markdown(
        title, [Turn(question, given_answer), Turn(question, chosen), Turn(name, words)]
    )
    text.encode("utf-8")
    assert {token.type for token in tokens(text)} <= HARMLESS
    assert [letters(heading) for heading in headings(text)] == [
        letters(escaped(part)) for part in (title, question, question, name)
    ]
    marks, notes = marks_and_notes(text)
    assert notes == ([] if refused else [1, 2, 3])
    assert set(marks) == set(notes)


@given(ugly)
def test_what_is_escaped_is_shown_as_it_is(text: str) -> None:
    shown = "".join(token.content for token in tokens(escaped(text)) if token.type == "text")
    assert letters(shown) == letters(text.replace("\ud800", ""))
    assert "\n" not in escaped(text)


def test_footnotes_are_numbered_through_and_say_where_and_how_sure() -> None:
    first = answer(
        "Who?",
        Sentence("Anna did.", "quoted", (1,)),
        Sentence("Twice.", "weak", (1, 2), "the source says once"),
        citations=(citation(1, quote="Anna did."), citation(2, title="B", source="b.md")),
    )
    second = answer(
        "And when?",
        Sentence("These:\n- Monday\n- Friday", "supported", (1,)),
        Sentence("Then.", "unsupported", (), "no source says it"),
        citations=(citation(1, title="C"),),
        search_query="When did Anna?",
    )
    text = markdown("On Anna", [Turn("Who?", first), Turn("And when?", second)])
    assert text == markdown("On Anna", [Turn("Who?", first), Turn("And when?", second)])
    assert text == "\n\n".join(
        [
            "# On Anna",
            "## Who?",
            "Anna did.[^1] Twice.[^1][^2] *(weak: the source says once)*",
            "## And when?",
            "*Searched for: When did Anna?*",
            "These:\\\n\\- Monday\\\n\\- Friday[^3]",
            "Then. *(unsupported: no source says it)*",
            "[^1]: A · a.md: “Anna did.” (quoted, weak)",
            "[^2]: B · b.md: “q” (weak)",
            "[^3]: C · a.md: “q” (supported)\n",
        ]
    )


def test_a_language_models_answer_says_what_is_wrong_with_it_and_who_wrote_it() -> None:
    written = answer(
        "What is agreed?",
        Sentence("Three things are.", "supported", (1,)),
        Sentence("Trade *grows*.", "quoted", (1, 2), lead="\n\n- "),
        Sentence("It doubles.", "unsupported", (1,), "the source says 20 %", lead=" "),
        Sentence("Tariffs fall.", "weak", (2,), "the source says may", lead="\n- "),
        Sentence("First of all, peace.", "unsupported", (), "no passage says it", lead="\n\n1. "),
        Sentence("So it ends.", "supported", (2,), lead="\n\n"),
        citations=(citation(1), citation(2)),
        searches=("agreed trade", "agreed tariffs"),
        notice="the model was cut off",
        model="ollama:qwen3:4b@http://127.0.0.1:11434",
        model_calls=2,
    )
    text = markdown("T", [Turn("What is agreed?", written)])
    assert text.split("\n\n")[1:8] == [
        "## What is agreed?",
        "*Searched for: agreed trade · agreed tariffs*",
        "*Note: the model was cut off*",
        "Three things are.[^1]",
        "- Trade \\*grows\\*.[^1][^2] It doubles.[^1] *(unsupported: the source says 20 %)*\n"
        "- Tariffs fall.[^2] *(weak: the source says may)*",
        "1. First of all, peace. *(unsupported: no passage says it)*",
        "So it ends.[^2]",
    ]
    assert "*Written by qwen3:4b, checked sentence by sentence*" in text
    assert {token.type for token in tokens(text)} <= HARMLESS


def test_a_long_question_is_cut_in_its_heading_and_whole_below() -> None:
    question = "Is the treaty " + "really " * 800 + "*signed*?\nOr not?"
    text = markdown("Long", [Turn(question, "No.")])
    (heading, below) = text.split("\n\n")[1:3]
    assert heading.startswith("## Is the treaty really")
    assert heading.endswith("really…")
    assert len(heading) < 200
    assert below == escaped(question.splitlines()[0]) + "\\\nOr not?"


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("extractive", "extractive"),
        ("openai-like:Qwen/Qwen3-8B@https://user:secret@host/v1", "Qwen/Qwen3-8B"),
        ("anthropic:claude-haiku-4-5", "claude-haiku-4-5"),
        ("gguf:/srv/models/small-q4.gguf", "small-q4.gguf"),
        ("qwen3:4b", "qwen3:4b"),
    ],
)
def test_a_models_name_tells_no_address_and_no_folder(model: str, shown: str) -> None:
    assert model_name(model) == shown


def test_an_empty_conversation_is_its_title() -> None:
    assert markdown("Nothing yet", []) == "# Nothing yet\n"


@pytest.fixture(scope="module")
def exported(seeds_index: Path) -> str:
    with Assistant.open(seeds_index) as assistant:
        conversation = assistant.chat()
        conversation.ask("Which payment system is Russia banned from?")
        conversation.ask("Which yeast makes the best sourdough pancakes?")
        conversation.ask("What did Jalali say about payments?", search_query="Jalali on SWIFT")
        return conversation.markdown()


def test_a_real_conversation_reads_well(exported: str) -> None:
    assert headings(exported) == [
        "Which payment system is Russia banned from?",
        "Which payment system is Russia banned from?",
        "Which yeast makes the best sourdough pancakes?",
        "What did Jalali say about payments?",
    ]
    marks, notes = marks_and_notes(exported)
    assert notes == sorted(set(marks)) == list(range(1, len(notes) + 1))
    assert len(notes) >= 2
    assert "SWIFT" in exported
    assert "**Refused: the documents do not hold the answer.**" in exported
    assert "Closest, but not an answer:" in exported
    assert "*Searched for: Jalali on SWIFT*" in exported
    assert "background.pdf · page 3" in exported
    assert "(quoted)" in exported
