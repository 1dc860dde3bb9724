"""What was found, weighed; and an answer made of the fewest verbatim sentences that answer."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from assistant.answering.answer import Piece
from assistant.answering.clarifying import clarify
from assistant.answering.confidence import confidence
from assistant.answering.kinds import BRIEF
from assistant.answering.question import Question
from assistant.answering.reading import Reading, one_text, read
from assistant.answering.statements import Statement
from assistant.answering.telling import Telling
from assistant.documents import Document
from assistant.grounding import ground
from assistant.retrieval import Retrieval

# A further sentence must score at least this share of the first one's: where one short text was
# asked, whose sentences are mostly about the matter; where a number, a time or a name was asked
# for, or the sentence is of another document; and elsewhere (`evals.clapnq`, `evals.seeds`).
SHARE_IN_ONE_TEXT = 0.4
SHARE_NEARLY_AS_GOOD = 0.9
SHARE = 0.75
# Longer answers are not read; the first sentence may be as long as it is.
MOST_WORDS = 130
# A sentence of which this share of the words is in one already chosen says the same again.
SAME = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What was found for a question, read with the question in mind.

    Attributes:
        asked: The question.
        retrieval: What was found for it.
        readings: The best hits, read; best first.
        confidence: The probability that the documents hold the answer.
        unclear: Words of the question that say too little, or nothing.
        choices: What these may mean.
    """

    asked: Question
    retrieval: Retrieval
    readings: list[Reading]
    confidence: float
    unclear: str
    choices: tuple[str, ...]


def weigh(
    retrieval: Retrieval, *, rarity: Callable[[Collection[str]], dict[str, float]]
) -> Weighed:
    """Read what was found; `rarity` tells how rare each of some words is among the texts."""
    asked = Question.read(retrieval.query, rarity=rarity)
    readings = read(asked, retrieval)
    unclear, choices = clarify(asked, readings)
    sureness = confidence(asked, readings, retrieval)
    return Weighed(asked, retrieval, readings, sureness, unclear, choices)


def quote(
    weighed: Weighed,
    telling: Telling,
    *,
    document: Callable[[str], Document | None],
    most_sentences: int,
) -> Iterator[Piece]:
    """Answer in the documents' own sentences, the fewest that do; each is told when checked.

    What is cited to words that were told already is left out.

    Args:
        weighed: The question, and what was found for it.
        telling: Where the sentences go.
        document: The whole of an indexed document, by source.
        most_sentences: The most sentences; a list counts as one.
    """
    one = one_text(weighed.retrieval)
    chosen = choose(
        weighed.readings,
        question=weighed.asked,
        most=most_sentences,
        share=SHARE_IN_ONE_TEXT if one else SHARE,
    )
    before = len(telling.sentences)
    for statement in arrange(chosen):
        citation = statement.citation(0, document=document)
        if telling.tells(citation):
            continue
        reading = statement.reading
        vector = reading.vectors[statement.best]
        verdict = ground(statement.quote, [reading.evidence], vector=vector)
        # A list ends its paragraph, and what somebody else wrote is one of its own.
        told = telling.sentences
        apart = bool(told) and (len(told) == before or "\n" in told[-1].text)
        yield telling.tell(
            statement.text,
            verdict=verdict.label,
            cited=[citation],
            reason=verdict.reason,
            lead="\n\n" if apart else " ",
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
            strict = question.kind in BRIEF or reading.hit.source != chosen[0].reading.hit.source
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
