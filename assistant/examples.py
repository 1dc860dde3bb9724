"""Example questions, drawn from the documents themselves."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.answering import Answer
from assistant.catalog import Catalog, StoredPassage
from assistant.grounding.words import listed

# "SWIFT is a ...", "Dmitry Peskov said that ...": who or what a sentence is about, and what one
# may ask of it. A name is a run of capitalised words, which keeps the question readable.
NAME = r"(?P<name>[A-Z][\w’'.-]*\w(?:[ -](?:of (?:the )?)?[A-Z][\w’'-]*){0,5})"
SAYING = re.compile(
    rf"(?P<article>\b[Tt]he )?\b{NAME}(?:, [^,.;]{{3,80}},)? "
    r"(?:said|says|told|added|announced|explained|warned|stressed)\b"
)
BEING = re.compile(
    rf"^(?P<article>The |An? )?{NAME} (?P<verb>is|was|are|were) (?P<rest>(?:an?|the|one) .+)"
)
PERSON = re.compile(
    r"\b(?:president|minister|ambassador|secretary|spokes\w+|leader|director|author|chair\w*|"
    r"professor|chief|head|king|queen|founder|engineer|analyst|who|born)\b",
    re.IGNORECASE,
)
# What begins like a name and is none.
NO_NAMES = frozenset(
    listed("""
    The He She It They This That These Those There Here We You I If When While What Who How Why
    Where In On At But And Or So Not No Yes As For From By With After Before Monday Tuesday
    Wednesday Thursday Friday Saturday Sunday
    """)
)
LONGEST_WORDS = 12
# An answer that is less sure makes no good example.
SURE = 0.6
# Documents from which questions are drawn, and passages of each.
SAMPLE = 24
BEGINNING = 6


@dataclass(frozen=True, slots=True)
class Example:
    """A question that a document may answer.

    Attributes:
        question: The question.
        about: What it asks about, as it stands in the document.
        source: The document.
        kind: What kind of question it is.
    """

    question: str
    about: str
    source: str
    kind: "Kind"


def sample(catalog: Catalog) -> list[list[StoredPassage]]:
    """The first passages of some documents, spread over all, as neighbours are often alike."""
    documents = catalog.documents()
    some = documents[:: max(1, len(documents) // SAMPLE)][:SAMPLE]
    return [catalog.passages_of(document.source)[:BEGINNING] for document in some]


def examples(
    documents: Sequence[Sequence[StoredPassage]], *, ask: Callable[[str], Answer], count: int
) -> list[str]:
    """Questions that were tried, and whose answers come from the documents they were drawn from.

    Args:
        documents: The passages of some documents; at most one question is drawn from each, until
            all have had their turn.
        ask: How a question is answered.
        count: The most questions.
    """
    queues = [_candidates(passages) for passages in documents]
    found: dict[str, Kind] = {}
    while queues and len(found) < count:
        going = []
        for queue in queues:
            for example in queue:
                if example.question not in found and _answers(ask(example.question), example):
                    found[example.question] = example.kind
                    going.append(queue)
                    break
            if len(found) == count:
                break
        queues = going
    return sorted(found, key=lambda question: KINDS.index(found[question]))


def _answers(answer: Answer, example: Example) -> bool:
    if answer.refused or answer.choices or answer.confidence < SURE:
        return False
    first = answer.citations[0]
    return first.source == example.source and (
        example.about in first.quote or example.about in first.heading
    )


def _candidates(passages: Sequence[StoredPassage]) -> Iterator[Example]:
    """What may be asked of a document, the best kind of question first, each once."""
    asked = set()
    for kind in KINDS:
        for item in passages:
            for about, question in kind(item):
                if len(question.split()) <= LONGEST_WORDS and question not in asked:
                    asked.add(question)
                    yield Example(question, about, item.passage.source, kind)


def _saying(item: StoredPassage) -> Iterator[tuple[str, str]]:
    for sentence in _sentences(item):
        found = SAYING.search(sentence)
        if found and _is_name(found["name"], item):
            article = (found["article"] or "").lower()
            yield found["name"], f"What did {article}{found['name']} say?"


def _being(item: StoredPassage) -> Iterator[tuple[str, str]]:
    for sentence in _sentences(item):
        found = BEING.match(sentence)
        if found and _is_name(found["name"], item) and len(found["rest"].split()) > 3:
            article = (found["article"] or "").lower()
            verb = "are" if found["verb"] in ("are", "were") else "is"
            who = "Who" if PERSON.search(found["rest"][:60]) and not article else "What"
            yield found["name"], f"{who} {verb} {article}{found['name']}?"


def _heading(item: StoredPassage) -> Iterator[tuple[str, str]]:
    for heading in item.passage.heading[-1:]:
        words = heading.split()
        if heading == item.passage.title:
            continue
        if heading.endswith("?") and len(words) > 2:
            yield heading, heading
        elif 2 <= len(words) <= 7 and all(word[0].isalpha() for word in words):
            yield heading, f"What is said about “{heading}”?"


def _sentences(item: StoredPassage) -> Iterator[str]:
    passage = item.passage
    if passage.row is not None:
        return
    for start, end in passage.sentences:
        yield " ".join(passage.text[start - passage.start : end - passage.start].split())


def _is_name(name: str, item: StoredPassage) -> bool:
    """Whether it is more than the capital that begins a sentence."""
    if name.split()[0] in NO_NAMES:
        return False
    context = f"{item.passage.title} {' '.join(item.passage.heading)}"
    known = " " in name or name.isupper() or name in context
    return known or re.search(rf"[a-z,] {re.escape(name)}\b", item.passage.text) is not None


Kind = Callable[[StoredPassage], Iterator[tuple[str, str]]]
# The best first: what people would ask in so many words.
KINDS: tuple[Kind, ...] = (_being, _saying, _heading)
