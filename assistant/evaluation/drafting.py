"""Cases drawn from any corpus, for a person to correct: a draft is no measure yet.

The questions are not tried. To keep those that the assistant answers well would make an eval set
on which it does well.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice, zip_longest
from pathlib import Path

from assistant.assistant import Assistant
from assistant.catalog import StoredPassage, open_catalog
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, dump
from assistant.evaluation.fields import Evidence
from assistant.examples import BEING, KINDS, LONGEST_WORDS, NAME, NO_NAMES, SAYING

# So many documents are drawn from for each case that is wanted, and so far into each.
DOCUMENTS_A_CASE = 4
PASSAGES_A_DOCUMENT = 40
# One draft of so many cannot be answered.
UNANSWERABLE = 5
LONGEST_EVIDENCE = 400
SHORTEST_ANSWER = 3
# Invented people; that no document mentions them is looked up before they are used.
FIRST = ("Alda", "Benno", "Corvin", "Delia", "Edvard", "Fenna", "Gorm", "Hedda", "Ivo", "Jorun")
LAST = ("Vestergren", "Okolmaro", "Tandrevic", "Halloweth", "Ostrander", "Mirovanu", "Kestelbaum")

MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
# "The Old Bridge was opened in June 1871."
WHEN = re.compile(
    rf"^(?P<article>The |An? )?{NAME} (?P<verb>was|were) "
    rf"(?P<done>\w+ed|built|made|born|begun|sent|won|held|written)\b[^.;]*? "
    rf"(?:in|on|since) (?P<day>(?:(?:\d{{1,2}} )?(?:{MONTH})(?: \d{{1,2}},)? )?[12]\d{{3}})\b"
)
NAMED = re.compile(rf"\b(?!(?:{MONTH})\b)[A-Z][\w’'-]*\w(?: [A-Z][\w’'-]*\w)*")
# "Jalali told reporters on Thursday that ..."
TO_WHOM = re.compile(r"(?:[^\s,]+ ){0,5}?that ")

SHORTEN = "draft: keep of each accepted answer only the words that no wrong answer has"
CLOSER = "draft: no document mentions {name}; the closer to the subject, the better a test"


@dataclass(slots=True)
class _Drawn:
    """A question, what it asks about, and every sentence that it was drawn from."""

    question: str
    about: str
    answers: dict[str, None] = field(default_factory=dict)
    evidence: dict[Evidence, None] = field(default_factory=dict)


def draft(assistant: Assistant, path: Path, *, count: int) -> int:
    """Write drafts of cases to a new file; returns how many.

    Raises:
        EvaluationError: The file is there, or cannot be written, or nothing can be drawn.
        IndexMissingError, IndexMismatchError, IndexStorageError, EmbeddingError: As
            `Assistant.ask`.
    """
    if path.exists():
        raise EvaluationError(f"{path} is there already; name another file")
    cases = drafts(assistant, count=count)
    if not cases:
        raise EvaluationError("no question can be drawn from these documents; write cases by hand")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(dump(case) + "\n" for case in cases)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EvaluationError(f"{path} cannot be written ({reason}); name another file") from error
    return len(cases)


def drafts(assistant: Assistant, *, count: int) -> list[Case]:
    """At most so many cases from all over the documents, always the same of the same."""
    with open_catalog(assistant.status().index) as catalog:
        documents = catalog.documents()
        step = max(1, len(documents) // (DOCUMENTS_A_CASE * count))
        some = documents[::step]
        passages = [catalog.passages_of(one.source)[:PASSAGES_A_DOCUMENT] for one in some]
    drawn = _draw(passages)
    answerable = drawn[: count - count // UNANSWERABLE]
    # What people say is asked of strangers, too, about what the documents are about.
    about = [one for one in answerable if not one.question.endswith("”?")] or answerable
    strangers = zip(cycle(about), _strangers(assistant), strict=False)
    unanswerable = list(islice(strangers, min(count // UNANSWERABLE, len(answerable))))
    cases = [
        Case(
            id="",
            question=one.question,
            answerable=True,
            answers=tuple((answer,) for answer in one.answers),
            sources=tuple(dict.fromkeys(evidence.source for evidence in one.evidence)),
            evidence=tuple(one.evidence),
            tags=("draft",),
            comment=SHORTEN,
        )
        for one in answerable
    ]
    cases += [
        Case(
            id="",
            question=f"What did {name} say about {one.about}?",
            answerable=False,
            tags=("draft", "unanswerable"),
            comment=CLOSER.format(name=name),
        )
        for one, name in unanswerable
    ]
    return [replace(case, id=f"draft-{number:03}") for number, case in enumerate(cases, start=1)]


def _draw(documents: Sequence[Sequence[StoredPassage]]) -> list[_Drawn]:
    """Every question that can be drawn: the narrowest kind first, from each document in turn."""
    kinds: dict[int, list[list[_Drawn]]] = {}
    everything: dict[str, _Drawn] = {}
    for passages in documents:
        mine: dict[int, list[_Drawn]] = {}
        for item in passages:
            for sentence, alone in _sentences(item):
                for kind, about, question in _questions(sentence, alone):
                    if len(question.split()) > LONGEST_WORDS:
                        continue
                    if question not in everything:
                        everything[question] = _Drawn(question, about)
                        mine.setdefault(kind, []).append(everything[question])
                    everything[question].answers[_answer(sentence)] = None
                    everything[question].evidence[Evidence(item.passage.source, sentence)] = None
        for kind, drawn in mine.items():
            kinds.setdefault(kind, []).append(drawn)
    order = [one for kind in sorted(kinds) for turn in zip_longest(*kinds[kind]) for one in turn]
    return [one for one in order if one is not None]


def _questions(sentence: str, alone: StoredPassage) -> Iterator[tuple[int, str, str]]:
    """What a sentence may answer: how wide the question is, what it is about, and the question."""
    if found := WHEN.match(sentence):
        name = f"{(found['article'] or '').lower()}{found['name']}"
        if found["name"].split()[0] not in NO_NAMES and (" " in name or name.isupper()):
            yield 0, name, f"When {found['verb']} {name} {found['done']}?"
    for width, kind in enumerate(KINDS, start=2):
        for about, question in kind(alone):
            whom = re.match(r"What did (.+) say\?$", question)
            yield width, whom[1] if whom else about, question
            said = SAYING.search(sentence)
            if said and whom:
                for topic in _names(sentence[said.end() :]):
                    if topic not in about and about not in topic:
                        yield 1, topic, f"{question[:-1]} about {topic}?"


def _names(text: str) -> Iterator[str]:
    for found in NAMED.finditer(text):
        if found[0].split()[0] not in NO_NAMES:
            yield found[0]


def _sentences(item: StoredPassage) -> Iterator[tuple[str, StoredPassage]]:
    """Each sentence that is not too long, and the passage as if it had no other."""
    passage = item.passage
    for span in passage.sentences:
        start, end = span
        text = " ".join(passage.text[start - passage.start : end - passage.start].split())
        if 0 < len(text) <= LONGEST_EVIDENCE:
            yield text, replace(item, passage=replace(passage, sentences=(span,)))


def _answer(sentence: str) -> str:
    """What a sentence says of whom or what it is about; all of it, if that cannot be told."""
    when, being, saying = WHEN.match(sentence), BEING.match(sentence), SAYING.search(sentence)
    if when:
        return when["day"]
    said = being["rest"] if being else sentence[saying.end() :] if saying else ""
    said = said.strip(" ,:;.“”\"'")
    if saying and not being:
        said = TO_WHOM.sub("", said, count=1)
    return said if len(said.split()) >= SHORTEST_ANSWER else sentence


def _strangers(assistant: Assistant) -> Iterator[str]:
    """People whom no document mentions, by neither name."""

    def unknown(name: str) -> bool:
        return not any(hit.matched for hit in assistant.retrieve(name, limit=3).hits)

    first, last = ([name for name in names if unknown(name)] for names in (FIRST, LAST))
    for number, family in enumerate(last * len(first)):
        yield f"{first[(number + number // len(last)) % len(first)]} {family}"
