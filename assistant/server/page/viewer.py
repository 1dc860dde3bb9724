"""A cited passage in its document: as text with what stands around it, and as the page itself."""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from assistant.answering import Citation
from assistant.assistant import Assistant
from assistant.documents import Block, Document
from assistant.errors import AssistantError
from assistant.payloads import plain
from assistant.server.page.shown import count, shown, shown_name
from assistant.sources import Location

# Characters of the document before and after the passage, to the next border of a block; and the
# longest block that is shown whole.
AROUND = 2000
LONGEST_BLOCK = 6000
# Pixels: sharp at twice the drawer's width.
PAGE_WIDTH = 1400

_STATES = {
    "moved": "This document has changed since the answer was given. The words were found in it "
    "again, here.",
    "changed": "This document has changed since the answer was given, and the cited words are no "
    "longer in it. Below is the passage as it was then.",
    "gone": "This document is no longer indexed. Below is the passage as it was when the answer "
    "was given.",
}
Span = tuple[int, int]


def source_view(assistant: Assistant, citation: Citation, *, page: int | None = None) -> str:
    """The viewer's inside, as HTML in which everything is escaped; it needs viewer.css.

    The page's script puts it into a dialog, and scrolls the element with `data-focus` that is in
    sight to the middle, at once and on each `change` inside. For a press on a button with
    `data-do="view"` and `data-page` it asks for this again, with the button's citation and page.
    The two views and the zoom are radio buttons and need no script.

    Args:
        assistant: Who has the document.
        citation: What to show; it may be of any age, and its fields may be anything.
        page: The page of a PDF to show instead of the cited one.

    Raises:
        IndexStorageError: The index cannot be read.
    """
    location = assistant.locate(citation)
    document = location.document
    if document is None or location.state == "changed":
        text = _kept(citation)
        return _framed(citation, location, {"Text": text}, state=location.state)
    passage, quote = _spans(document, citation, location)
    views = {}
    if (picture := _page(assistant, citation, location, page=page)) is not None:
        views["Page"] = picture
    views["Text"] = _text(document, passage=passage, quote=quote)
    return _framed(citation, location, views, state=location.state)


def _framed(citation: Citation, location: Location, views: dict[str, str], *, state: str) -> str:
    """Title, place, what has become of the document, and the views with a switch between them."""
    document = location.document
    source = document.source if document is not None else citation.source
    title = document.title if document is not None else citation.title
    place = f"<span>{shown_name(citation.place, 200)}</span>" if citation.place else ""
    name = f"<bdi>{shown_name(source, 160)}</bdi>" if source != title else ""
    note = f'<p class="viewer-note" role="status">{_STATES[state]}</p>' if state in _STATES else ""
    switch = "".join(
        f'<label><input type="radio" name="viewer-view" value="{label.lower()}"'
        f"{'' if index else ' checked'}><span>{label}</span></label>"
        for index, label in enumerate(views)
    )
    tabs = (
        f'<fieldset class="viewer-switch"><legend>Show as</legend>{switch}</fieldset>'
        if len(views) > 1
        else ""
    )
    bodies = "".join(
        f'<div class="viewer-body viewer-{label.lower()}">{body}</div>'
        for label, body in views.items()
    )
    kind = "viewer-both" if len(views) > 1 else "viewer-one"
    return (
        f'<article class="viewer {kind}"><header class="viewer-head">'
        f'<h2><bdi>{shown_name(title, 200)}</bdi></h2><p class="viewer-place">{place}{name}</p>'
        f"{note}{tabs}</header>{bodies}</article>"
    )


def _kept(citation: Citation) -> str:
    """The passage as it was cited."""
    text = citation.passage
    start = citation.start - citation.passage_start
    end = start + len(citation.quote)
    if not citation.quote or text[max(start, 0) : end] != citation.quote:
        text, start, end = citation.quote, 0, len(citation.quote)
    inside = _marked(text, 0, passage=(0, len(text)), quote=(start, end), first=True)
    return f'<div class="viewer-flow"><p class="viewer-paragraph">{inside}</p></div>'


def _spans(document: Document, citation: Citation, location: Location) -> tuple[Span, Span]:
    """Where the passage and the quote are in the document now; the passage holds the quote."""
    quote = (location.start, location.end)
    start = citation.passage_start + location.start - citation.start
    end = start + len(citation.passage)
    if 0 <= start <= quote[0] and document.text[start:end] == citation.passage:
        return (start, max(end, quote[1])), quote
    return quote, quote


# The text.


def _text(document: Document, *, passage: Span, quote: Span) -> str:
    """The blocks around a passage, headings as such and rows as rows, passage and quote marked."""
    blocks = document.blocks
    starts = [block.start for block in blocks]
    first = max(0, bisect_right(starts, max(0, passage[0] - AROUND)) - 1)
    last = min(len(blocks), bisect_left(starts, passage[1] + AROUND))
    # A block begun long before the passage would be shown whole: not that one.
    while first < last and blocks[first].end <= passage[0] - AROUND:
        first += 1
    chosen = blocks[first:last]
    before = f'<p class="viewer-aside">{_left(first, "before this")}</p>' if first else ""
    after = (
        f'<p class="viewer-aside">{_left(len(blocks) - last, "after this")}</p>'
        if last < len(blocks)
        else ""
    )
    body = "".join(_parts(document, chosen, passage=passage, quote=quote))
    return f'<div class="viewer-flow">{before}{body}{after}</div>'


def _left(number: int, where: str) -> str:
    return f"{count(number, 'more part')} of the document {where}"


def _parts(
    document: Document, blocks: Sequence[Block], *, passage: Span, quote: Span
) -> Iterator[str]:
    """The blocks as HTML; list items and rows that follow one another belong together."""
    page, sheet, focused = None, None, False
    for kind, group in groupby(blocks, key=lambda block: (block.kind, block.page, block.sheet)):
        if kind[1] not in (None, page):
            yield f'<p class="viewer-break">Page {kind[1]}</p>'
        if kind[2] not in (None, sheet):
            yield f'<p class="viewer-break">Sheet {shown_name(str(kind[2]), 80)}</p>'
        page, sheet = kind[1] or page, kind[2] or sheet
        inside = []
        for block in group:
            first = not focused and block.end > quote[0] and block.start < quote[1]
            focused = focused or first
            text = _block(document, block, passage=passage, quote=quote, first=first)
            inside.append((block, text))
        match kind[0]:
            case "heading":
                for block, text in inside:
                    level = min(6, 2 + max(1, len(block.heading)))
                    yield f'<h{level} class="viewer-heading">{text}</h{level}>'
            case "list-item":
                items = "".join(f"<li>{text}</li>" for _, text in inside)
                yield f'<ul class="viewer-list">{items}</ul>'
            case "row":
                rows = "".join(
                    f"<tr><th scope=row>{block.row or ''}</th><td>{text}</td></tr>"
                    for block, text in inside
                )
                yield f'<table class="viewer-rows"><tbody>{rows}</tbody></table>'
            case "code":
                yield from (f'<pre class="viewer-code">{text}</pre>' for _, text in inside)
            case _:
                yield from (f'<p class="viewer-paragraph">{text}</p>' for _, text in inside)


def _block(document: Document, block: Block, *, passage: Span, quote: Span, first: bool) -> str:
    """A block's text; of a very long one, what stands near the passage."""
    start, end = block.start, block.end
    before = after = ""
    if end - start > LONGEST_BLOCK:
        if start < passage[0] - AROUND:
            start, before = max(start, min(passage[0] - AROUND, end - AROUND)), "… "
        if end > passage[1] + AROUND:
            end, after = min(end, max(passage[1] + AROUND, start + AROUND)), " …"
    inside = _marked(document.text[start:end], start, passage=passage, quote=quote, first=first)
    return f"{before}{inside}{after}"


def _marked(text: str, offset: int, *, passage: Span, quote: Span, first: bool) -> str:
    """A stretch of a document that begins at an offset, with what is marked of it."""
    edges = {offset, offset + len(text)}
    edges |= {edge for edge in (*passage, *quote) if offset < edge < offset + len(text)}
    cuts = sorted(edges)
    parts: list[str] = []
    for start, end in pairwise(cuts):
        piece = shown(text[start - offset : end - offset])
        if quote[0] <= start < quote[1]:
            focus = " data-focus" if first and "viewer-quote" not in "".join(parts) else ""
            piece = f'<mark class="viewer-quote"{focus}>{piece}</mark>'
        elif passage[0] <= start < passage[1]:
            piece = f'<span class="viewer-passage">{piece}</span>'
        parts.append(piece)
    return "".join(parts)


# The page.


def _page(
    assistant: Assistant, citation: Citation, location: Location, *, page: int | None
) -> str | None:
    """The page of a PDF as a picture with the quote marked; None where there is none."""
    document = location.document
    if document is None or document.type != "pdf" or location.file is None:
        return None
    cited = _page_of(document, location.start) or citation.page or 1
    number = cited if page is None else page
    try:
        picture = assistant.page_picture(
            document.source, number, quotes=[citation.quote], width=PAGE_WIDTH
        )
    except AssistantError as error:
        return f'<p class="viewer-note">This page cannot be drawn: {shown(str(error))}</p>'
    if picture is None:
        return None
    marks = "".join(
        f'<mark class="viewer-mark"{"" if index else " data-focus"} style="left:{box.left:.3%};'
        f'top:{box.top:.3%};width:{box.width:.3%};height:{box.height:.3%}"></mark>'
        for index, box in enumerate(picture.marks)
    )
    data = base64.b64encode(picture.png).decode("ascii")
    told = ""
    if not marks:
        if number == cited:
            told = "The cited words could not be found on the picture of this page."
        else:
            told = "The cited words are on another page."
    note = f'<p class="viewer-aside">{told}</p>' if told else ""
    return (
        f"{_turning(citation, number, picture.pages, cited=cited)}{note}"
        f'<div class="viewer-scroll"><div class="viewer-sheet" style="aspect-ratio:'
        f'{picture.width}/{picture.height}"><img alt="Page {number} of {picture.pages}" '
        f'src="data:image/png;base64,{data}" width="{picture.width}" height="{picture.height}">'
        f"{marks}</div></div>"
    )


def _page_of(document: Document, offset: int) -> int | None:
    """The page of the block at an offset."""
    index = bisect_right([block.start for block in document.blocks], offset) - 1
    return document.blocks[index].page if index >= 0 else None


def _turning(citation: Citation, number: int, pages: int, *, cited: int) -> str:
    """The pages before and after, the way back to the cited one, and the zoom."""
    data = shown(json.dumps(plain(citation)))

    def button(label: str, page: int, text: str) -> str:
        disabled = "" if 1 <= page <= pages else " disabled"
        return (
            f'<button type="button" data-do="view" data-page="{page}" data-citation="{data}" '
            f'aria-label="{label}" title="{label}"{disabled}>{text}</button>'
        )

    back = button("Back to the cited page", cited, "Cited page") if number != cited else ""
    zoom = "".join(
        f'<label><input type="radio" name="viewer-zoom" value="{value}"'
        f"{' checked' if value == 100 else ''}><span>{label}</span></label>"
        for value, label in ((100, "Fit"), (150, "150 %"), (200, "200 %"))
    )
    return (
        f'<div class="viewer-bar"><div class="viewer-turn">'
        f"{button('Previous page', number - 1, '‹')}<span>Page {number:,} of {pages:,}</span>"
        f"{button('Next page', number + 1, '›')}{back}</div>"
        f'<fieldset class="viewer-switch viewer-zoom"><legend>Zoom</legend>{zoom}</fieldset></div>'
    )
