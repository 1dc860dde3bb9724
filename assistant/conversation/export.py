"""A conversation as Markdown, its citations as footnotes."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from assistant.answering import Answer, Citation, Sentence
from assistant.conversation.blocks import Block, blocks, model_name
from assistant.conversation.turn import Turn

# A longer question is cut where it is a heading, and stands below it as a whole.
LONGEST_HEADING = 160
# Whatever Markdown obeys anywhere in a line, common extensions included (tables, strikethrough,
# mathematics, links made of bare addresses) ...
_ACTIVE = re.compile(r"[\\`*_\[\]<>&#|~^$@{}]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# ... and at its start only: headings, lists, rules, definitions.
_STARTING = re.compile(r"[-+=:!]|(?<=\d)[.)]")
_NUMBER = re.compile(r"\d+[.)]")
# What is not shown, but obeyed: control characters and marks that turn the reading direction.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def markdown(title: str, turns: Sequence[Turn]) -> str:
    """A conversation as Markdown.

    Each question is a heading; each citation is a footnote, numbered through the whole text, with
    title, source, place, quote, and the verdicts on the sentences that it is cited for. A sentence
    that is weak or unsupported says so itself. Nothing in a title, question, answer or document
    can act as Markdown: no link, picture, code or HTML comes of it; of a language model's answer
    only paragraphs and lists remain. The same turns give the same text.
    """
    parts = [f"# {escaped(title)}"]
    notes: list[str] = []
    for turn in turns:
        parts += _question(turn.question)
        parts += _answer(turn, notes)
    return "\n\n".join([*filter(None, parts), *notes]) + "\n"


def escaped(text: str) -> str:
    """The words of a text on one line, of which Markdown shows every character as it is."""
    line = _UNSEEN.sub("", " ".join(_SURROGATE.sub("\ufffd", text).split())).strip()
    line = _ACTIVE.sub(r"\\\g<0>", line)
    if number := _NUMBER.match(line):
        return f"{line[: number.end() - 1]}\\{line[number.end() - 1 :]}"
    return f"\\{line}" if _STARTING.match(line) else line


def _question(question: str) -> Iterator[str]:
    line = " ".join(question.split())
    if len(line) <= LONGEST_HEADING:
        yield f"## {escaped(line)}"
        return
    cut = line[:LONGEST_HEADING]
    yield f"## {escaped(cut.rpartition(' ')[0] or cut)}…"
    yield from _paragraphs(question)


def _answer(turn: Turn, notes: list[str]) -> Iterator[str]:
    """The paragraphs under a question; the footnotes are added to `notes`."""
    answer = turn.answer
    if isinstance(answer, str):
        yield from _paragraphs(answer)
        return
    searches = answer.searches or (answer.search_query,)
    if [search.split() for search in searches] != [turn.question.split()]:
        yield f"*Searched for: {' · '.join(escaped(search) for search in searches)}*"
    if answer.notice:
        yield f"*Note: {escaped(answer.notice)}*"
    if answer.refused:
        yield "**Refused: the documents do not hold the answer.**"
    if answer.refused or answer.choices:
        yield from _paragraphs(answer.text)
        yield "\n".join(f"- {escaped(choice)}" for choice in answer.choices)
        closest = [
            f"- {_where(hit.title, hit.source, hit.passage.place)}" for hit in answer.closest
        ]
        if closest and answer.refused:
            yield "Closest, but not an answer:"
            yield "\n".join(closest)
        return
    before = len(notes)
    notes += [_note(before + place, answer, citation) for place, citation in _numbered(answer)]
    numbers = {citation.number: before + place for place, citation in _numbered(answer)}
    for kind, group in groupby(blocks(answer.sentences), key=lambda block: block.kind):
        told = [_block(block, numbers) for block in group]
        # The items of a list stand close together; all else is apart.
        yield ("\n" if kind in ("bullet", "number") else "\n\n").join(told)
    if answer.model != "extractive":
        yield f"*Written by {escaped(model_name(answer.model))}, checked sentence by sentence*"


def _block(block: Block, numbers: dict[int, int]) -> str:
    text = " ".join(_sentence(sentence, numbers) for sentence in block.sentences)
    mark = {"bullet": "- ", "number": f"{block.number}. "}.get(block.kind, "")
    return mark + text


def _sentence(sentence: Sentence, numbers: dict[int, int]) -> str:
    text = _lines(sentence.text)
    marks = "".join(f"[^{numbers[mark]}]" for mark in sentence.citations if mark in numbers)
    if sentence.verdict in ("quoted", "supported"):
        return f"{text}{marks}"
    reason = f": {escaped(sentence.reason)}" if sentence.reason else ""
    return f"{text}{marks} *({sentence.verdict}{reason})*"


def _numbered(answer: Answer) -> Iterator[tuple[int, Citation]]:
    return iter(enumerate(answer.citations, start=1))


def _note(number: int, answer: Answer, citation: Citation) -> str:
    verdicts = [s.verdict for s in answer.sentences if citation.number in s.citations]
    found = ", ".join(dict.fromkeys(verdicts)) or "not cited"
    where = _where(citation.title, citation.source, citation.place)
    return f"[^{number}]: {where}: “{escaped(citation.quote)}” ({found})"


def _where(*names: str) -> str:
    return " · ".join(escaped(name) for name in names if name)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        yield _lines(paragraph)


def _lines(text: str) -> str:
    """A text whose line ends are kept."""
    return "\\\n".join(filter(None, map(escaped, text.splitlines())))
