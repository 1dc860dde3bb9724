"""A case in the page of a report: what was asked, what came of it, and what should have."""

from collections.abc import Sequence
from html import escape
from typing import Any

from assistant.evaluation.cases import Case
from assistant.evaluation.comparing import Change
from assistant.evaluation.figures import FAILING, METRICS, outcome
from assistant.evaluation.reports import Entry
from assistant.evaluation.summary import HALVES
from assistant.passages import place

# What came closest to a question that was refused: so many passages are shown.
CLOSEST = 3
SHORT = {
    "crashed": "crashed",
    "wrong": "wrong",
    "refused": "false refusal",
    "answered": "not refused",
    "unfaithful": "not borne out",
    "unlabelled": "unlabelled",
    "right": "right",
}
# Of two runs.
KINDS = {"worse": "worse", "better": "better", "other": "other answer"}


def badge(name: str) -> str:
    """An outcome as a coloured word."""
    return f'<span class="badge {name}">{SHORT[name]}</span>'


def case_html(entry: Entry, *, tags: Sequence[int]) -> str:
    """A case, open if it failed; tags as the numbers that the filter knows them by."""
    row, name = entry.row, outcome(entry.row)
    failing = name in FAILING
    numbers = " ".join(map(str, tags))
    opened = " open" if failing else ""
    return (
        f'<details class="case" data-outcome="{name}" data-failing="{int(failing)}" '
        f'data-half="{row.half}" data-tags="{numbers}"{opened}>'
        f"<summary>{badge(name)}<span class=question>{_text(_question(entry))}</span>"
        f'<span class="quiet">{_text(row.id)}</span></summary>'
        f'<div class="body">{_asked(entry)}{_reasons(entry)}<div class="columns">'
        f"<div><h4>Answer</h4>{_answer(entry)}</div>"
        f"<div><h4>Wanted</h4>{_wanted(entry.case)}</div></div>"
        f"{_sources(row.answer)}{_scores(entry)}</div></details>"
    )


def change_html(change: Change) -> str:
    """A case of which something else came than before, both side by side."""
    before, after = change.before, change.after
    columns = "".join(
        f"<div><h4>{title} {badge(outcome(entry.row))}</h4>{_reasons(entry)}{_answer(entry)}"
        f"{_closed(_sources(entry.row.answer))}</div>"
        for title, entry in (("Before", before), ("Now", after))
    )
    opened = " open" if change.kind == "worse" else ""
    return (
        f'<details class="case change"{opened}><summary>'
        f'<span class="badge {change.kind}">{KINDS[change.kind]}</span>'
        f"<span class=question>{_text(_question(after))}</span>"
        f'<span class="quiet">{_text(after.row.id)}</span></summary>'
        f'<div class="body">{_asked(after)}<div class="columns">{columns}</div>'
        f"<div><h4>Wanted</h4>{_wanted(after.case)}</div></div></details>"
    )


def _question(entry: Entry) -> str:
    return entry.case.question if entry.case is not None else entry.row.id


def _asked(entry: Entry) -> str:
    """What was said before, and how the question was understood."""
    parts = []
    case, answer = entry.case, entry.row.answer
    for turn in case.history if case is not None else ():
        said = "" if turn.answer is None else f'<p class="quiet">{_text(turn.answer)}</p>'
        parts.append(f'<div class="earlier"><p>{_text(turn.question)}</p>{said}</div>')
    if answer is not None:
        searches = answer.get("searches") or [answer.get("search_query", "")]
        if searches != [_question(entry)]:
            told = "; ".join(_text(query) for query in searches)
            parts.append(f'<p class="quiet">searched for: {told}</p>')
    tags = "".join(f'<span class="tag">{_text(tag)}</span>' for tag in entry.row.tags)
    parts.append(f'<p class="quiet">{tags}{HALVES[entry.row.half]} half</p>')
    return "".join(parts)


def _answer(entry: Entry) -> str:
    row, answer = entry.row, entry.row.answer
    if row.error:
        return '<p class="quiet">none: asking crashed</p>'
    if answer is None:
        return '<p class="quiet">This report was written without texts.</p>'
    parts = []
    if row.refused:
        parts.append(f'<p class="quiet">Refused: {_text(answer["text"])}</p>')
    elif answer.get("choices"):
        choices = "".join(f"<li>{_text(choice)}</li>" for choice in answer["choices"])
        parts.append(f"<p>{_text(answer['text'])}</p><ul>{choices}</ul>")
    elif answer.get("sentences"):
        parts += [_sentence(sentence) for sentence in answer["sentences"]]
    else:
        parts.append(f"<p>{_text(answer['text'])}</p>")
    if answer.get("notice"):
        parts.append(f'<p class="warning">{_text(answer["notice"])}</p>')
    sure = "" if row.confidence is None else f"confidence {row.confidence:.2f} · "
    parts.append(f'<p class="quiet">{sure}{row.seconds:.2f} s</p>')
    return "".join(parts)


def _sentence(sentence: dict[str, Any]) -> str:
    marks = "".join(f"[{number:d}]" for number in sentence["citations"])
    verdict = sentence["verdict"]
    reason = (
        f' <span class="quiet">{_text(sentence["reason"])}</span>' if sentence["reason"] else ""
    )
    return (
        f'<p class="sentence">{_text(sentence["text"])} <span class="quiet">{marks}</span> '
        f'<span class="verdict {escape(verdict)}">{escape(verdict)}</span>{reason}</p>'
    )


def _wanted(case: Case | None) -> str:
    if case is None:
        return '<p class="quiet">This report was written without texts.</p>'
    if case.answerable is None:
        return '<p class="quiet">nobody has told yet</p>'
    if not case.answerable:
        return "<p>a refusal: the documents do not say</p>"
    answers = [" … ".join(f"“{part}”" for part in parts) for parts in case.answers]
    answers += [f"for example: {reference}" for reference in case.references]
    if case.choices:
        answers.append(f"or a question back: {', '.join(case.choices)}")
    told = "".join(f"<li>{_text(answer)}</li>" for answer in answers)
    evidence = "".join(
        f"<li><b>{_text(one.source)}</b>{_quoted(one.quote)}</li>" for one in case.evidence
    )
    held = evidence or "".join(f"<li><b>{_text(source)}</b></li>" for source in case.sources)
    shown = (
        f"<details><summary>evidence ({len(case.evidence or case.sources)})</summary>"
        f"<ul>{held}</ul></details>"
        if held
        else ""
    )
    return f"<ul>{told}</ul>{shown}"


def _reasons(entry: Entry) -> str:
    """Why it failed, or is not perfect."""
    reasons = [entry.row.error] if entry.row.error else entry.row.reasons
    if not reasons:
        return ""
    failing = outcome(entry.row) in FAILING
    kind, title = ("failed", "Why it failed") if failing else ("", "Why it is not perfect")
    told = "".join(f"<li>{_text(reason)}</li>" for reason in reasons)
    return f'<div class="reasons {kind}"><h4>{title}</h4><ul>{told}</ul></div>'


def _closed(sources: str) -> str:
    """What an answer cites, to be opened."""
    return f"<details><summary>sources</summary>{sources}</details>" if sources else ""


def _sources(answer: dict[str, Any] | None) -> str:
    """What the answer cites; of a refusal, what came closest."""
    if answer is None:
        return ""
    citations = [
        f'<li value="{citation["number"]:d}">{_located(citation)}{_quoted(citation["quote"])}'
        f"{_passage(citation)}</li>"
        for citation in answer.get("citations") or ()
    ]
    closest = [
        f"<li>{_located(hit)}{_quoted(hit['text'])}</li>"
        for hit in (answer.get("closest") or ())[:CLOSEST]
    ]
    return "".join(
        f"<h4>{title}</h4><ol>{''.join(items)}</ol>"
        for title, items in (("Citations", citations), ("What came closest", closest))
        if items
    )


def _passage(citation: dict[str, Any]) -> str:
    """The passage that was read, with the quote marked in it."""
    text, quote = citation["passage"], citation["quote"]
    if text == quote:
        return ""
    before, found, after = text.partition(quote)
    shown = f"{_text(before)}<mark>{_text(found)}</mark>{_text(after)}" if found else _text(text)
    return f"<details><summary>passage</summary><p>{shown}</p></details>"


def _quoted(text: str) -> str:
    return f"<blockquote>{_text(text)}</blockquote>"


def _located(item: dict[str, Any]) -> str:
    return f'<b>{_text(item["source"])}</b> <span class="quiet">{_text(place(_Item(item)))}</span>'


class _Item:
    """The place of a citation or a hit that is plain data."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.title: str = item["title"]
        self.heading: tuple[str, ...] = tuple(item["heading"])
        self.page: int | None = item["page"]
        self.page_end: int | None = item["page_end"]
        self.sheet: str | None = item["sheet"]
        self.row: int | None = item["row"]


def _scores(entry: Entry) -> str:
    scores = entry.row.scores
    told = "".join(
        f'<span title="{escape(metric.about)}">{escape(metric.title)} <b>{score:.2f}</b></span>'
        for name, metric in METRICS.items()
        if (score := scores.get(name)) is not None
    )
    return f'<p class="scores">{told}</p>' if told else ""


def _text(text: str) -> str:
    """Text from anywhere: escaped, and its reading direction kept from what is around it."""
    return f"<bdi>{escape(text)}</bdi>" if text else ""
