"""What an answer is: sentences with their citations and verdicts, or a refusal."""

from collections.abc import Generator
from dataclasses import dataclass

from assistant.grounding import Label
from assistant.passages import place
from assistant.retrieval import Hit, reasons


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of an answer comes from; enough to find the place again later.

    Attributes:
        number: By which the answer's text refers to it, from 1.
        source: The document's source.
        title: The document's title.
        quote: The words cited; `document.text[start:end]` is the same.
        start: Offset of the quote in the document's text.
        end: Offset after its last character.
        page: The page on which it starts, or None.
        page_end: The page on which it ends, or None.
        heading: The path of headings it stands under, outermost first.
        sheet: The sheet, for spreadsheets.
        row: The row, for tables.
        content_hash: SHA-256 of the file when it was indexed, hex: tells whether it has changed.
        passage: The text of the passage that was read for it, of which the quote is a part.
        passage_start: The passage's offset in the document's text.
        score: The passage's score, and what it was found by, as in `Hit`.
        cosine: See `Hit`.
        dense_rank: See `Hit`.
        lexical_rank: See `Hit`.
        lexical_score: See `Hit`.
        matched: See `Hit`.
    """

    number: int
    source: str
    title: str
    quote: str
    start: int
    end: int
    page: int | None
    page_end: int | None
    heading: tuple[str, ...]
    sheet: str | None
    row: int | None
    content_hash: str
    passage: str
    passage_start: int
    score: float
    cosine: float
    dense_rank: int | None
    lexical_rank: int | None
    lexical_score: float
    matched: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why the passage was found, in a line; see `retrieval.reasons`."""
        return reasons(self)

    @property
    def place(self) -> str:
        """Where in the document, for people; see `passages.place`."""
        return place(self)


def cited(hit: Hit, number: int) -> Citation:
    """A hit as the citation of its whole passage."""
    passage = hit.passage
    return Citation(
        number=number,
        source=passage.source,
        title=passage.title,
        quote=passage.text,
        start=passage.start,
        end=passage.end,
        page=passage.page,
        page_end=passage.page_end,
        heading=passage.heading,
        sheet=passage.sheet,
        row=passage.row,
        content_hash=hit.content_hash,
        passage=passage.text,
        passage_start=passage.start,
        score=hit.score,
        cosine=hit.cosine,
        dense_rank=hit.dense_rank,
        lexical_rank=hit.lexical_rank,
        lexical_score=hit.lexical_score,
        matched=hit.matched,
    )


@dataclass(frozen=True, slots=True)
class Sentence:
    r"""One sentence of an answer, or a list with its lead-in.

    Attributes:
        text: The sentence, without citation marks; a list's items on a line each.
        verdict: What the check against the cited text found.
        citations: Numbers of the citations that bear it out, or that it contradicts; none where
            a language model wrote what no passage is about.
        reason: What is wrong with it, in words; empty when quoted or supported.
        lead: What stands before it in the answer's text: nothing, a space, or a new line or
            paragraph with the mark of a list ("\n- "). The answer's text is of each sentence its
            lead, its text and its marks (" [1][2]").
    """

    text: str
    verdict: Label
    citations: tuple[int, ...]
    reason: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of which every sentence is cited and checked, or a refusal.

    Attributes:
        question: As it was asked.
        search_query: What was searched.
        text: The sentences with their marks "[1]"; or, for a refusal, what was searched.
        refused: Whether the documents do not say; there are no sentences and citations then.
        confidence: The probability that the documents hold the answer, 0 to 1.
        sentences: In reading order.
        citations: In order of number.
        model: What wrote it: "extractive", or a language model's name.
        timings: Seconds spent, by step: "retrieve", "answer", "total".
        closest: For a refusal, what came closest, best first; not an answer.
        choices: Not empty if the text asks back which of these is meant; there are no sentences
            and citations then, and it is no refusal.
        unclear: The words of the question that the choices may stand for.
        searches: Everything that was searched, in order, where it is more than `search_query`.
        model_calls: How often a language model was asked for it.
        notice: What the reader must know beside it, such as that the language model failed and
            the documents' own sentences stand in; mostly empty.
    """

    question: str
    search_query: str
    text: str
    refused: bool
    confidence: float
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    model: str
    timings: dict[str, float]
    closest: tuple[Hit, ...] = ()
    choices: tuple[str, ...] = ()
    unclear: str = ""
    searches: tuple[str, ...] = ()
    model_calls: int = 0
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Searching:
    """What is searched: the first thing told while an answer is made, but for empty drafts.

    It is told again where the first search was not enough; the last is the one that holds.

    Attributes:
        search_query: The question as it stands alone.
        searches: Everything that is searched, where it is more than that.
    """

    search_query: str
    searches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a language model has written of its next sentence, not checked yet.

    It may be anything: only a `Piece` is part of the answer, and takes the place of the draft
    before it. The text is all that was written of the sentence, each time.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence of the answer, as soon as it is there.

    Attributes:
        text: What to append; the texts of all pieces are the answer's.
        sentence: The sentence, with its verdict.
        citations: Those of its citations that no piece before it had.
    """

    text: str
    sentence: Sentence
    citations: tuple[Citation, ...]


# What is told while an answer is made: what is searched, its sentences (those of a language model
# as drafts first), and at last all of it. A question back has no pieces, nor has a refusal.
Event = Searching | Draft | Piece | Answer
Events = Generator[Event, None, None]
