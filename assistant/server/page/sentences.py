"""The sentences of an answer as HTML, each with its sources and verdict, every text escaped."""

from collections.abc import Sequence
from itertools import groupby

from assistant.answering import Answer, Citation, Sentence
from assistant.conversation.blocks import Block, blocks
from assistant.server.page.shown import shortened, shown

# A longer word may be torn from the marks after it.
LONGEST_WORD = 24
# What the marks of sentences mean, best first.
VERDICTS = {
    "quoted": "word for word in its source",
    "supported": "borne out by its source",
    "weak": "borne out in part",
    "unsupported": "not borne out by its source",
}
# A verdict that the reader must see is a word, not a sign only.
WORDS = ("weak", "unsupported")
UNCITED = "not borne out by any source"
# Where the page's script writes what is not checked yet. It is not read aloud: it may change.
DRAFT = '<i class="draft" aria-hidden="true"></i>'


def text_html(
    sentences: Sequence[Sentence], citations: Sequence[Citation], *, drafting: bool = False
) -> str:
    """The sentences with their marks, in paragraphs and lists.

    With `drafting` there is a place for the next one, where that will probably stand.
    """
    by_number = {citation.number: citation for citation in citations}
    found = blocks(sentences)
    parts: list[str] = []
    for kind, group in groupby(found, key=lambda block: block.kind):
        together = list(group)
        inside = [_block(block, by_number) for block in together]
        last = drafting and together[-1] is found[-1]
        match kind:
            case "paragraph":
                end = f" {DRAFT}" if last else ""
                parts.append("".join(f"<p>{html}</p>" for html in inside[:-1]))
                parts.append(f"<p>{inside[-1]}{end}</p>")
            case "list":
                parts += [*inside, f"<p>{DRAFT}</p>" * last]
            case "bullet":
                items = "".join(f"<li>{html}</li>" for html in inside)
                parts.append(f"<ul>{items}{f'<li>{DRAFT}</li>' * last}</ul>")
            case "number":
                items = "".join(
                    f'<li value="{block.number}">{html}</li>'
                    for block, html in zip(together, inside, strict=True)
                )
                parts.append(f"<ol>{items}{f'<li>{DRAFT}</li>' * last}</ol>")
    if drafting and not found:
        parts.append(f"<p>{DRAFT}</p>")
    return f'<div class="text">{"".join(parts)}</div>'


def verdicts_html(sentences: Sequence[Sentence]) -> str:
    """What is wrong with which sentence; and how many have which verdict, explaining the signs."""
    notes = "".join(
        f'<li class="{shown(sentence.verdict)}">{_sign(sentence)}'
        f"“{shown(shortened(sentence.text, 60))}”: {shown(_reason(sentence))}</li>"
        for sentence in sentences
        if sentence.verdict in WORDS
    )
    counts = {name: sum(s.verdict == name for s in sentences) for name in VERDICTS}
    legend = "".join(
        f'<li class="{name}" title="{shown(VERDICTS[name])}"><span class="sign {name}"></span>'
        f"{count:,} {name}</li>"
        for name, count in counts.items()
        if count
    )
    return (f'<ul class="notes">{notes}</ul>' if notes else "") + (
        f'<ul class="legend" aria-label="How far the sources bear the sentences out">{legend}</ul>'
    )


def plain_text(answer: Answer) -> str:
    """An answer to be pasted somewhere: the text with what is wrong in it, then its sources."""
    text = answer.text
    if any(sentence.verdict in WORDS for sentence in answer.sentences):
        text = "".join(map(_told, answer.sentences)).lstrip()
    sources = [
        f"[{citation.number}] " + ", ".join(filter(None, (citation.title, citation.place)))
        for citation in answer.citations
    ]
    notice = f"Note: {answer.notice}" if answer.notice else ""
    return "\n\n".join(filter(None, (text, notice, "\n".join(sources))))


def _told(sentence: Sentence) -> str:
    marks = "".join(f"[{number}]" for number in sentence.citations)
    verdict = f" ({sentence.verdict.upper()}: {_reason(sentence)})"
    return (
        f"{sentence.lead or ' '}{sentence.text}"
        f"{f' {marks}' if marks else ''}{verdict if sentence.verdict in WORDS else ''}"
    )


def _block(block: Block, citations: dict[int, Citation]) -> str:
    if block.kind != "list":
        return " ".join(_sentence(sentence, citations) for sentence in block.sentences)
    (sentence,) = block.sentences
    first, *items = sentence.text.strip().split("\n")
    listed = "".join(f"<li>{shown(item)}</li>" for item in items[:-1])
    listed += f"<li>{_ending(items[-1], sentence, citations)}{_word(sentence)}</li>"
    return (
        f'<div class="sentence {shown(sentence.verdict)}"><p>{shown(first)}</p>'
        f"<ul>{listed}</ul></div>"
    )


def _sentence(sentence: Sentence, citations: dict[int, Citation]) -> str:
    html = _ending(sentence.text, sentence, citations)
    return f'<span class="sentence {shown(sentence.verdict)}">{html}</span>{_word(sentence)}'


def _ending(text: str, sentence: Sentence, citations: dict[int, Citation]) -> str:
    """A text with the sentence's marks, which stay on the line of its last word."""
    marks = _marks(sentence, citations)
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
        where = shown(", ".join(filter(None, (shortened(citation.title, 80), citation.place))))
        links += (
            f'<a class="cite" href="#source-{number}" data-cite="{number}" '
            f'title="{where}" aria-label="Source {number}: {where}">{number}</a>'
        )
    sign = "" if sentence.verdict in WORDS else _sign(sentence)
    return f'<span class="marks">{links}{sign}</span>' if links or sign else ""


def _word(sentence: Sentence) -> str:
    """The verdict in a word, where it must not be overlooked; what is wrong is in its title."""
    if sentence.verdict not in WORDS:
        return ""
    reason = shown(_reason(sentence))
    return (
        f' <span class="verdict {sentence.verdict}" title="{reason}">{_sign(sentence)}'
        f'{sentence.verdict}<span class="unseen">: {reason}</span></span>'
    )


def _sign(sentence: Sentence) -> str:
    if sentence.verdict in WORDS:  # the word is beside it
        return f'<span class="sign {sentence.verdict}"></span>'
    meaning = shown(f"{sentence.verdict.capitalize()}: {_reason(sentence)}")
    return (
        f'<span class="sign {shown(sentence.verdict)}" role="img" title="{meaning}" '
        f'aria-label="{meaning}"></span>'
    )


def _reason(sentence: Sentence) -> str:
    if sentence.reason:
        return sentence.reason
    uncited = sentence.verdict == "unsupported" and not sentence.citations
    return UNCITED if uncited else VERDICTS[sentence.verdict]
