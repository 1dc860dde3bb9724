"""Hits become an Answer: the fewest verbatim sentences that answer, or a refusal."""

from collections.abc import Callable, Collection, Sequence

from assistant.answering.answer import Answer, Citation, Sentence
from assistant.answering.confidence import confidence
from assistant.answering.reading import Question, Reading, read
from assistant.grounding import ground
from assistant.prompts import render
from assistant.retrieval import Retrieval

# A further sentence must score at least this share of the first one's. If a number, a time or a
# name was asked for, or if it is of another document, it must be nearly as good
# (`evals.clapnq`: 2 points of ROUGE-L on such questions).
LEAST_SHARE = 0.4
NEARLY_AS_GOOD = 0.85
# Longer answers are not read; the first sentence may be as long as it is.
MOST_WORDS = 130
# A sentence of which this share of the words is in one already chosen says the same again.
SAME = 0.8


def answer(
    question: str,
    retrieval: Retrieval,
    *,
    rarity: Callable[[Collection[str]], dict[str, float]],
    scope: Callable[[], str],
    threshold: float,
    most_sentences: int,
    prompts: str = "",
) -> Answer:
    """Answer from what was retrieved, in the documents' own sentences, or refuse.

    Args:
        question: As it was asked.
        retrieval: What was found for it; sentence vectors from the embedded model.
        rarity: How rare each of some words is among the indexed texts.
        scope: What was searched, for a refusal: "12 documents"; empty for an empty index.
        threshold: The least confidence that is not a refusal.
        most_sentences: The most sentences of an answer.
        prompts: Folder of prompts that replace the built-in ones.
    """
    asked = Question.read(retrieval.query, rarity=rarity)
    readings = read(asked, retrieval)
    sureness = confidence(asked, readings, searched=retrieval.searched)
    if sureness < threshold or not readings:
        searched = scope()
        text = (
            render("refusal", folder=prompts, query=retrieval.query, scope=searched)
            if searched
            else render("refusal-empty", folder=prompts, query=retrieval.query)
        )
        return Answer(
            question=question,
            search_query=retrieval.query,
            text=text,
            refused=True,
            confidence=round(sureness, 4),
            sentences=(),
            citations=(),
            model="extractive",
            timings={},
            closest=retrieval.hits[:3],
        )
    chosen = arrange(choose(readings, most=most_sentences, fact=asked.kind is not None))
    citations, sentences, marked = [], [], []
    for number, (reading, index) in enumerate(chosen, start=1):
        text = reading.sentence(index)
        verdict = ground(text, [reading.evidence], vector=reading.vectors[index])
        citations.append(_citation(number, reading, index))
        sentences.append(Sentence(_line(text), verdict.label, (number,), verdict.reason))
        marked.append(f"{_line(text)} [{number}]")
    return Answer(
        question=question,
        search_query=retrieval.query,
        text=" ".join(marked),
        refused=False,
        confidence=round(sureness, 4),
        sentences=tuple(sentences),
        citations=tuple(citations),
        model="extractive",
        timings={},
    )


def choose(
    readings: Sequence[Reading], *, most: int, fact: bool = False
) -> list[tuple[Reading, int]]:
    """The best sentences, best first: none that repeats another, none far worse than the first."""
    ranked = sorted(
        ((reading, index) for reading in readings for index in range(len(reading.scores))),
        key=lambda pair: -pair[0].scores[pair[1]],
    )
    chosen: list[tuple[Reading, int]] = []
    length = 0
    for reading, index in ranked:
        if len(chosen) == most:
            break
        length_with_it = length + len(reading.sentence(index).split())
        if chosen:
            first, at = chosen[0]
            strict = fact or reading.hit.source != first.hit.source
            share = NEARLY_AS_GOOD if strict else LEAST_SHARE
            if reading.scores[index] < share * first.scores[at] or length_with_it > MOST_WORDS:
                continue
            words = reading.stems[index]
            if any(len(words & other.stems[i]) >= SAME * len(words) for other, i in chosen):
                continue
        chosen.append((reading, index))
        length = length_with_it
    return chosen


def arrange(chosen: Sequence[tuple[Reading, int]]) -> list[tuple[Reading, int]]:
    """Put sentences in reading order: document by document, the best sentence's first."""
    order = {
        source: place
        for place, source in enumerate(dict.fromkeys(reading.hit.source for reading, _ in chosen))
    }
    return sorted(
        chosen,
        key=lambda pair: (
            order[pair[0].hit.source],
            pair[0].hit.passage.start + pair[0].evidence.sentences[pair[1]].start,
        ),
    )


def _line(text: str) -> str:
    """A sentence on one line, whatever its line breaks in the source."""
    return " ".join(text.split())


def _citation(number: int, reading: Reading, index: int) -> Citation:
    passage = reading.hit.passage
    start, end = passage.sentences[index]
    return Citation(
        number=number,
        source=passage.source,
        title=passage.title,
        quote=reading.sentence(index),
        start=start,
        end=end,
        page=passage.page,
        page_end=passage.page_end,
        heading=passage.heading,
        sheet=passage.sheet,
        row=passage.row,
        content_hash=reading.hit.content_hash,
    )
