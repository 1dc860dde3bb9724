"""Answers as HTML, every text in it escaped."""

import re
from collections.abc import Callable, Sequence

from assistant.answering import Answer, Citation, Sentence
from assistant.conversation import Feedback, Turn
from assistant.conversation.blocks import model_name
from assistant.server.page.cards import hits_html, same, sources_html
from assistant.server.page.sentences import plain_text, text_html, verdicts_html
from assistant.server.page.shown import count, shortened, shown

# So many searches of one question are shown; more is a wall of text.
SEARCHES_SHOWN = 8
SURROGATES = re.compile("[\ud800-\udfff]")


def sendable(text: object) -> str:
    """Text that the page's script shows as text; lone surrogates cannot be sent."""
    return SURROGATES.sub("\ufffd", str(text))


def turn_html(turn: Turn, changed: Callable[[Citation], str], *, most_calls: int) -> str:
    """What stands below a question: the answer, what can be done with it, and its sources.

    Args:
        turn: The question and its answer.
        changed: What became of a citation's source since: "same", "moved", "changed", "gone".
        most_calls: How often a language model may be asked for one answer.
    """
    answer = turn.answer
    if isinstance(answer, str):
        return f'<div class="answer"><div class="text"><p>{shown(answer)}</p></div></div>'
    if answer.refused:
        body = _refusal(answer)
    elif answer.choices:
        body = _choices(answer)
    else:
        body = text_html(answer.sentences, answer.citations) + verdicts_html(answer.sentences)
    kind = "refusal" if answer.refused else "clarifying" if answer.choices else "cited"
    notice = f'<p class="remark">{shown(answer.notice)}</p>' if answer.notice else ""
    return (
        f'<div class="answer {kind}">{_searched(answer)}{notice}{body}'
        f"{_tools(answer, turn.feedback, most_calls)}</div>"
        f"{sources_html(answer.citations, changed)}"
        f"{hits_html(answer.closest) if answer.refused else ''}"
    )


def searching_html(search_query: str, searches: Sequence[str], question: str) -> str:
    """What stands there while nothing is known yet."""
    several = searches or (search_query,)
    found = " · ".join(shown(shortened(search, 140)) for search in several[:SEARCHES_SHOWN])
    query = f": {found}" if list(several) != [question] else ""
    return f'<p class="searching" role="status">Searching{query}</p>'


def reading_html() -> str:
    """What stands there while a language model has said nothing yet."""
    return '<p class="searching" role="status">Reading what was found</p>'


def partial_html(
    sentences: Sequence[Sentence], citations: Sequence[Citation], *, drafting: bool
) -> str:
    """An answer of which not all is known yet; with `drafting`, a language model writes it."""
    text = text_html(sentences, citations, drafting=drafting)
    kind = "cited written" if drafting else "cited"
    return f'<div class="answer {kind}">{text}</div>{sources_html(citations, same)}'


def _searched(answer: Answer) -> str:
    """What was searched, where that is not what was typed; it can be edited and asked again."""
    searches = answer.searches or (answer.search_query,)
    if list(searches) == [answer.question]:
        return ""
    shown_ones = " · ".join(
        f"<q>{shown(shortened(search, 200))}</q>" for search in searches[:SEARCHES_SHOWN]
    )
    return (
        f'<p class="searched">Searched for {shown_ones} '
        f'<button type="button" data-do="edit-search" data-query="{shown(answer.search_query)}">'
        "Edit</button></p>"
    )


def _refusal(answer: Answer) -> str:
    closest = "".join(
        f'<li><a class="closest" href="#source-{number}" data-cite="{number}">'
        f"<bdi>{shown(shortened(hit.title, 120))}</bdi>"
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
        f"{shown(shortened(choice, 120))}</button>"
        for choice in answer.choices
    )
    return (
        f'<div class="text"><p>{shown(answer.text)}</p></div><div class="choices">{buttons}</div>'
    )


def _tools(answer: Answer, feedback: Feedback | None, most_calls: int) -> str:
    """What can be done with an answer."""
    sources = len(answer.citations) or len(answer.closest) * answer.refused
    number = (
        f'<button type="button" class="count" data-do="sources">{count(sources, "source")}</button>'
        if sources and not answer.refused
        else ""
    )
    good = "" if feedback is None else str(feedback.good).lower()
    comment = "" if feedback is None else feedback.comment
    return (
        f'<div class="tools" data-good="{good}" data-comment="{shown(comment)}">{number}'
        f"{_tool('copy', 'Copy the answer')}{_tool('retry', 'Ask again')}"
        f"{_tool('good', 'Good answer', pressed=good == 'true')}"
        f"{_tool('bad', 'Bad answer', pressed=good == 'false')}"
        f'<span class="sure">{_foot(answer, most_calls)}</span></div>'
        f'<textarea class="copied" hidden readonly>{shown(plain_text(answer))}</textarea>'
    )


def _foot(answer: Answer, most_calls: int) -> str:
    """How sure the answer is, how long it took, and which language model had a part in it."""
    parts = []
    if not answer.choices:
        sure = f"{round(100 * answer.confidence)} % sure that the documents hold the answer"
        parts.append(f"<span>{sure}</span>")
        if (seconds := answer.timings.get("total")) is not None:
            parts.append(f'<span class="took">{seconds:.2f}\u00a0s</span>')
    if answer.model_calls:
        calls = count(answer.model_calls, "call")
        if answer.model_calls <= most_calls:  # it may have been more when the answer was made
            calls = f"{answer.model_calls} of at most {count(most_calls, 'call')}"
        name = shown(shortened(model_name(answer.model), 60))
        parts.append(f'<span class="model"><bdi>{name}</bdi> · {calls}</span>')
    return "".join(parts)


def _tool(name: str, label: str, *, pressed: bool | None = None) -> str:
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    return (
        f'<button type="button" class="icon" data-do="{name}" title="{label}" '
        f'aria-label="{label}"{state}></button>'
    )
