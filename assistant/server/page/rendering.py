"""Answers and their sources as HTML, every text in it escaped."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from assistant.answering import Answer, Citation, Sentence, cited
from assistant.conversation import Feedback, Turn
from assistant.payloads import plain
from assistant.retrieval import Hit
from assistant.server.page.shown import count, shown, shown_name

# A longer passage is shown around its quote; the viewer shows all of it.
PASSAGE_SHOWN = 1400
AROUND_QUOTE = 500
# A longer word may be torn from the marks after it.
LONGEST_WORD = 24
# What the marks of sentences mean, best first.
VERDICTS = {
    "quoted": "word for word in its source",
    "supported": "borne out by its source",
    "weak": "borne out in part",
    "unsupported": "not borne out by its source",
}
SURROGATES = re.compile("[\ud800-\udfff]")


def sendable(text: object) -> str:
    """Text that the page's script shows as text; lone surrogates cannot be sent."""
    return SURROGATES.sub("\ufffd", str(text))


def turn_html(turn: Turn, changed: Callable[[Citation], str]) -> str:
    """What stands below a question: the answer, what can be done with it, and its sources.

    Args:
        turn: The question and its answer.
        changed: What became of a citation's source since: "same", "moved", "changed", "gone".
    """
    answer = turn.answer
    if isinstance(answer, str):
        return f'<div class="answer"><div class="text"><p>{shown(answer)}</p></div></div>'
    if answer.refused:
        body = _refusal(answer)
    elif answer.choices:
        body = _choices(answer)
    else:
        body = text_html(answer.sentences, answer.citations) + _verdicts(answer.sentences)
    closest = enumerate(answer.closest if answer.refused else (), start=1)
    kind = "refusal" if answer.refused else "clarifying" if answer.choices else "cited"
    return (
        f'<div class="answer {kind}">{_searched(answer)}{body}'
        f"{_tools(answer, turn.feedback)}</div>"
        f"{sources_html(answer.citations, changed)}"
        f"{_cards(_hit(number, hit) for number, hit in closest)}"
    )


def same(citation: Citation) -> str:
    """What became of the source of an answer given just now."""
    return "same"


def searching_html(search_query: str, question: str) -> str:
    """What stands there while nothing is known yet."""
    query = f": {shown(_shortened(search_query, 140))}" if search_query != question else ""
    return f'<p class="searching" role="status">Searching{query}</p>'


def partial_html(sentences: Sequence[Sentence], citations: Sequence[Citation]) -> str:
    """An answer of which not all is known yet."""
    text = text_html(sentences, citations)
    return f'<div class="answer cited">{text}</div>{sources_html(citations, same)}'


def text_html(sentences: Sequence[Sentence], citations: Sequence[Citation]) -> str:
    """The sentences with their marks; those on a line of their own in paragraphs and lists."""
    by_number = {citation.number: citation for citation in citations}
    blocks: list[str] = []
    inline: list[str] = []
    for sentence in sentences:
        first, *items = sentence.text.split("\n")
        marks = _marks(sentence, by_number)
        if not items:
            inline.append(_sentence(sentence, _ending(first, marks)))
            continue
        if inline:
            blocks.append(f"<p>{' '.join(inline)}</p>")
            inline = []
        listed = "".join(f"<li>{shown(item)}</li>" for item in items[:-1])
        listed += f"<li>{_ending(items[-1], marks)}</li>"
        lead = f"<p>{shown(first)}</p><ul>{listed}</ul>"
        blocks.append(f'<div class="sentence {shown(sentence.verdict)}">{lead}</div>')
    if inline:
        blocks.append(f"<p>{' '.join(inline)}</p>")
    return f'<div class="text">{"".join(blocks)}</div>'


def sources_html(citations: Sequence[Citation], changed: Callable[[Citation], str]) -> str:
    """The cited passages in order; the page shows them beside the answer."""
    return _cards(_citation(citation, changed(citation)) for citation in citations)


def _cards(cards: Iterable[str]) -> str:
    return f'<div class="sources" hidden>{html}</div>' if (html := "".join(cards)) else ""


def passage_html(text: str, quote: tuple[int, int], matched: Iterable[str]) -> str:
    """A passage with the quote marked, and lightly the words that match the question's.

    Args:
        text: The passage.
        quote: Where the quote stands in it; an empty span marks none.
        matched: Words, as they stand in the passage.
    """
    start, end = quote
    first, last = 0, len(text)
    if len(text) > PASSAGE_SHOWN:
        first, last = max(0, start - AROUND_QUOTE), min(len(text), end + AROUND_QUOTE)
        first = text.find(" ", first, start) + 1 or first if first else 0
        last = text.rfind(" ", end, last) if last < len(text) else last
        last = max(last, end)
    words = "|".join(re.escape(word) for word in sorted(set(matched), key=len, reverse=True))
    spans = (
        [found.span() for found in re.finditer(rf"(?<!\w)(?:{words})(?!\w)", text)] if words else []
    )
    edges = {first, last} | {edge for edge in (start, end) if first < edge < last}
    edges |= {edge for span in spans for edge in span if first < edge < last}
    starts = [span[0] for span in spans]
    parts = ["… "] if first else []
    cuts = sorted(edges)
    inside = False
    for begin, stop in pairwise(cuts):
        if begin == start < end:
            parts.append("<mark>")
            inside = True
        piece = shown(text[begin:stop])
        place = bisect_right(starts, begin) - 1
        is_word = place >= 0 and begin < spans[place][1]
        parts.append(f'<b class="matched">{piece}</b>' if is_word else piece)
        if inside and stop == end:
            parts.append("</mark>")
            inside = False
    return "".join(parts) + (" …" if last < len(text) else "")


def _sentence(sentence: Sentence, html: str) -> str:
    return f'<span class="sentence {shown(sentence.verdict)}">{html}</span>'


def _ending(text: str, marks: str) -> str:
    """A text with its marks, which stay on the line of its last word."""
    before, space, last = text.rpartition(" ")
    if len(last) > LONGEST_WORD:
        return shown(text) + marks
    return f'{shown(before + space)}<span class="ending">{shown(last)}{marks}</span>'


def _marks(sentence: Sentence, citations: dict[int, Citation]) -> str:
    """The numbers of its sources, which open them, and the verdict as a small sign."""
    links = ""
    for number in sentence.citations:
        if (citation := citations.get(number)) is None:
            continue
        where = ", ".join(filter(None, (_shortened(citation.title, 80), citation.place)))
        links += (
            f'<a class="cite" href="#source-{number}" data-cite="{number}" '
            f'title="{shown(where)}" aria-label="Source {number}: {shown(where)}">{number}</a>'
        )
    return f'<span class="marks">{links}{_sign(sentence.verdict, sentence.reason)}</span>'


def _sign(verdict: str, reason: str = "") -> str:
    meaning = f"{verdict.capitalize()}: {reason or VERDICTS[verdict]}"
    return (
        f'<span class="sign {shown(verdict)}" role="img" title="{shown(meaning)}" '
        f'aria-label="{shown(meaning)}"></span>'
    )


def _verdicts(sentences: Sequence[Sentence]) -> str:
    """How many sentences have which verdict, which explains the signs; and what is wrong."""
    counts = {name: sum(s.verdict == name for s in sentences) for name in VERDICTS}
    legend = "".join(
        f'<li title="{shown(VERDICTS[name])}"><span class="sign {name}"></span>'
        f"{count:,} {name}</li>"
        for name, count in counts.items()
        if count
    )
    notes = "".join(
        f'<li><span class="sign {shown(sentence.verdict)}"></span>'
        f"“{shown(_shortened(sentence.text, 60))}”: {shown(sentence.reason)}</li>"
        for sentence in sentences
        if sentence.reason
    )
    return (
        f'<ul class="legend" aria-label="How far the sources bear the sentences out">{legend}</ul>'
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
    )


def _searched(answer: Answer) -> str:
    """What was searched, where that is not what was typed; it can be edited and asked again."""
    if answer.search_query == answer.question:
        return ""
    query = shown(answer.search_query)
    return (
        f'<p class="searched">Searched for <q>{shown(_shortened(answer.search_query, 200))}</q> '
        f'<button type="button" data-do="edit-search" data-query="{query}">Edit</button></p>'
    )


def _refusal(answer: Answer) -> str:
    closest = "".join(
        f'<li><a class="closest" href="#source-{number}" data-cite="{number}">'
        f"<bdi>{shown(_shortened(hit.title, 120))}</bdi>"
        f'<span class="place">{shown(hit.passage.place)}</span></a></li>'
        for number, hit in enumerate(answer.closest, start=1)
    )
    return f'<div class="text"><p>{shown(answer.text)}</p></div>' + (
        f"<details><summary>Closest, but not an answer</summary><ol>{closest}</ol></details>"
        if closest
        else ""
    )


def _choices(answer: Answer) -> str:
    buttons = "".join(
        f'<button type="button" data-do="choose" data-question="{shown(choice)}">'
        f"{shown(_shortened(choice, 120))}</button>"
        for choice in answer.choices
    )
    return (
        f'<div class="text"><p>{shown(answer.text)}</p></div><div class="choices">{buttons}</div>'
    )


def _tools(answer: Answer, feedback: Feedback | None) -> str:
    """What can be done with an answer."""
    sources = len(answer.citations) or len(answer.closest) * answer.refused
    number = (
        f'<button type="button" class="count" data-do="sources">{count(sources, "source")}</button>'
        if sources and not answer.refused
        else ""
    )
    good = "" if feedback is None else str(feedback.good).lower()
    comment = "" if feedback is None else feedback.comment
    seconds = answer.timings.get("total")
    sure = f"{round(100 * answer.confidence)} % sure that the documents hold the answer"
    took = f'<span class="took"> · {seconds:.2f}\u00a0s</span>' if seconds is not None else ""
    return (
        f'<div class="tools" data-good="{good}" data-comment="{shown(comment)}">{number}'
        f"{_tool('copy', 'Copy the answer')}{_tool('retry', 'Ask again')}"
        f"{_tool('good', 'Good answer', pressed=good == 'true')}"
        f"{_tool('bad', 'Bad answer', pressed=good == 'false')}"
        f'<span class="sure">{"" if answer.choices else sure + took}</span></div>'
        f'<textarea class="copied" hidden readonly>{shown(_plain(answer))}</textarea>'
    )


def _tool(name: str, label: str, *, pressed: bool | None = None) -> str:
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    return (
        f'<button type="button" class="icon" data-do="{name}" title="{label}" '
        f'aria-label="{label}"{state}></button>'
    )


def _plain(answer: Answer) -> str:
    """An answer to be pasted somewhere: the text, then its sources."""
    sources = [
        f"[{citation.number}] " + ", ".join(filter(None, (citation.title, citation.place)))
        for citation in answer.citations
    ]
    return "\n".join([answer.text, "", *sources]) if sources else answer.text


def _citation(citation: Citation, state: str) -> str:
    start = citation.start - citation.passage_start
    text = citation.passage or citation.quote
    quote = (start, start + len(citation.quote)) if citation.passage else (0, len(text))
    note = {
        "changed": "This document changed since; the words below are those that were cited.",
        "gone": "This document is no longer indexed; the words below are those that were cited.",
    }.get(state, "")
    return _card(citation, passage_html(text, quote, citation.matched), note)


def _hit(number: int, hit: Hit) -> str:
    return _card(cited(hit, number), passage_html(hit.text, (0, 0), hit.matched), "")


def _card(citation: Citation, passage: str, note: str) -> str:
    number, title, source = citation.number, citation.title, citation.source
    place = f'<span class="place">{shown(citation.place)}</span>' if citation.place else ""
    name = f'<span class="name"><bdi>{shown_name(source, 90)}</bdi></span>' * (source != title)
    changed = f'<p class="changed">{shown(note)}</p>' if note else ""
    # The browser gives it back to open the viewer.
    whole = shown(json.dumps(plain(citation), separators=(",", ":")))
    return (
        f'<article class="source" data-source="{number}" tabindex="-1" '
        f'aria-label="Source {number}">'
        f'<header><span class="number" aria-hidden="true">{number}</span><div>'
        f'<h3 title="{shown(title)}"><bdi>{shown_name(title, 160)}</bdi></h3>'
        f'<p class="where">{place}{name}</p></div></header>{changed}'
        f"<blockquote>{passage}</blockquote>"
        f'<div class="foot">{_why(citation)}'
        f'<button type="button" data-do="view" data-citation="{whole}">Open in document</button>'
        "</div></article>"
    )


def _why(found: Citation) -> str:
    """Why a passage was found: both ranks, the scores, the words."""
    lexical = (
        f"{_ranked(found.lexical_rank)} (BM25 {found.lexical_score:.1f})"
        if found.lexical_rank
        else "not found"
    )
    dense = f"{_ranked(found.dense_rank)} (cosine {found.cosine:.2f})"
    words = "".join(f"<li>{shown(word)}</li>" for word in found.matched)
    rows = (
        ("By meaning", dense),
        ("By words", lexical),
        ("Together", f"{found.score:.2f}"),
        ("Words", f"<ul>{words}</ul>" if words else "none in common"),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return f"<details><summary>Why this passage</summary><dl>{listed}</dl></details>"


def _ranked(rank: int | None) -> str:
    return f"rank {rank}" if rank else "beyond reach"


def _shortened(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
