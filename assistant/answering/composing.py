"""Hits become an Answer: the fewest verbatim sentences that answer, or a refusal."""

from collections.abc import Callable, Collection, Iterator, Sequence

from assistant.answering.answer import Answer, Citation, Piece, Sentence
from assistant.answering.clarifying import clarify
from assistant.answering.confidence import confidence, one_text
from assistant.answering.reading import Question, Reading, read
from assistant.answering.statements import Statement
from assistant.documents import Document
from assistant.grounding import ground
from assistant.prompts import render
from assistant.retrieval import Retrieval

# A further sentence must score at least this share of the first one's: where one short text was
# asked, whose sentences are mostly about the matter; where a number, a time or a name was asked
# for, or the sentence is of another document; and elsewhere (`evals.clapnq`, `evals.seeds`).
SHARE_IN_ONE_TEXT = 0.4
SHARE_NEARLY_AS_GOOD = 0.9
SHARE = 0.85
# Longer answers are not read; the first sentence may be as long as it is.
MOST_WORDS = 130
# A sentence of which this share of the words is in one already chosen says the same again.
SAME = 0.8


def compose(
    question: str,
    retrieval: Retrieval,
    *,
    rarity: Callable[[Collection[str]], dict[str, float]],
    scope: Callable[[], str],
    document: Callable[[str], Document | None],
    threshold: float,
    most_sentences: int,
    prompts: str = "",
) -> Iterator[Piece | Answer]:
    """Answer from what was retrieved, in the documents' own sentences, or refuse.

    Yields each sentence as soon as it was checked, and at last the whole answer.

    Args:
        question: As it was asked.
        retrieval: What was found for it; sentence vectors from the embedded model.
        rarity: How rare each of some words is among the indexed texts.
        scope: What was searched, for a refusal: "12 documents"; empty for an empty index.
        document: The whole of an indexed document, by source.
        threshold: The least confidence that is not a refusal.
        most_sentences: The most sentences of an answer; a list counts as one.
        prompts: Folder of prompts that replace the built-in ones.
    """
    asked = Question.read(retrieval.query, rarity=rarity)
    readings = read(asked, retrieval)
    sureness = confidence(asked, readings, retrieval)
    unclear, choices = clarify(asked, readings)
    if choices:
        named = f"{', '.join(choices[:-1])} or {choices[-1]}"
        yield Answer(
            question=question,
            search_query=retrieval.query,
            text=render("clarify", folder=prompts, choices=named),
            refused=False,
            confidence=round(sureness, 4),
            sentences=(),
            citations=(),
            model="extractive",
            timings={},
            unclear=unclear,
            choices=choices,
        )
        return
    if sureness < threshold or not readings:
        searched = scope()
        text = (
            render("refusal", folder=prompts, query=retrieval.query, scope=searched)
            if searched
            else render("refusal-empty", folder=prompts, query=retrieval.query)
        )
        yield Answer(
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
        return
    chosen = arrange(
        choose(
            readings,
            question=asked,
            most=most_sentences,
            share=SHARE_IN_ONE_TEXT if one_text(readings, retrieval) else SHARE,
        )
    )
    citations: list[Citation] = []
    sentences: list[Sentence] = []
    text = ""
    for number, statement in enumerate(chosen, start=1):
        reading = statement.reading
        vector = reading.vectors[statement.best]
        verdict = ground(statement.quote, [reading.evidence], vector=vector)
        citations.append(statement.citation(number, document=document))
        # A list ends its paragraph.
        gap = "" if not text else "\n\n" if "\n" in sentences[-1].text else " "
        piece = f"{gap}{statement.text} [{number}]"
        text += piece
        sentences.append(Sentence(statement.text, verdict.label, (number,), verdict.reason, gap))
        yield Piece(piece, sentences[-1], (citations[-1],))
    yield Answer(
        question=question,
        search_query=retrieval.query,
        text=text,
        refused=False,
        confidence=round(sureness, 4),
        sentences=tuple(sentences),
        citations=tuple(citations),
        model="extractive",
        timings={},
    )


def choose(
    readings: Sequence[Reading], *, question: Question, most: int, share: float
) -> list[Statement]:
    """The best statements, best first: none that repeats another, none far worse than the first.

    A further row of a table must have all the words of the question that the first one has: it
    is about another thing otherwise. `share` of the first one's score is the least for a further
    statement.
    """
    ranked = sorted(
        ((reading, index) for reading in readings for index in range(len(reading.scores))),
        key=lambda pair: -pair[0].scores[pair[1]],
    )
    chosen: list[Statement] = []
    asked, length = frozenset(question.stems), 0
    for reading, index in ranked:
        if len(chosen) == most:
            break
        statement = Statement.around(reading, index)
        length_with_it = length + len(statement.quote.split())
        if chosen:
            strict = question.kind is not None or reading.hit.source != chosen[0].reading.hit.source
            least = chosen[0].score * (SHARE_NEARLY_AS_GOOD if strict else share)
            if statement.score < least or length_with_it > MOST_WORDS:
                continue
            words = statement.stems
            if statement.is_row and chosen[0].is_row and not chosen[0].stems & asked <= words:
                continue
            if any(
                statement.overlaps(other) or len(words & other.stems) >= SAME * len(words)
                for other in chosen
            ):
                continue
        chosen.append(statement)
        length = length_with_it
    return chosen


def arrange(chosen: Sequence[Statement]) -> list[Statement]:
    """Put statements in reading order: document by document, the best one's first."""
    sources = dict.fromkeys(statement.reading.hit.source for statement in chosen)
    order = {source: place for place, source in enumerate(sources)}
    return sorted(chosen, key=lambda one: (order[one.reading.hit.source], one.start))
