"""The passages that an answer cites, as cards beside it, every text escaped."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from assistant.answering import Citation, cited
from assistant.payloads import plain
from assistant.retrieval import Hit
from assistant.server.page.shown import shown, shown_name

# A longer passage is shown around its quote; the viewer shows all of it.
PASSAGE_SHOWN = 1400
AROUND_QUOTE = 500


def sources_html(citations: Sequence[Citation], changed: Callable[[Citation], str]) -> str:
    """The cited passages in order; the page shows them beside the answer."""
    return _cards(_citation(citation, changed(citation)) for citation in citations)


def hits_html(hits: Sequence[Hit]) -> str:
    """Passages that were found and are no sources."""
    return _cards(_hit(number, hit) for number, hit in enumerate(hits, start=1))


def same(citation: Citation) -> str:
    """What became of the source of an answer given just now."""
    return "same"


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
