"""A question becomes an answer: what to search, is it there, and who writes the answer."""

import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from assistant.answering import Answer, Draft, Event, Piece, Searching
from assistant.answering.composing import Weighed, quote, weigh
from assistant.answering.opinion import second_opinion
from assistant.answering.refusal import Scope, refusal
from assistant.answering.telling import Telling
from assistant.answering.waiting import meanwhile
from assistant.answering.writing import Writing
from assistant.catalog import Calibration
from assistant.conversation.blocks import model_name
from assistant.conversation.planning import Searches, plan_searches, search_again
from assistant.conversation.questions import self_contained
from assistant.conversation.turn import Turn
from assistant.documents import Document
from assistant.embedding.embedding import Vectors
from assistant.errors import ModelError
from assistant.models import Calls, Model
from assistant.prompts import render
from assistant.retrieval import Retrieval, merged
from assistant.settings import Settings

EXTRACTIVE = "extractive"


@dataclass(frozen=True, slots=True)
class Means:
    """What a question is answered with; the facade opens it.

    Attributes:
        settings: How to answer.
        retrieve: The passages for a query, with the vectors of their sentences.
        rarity: How rare each of some words is among the indexed texts.
        scope: What is searched, for a refusal.
        document: The whole of an indexed document, by source.
        encode: A sentence's vector, from the model that made those of the passages.
        model: The language model that writes, or None for the documents' own sentences.
        second: The language model that is asked for a second opinion on weak sentences, or None.
        calibration: What confidences come to on these documents, if that was measured.
    """

    settings: Settings
    retrieve: Callable[[str], Retrieval]
    rarity: Callable[[Collection[str]], dict[str, float]]
    scope: Callable[[], Scope]
    document: Callable[[str], Document | None]
    encode: Callable[[str], Vectors]
    model: Model | None = None
    second: Model | None = None
    calibration: Calibration | None = None

    @property
    def threshold(self) -> float:
        """The confidence below which is refused: as set, else as measured, else the default."""
        given = self.settings.refusal_threshold
        if self.calibration is None or given != Settings().refusal_threshold:
            return given
        return self.calibration.threshold


def ask(
    question: str, means: Means, *, history: Sequence[Turn] = (), search_query: str | None = None
) -> Iterator[Event]:
    """Answer a question, or refuse; see `Assistant.stream`.

    A language model that fails in passing is replaced by the documents' own sentences, and the
    answer's notice says so.

    Raises:
        ModelError: The language model cannot be used until somebody does something about it.
        EmbeddingError, IndexStorageError: The index cannot be searched.
    """
    started = time.perf_counter()
    asking = _Asking(means)
    searches = yield from asking.planned(question, history, search_query)
    yield Searching(searches.query, asking.searches)
    weighed = asking.weighed(searches)
    settings = means.settings
    sure = weighed.confidence >= means.threshold and bool(weighed.readings)
    better = None
    if not sure and not weighed.choices and not search_query:
        other = yield from asking.another_query(searches, weighed)
        if other is not None:
            yield Searching(searches.query, asking.searches)
            better = asking.weighed_again(other, weighed)
    retrieved = time.perf_counter()

    def finished(answer: Answer) -> Answer:
        done = time.perf_counter()
        timings = {
            "retrieve": round(retrieved - started, 4),
            "answer": round(done - retrieved, 4),
            "total": round(done - started, 4),
        }
        return replace(answer, timings=timings)

    blank = Answer(
        question=question,
        search_query=searches.query,
        text="",
        refused=True,
        confidence=round((better or weighed).confidence, 4),
        sentences=(),
        citations=(),
        model=asking.name,
        timings={},
        searches=asking.searches,
    )
    if weighed.choices:
        named = f"{', '.join(weighed.choices[:-1])} or {weighed.choices[-1]}"
        yield finished(
            replace(
                asking.noted(blank),
                text=render("clarify", folder=settings.prompts, choices=named),
                refused=False,
                unclear=weighed.unclear,
                choices=weighed.choices,
            )
        )
        return
    telling = Telling()
    if sure or better is not None:
        yield from asking.told(question, searches, telling, weighed=better or weighed, sure=sure)
    if telling.sentences:
        answer = replace(
            blank,
            text=telling.text,
            refused=False,
            sentences=tuple(telling.sentences),
            citations=tuple(telling.citations),
        )
    else:
        answer = replace(
            blank,
            text=refusal(searches.query, means.scope(), prompts=settings.prompts),
            closest=weighed.retrieval.hits[:3],
        )
    yield finished(asking.noted(answer))


class _Asking:
    """One question on its way: which searches were made, and what the model is still good for."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._calls: Calls | None = None
        if means.model is not None:
            self._calls = Calls(means.model, most=means.settings.model_calls)
        self._made = self._calls
        self._notes: list[str] = []
        self._written = 0  # sentences that the model wrote
        self.searches: tuple[str, ...] = ()
        self.name = EXTRACTIVE if means.model is None else means.model.name

    def planned(
        self, question: str, history: Sequence[Turn], search_query: str | None
    ) -> Generator[Draft, None, Searches]:
        """What to search."""
        means = self._means
        searches: Searches | None = Searches(search_query) if search_query else None
        # One call is left for the answer itself.
        if searches is None and self._calls is not None and self._calls.left > 1:
            try:
                searches = yield from meanwhile(
                    partial(
                        plan_searches,
                        question,
                        history,
                        calls=self._calls,
                        rarity=means.rarity,
                        prompts=means.settings.prompts,
                    ),
                    self._calls,
                )
            except ModelError as error:
                self._give_up(error)
        if searches is None:
            searches = Searches(self_contained(question, history, rarity=means.rarity))
        if searches.parts:
            self.searches = (searches.query, *searches.parts)
        return searches

    def weighed(self, searches: Searches) -> Weighed:
        """What the searches find; as sure as of the part that is surest."""
        means = self._means
        found = [means.retrieve(query) for query in (searches.query, *searches.parts)]
        if len(found) == 1:
            return self._weigh(found[0])
        whole = self._weigh(merged(found, limit=max(len(found[0].hits), len(found))))
        surest = max(self._weigh(part).confidence for part in found[1:])
        return replace(whole, confidence=max(whole.confidence, surest))

    def another_query(
        self, searches: Searches, weighed: Weighed
    ) -> Generator[Draft, None, str | None]:
        """What else to search where too little was found; None if there is nobody to say."""
        # There must be a call left for the answer.
        if self._calls is None or self._calls.left < 2 or not weighed.retrieval.hits:
            return None
        asked = (searches.query, *searches.parts)
        try:
            other = yield from meanwhile(
                partial(
                    search_again,
                    searches.query,
                    asked,
                    weighed.retrieval.hits,
                    calls=self._calls,
                    prompts=self._means.settings.prompts,
                ),
                self._calls,
            )
        except ModelError as error:
            self._give_up(error)
            return None
        if other is not None:
            self.searches = (*asked, other)
        return other

    def weighed_again(self, query: str, before: Weighed) -> Weighed | None:
        """What another query finds, if that is enough to answer from."""
        means = self._means
        found = means.retrieve(query)
        again = self._weigh(found)
        if again.confidence < means.threshold or again.choices or not again.readings:
            return None
        both = merged([found, before.retrieval], limit=max(len(found.hits), 2))
        return replace(self._weigh(both), confidence=again.confidence)

    def _weigh(self, found: Retrieval) -> Weighed:
        weighed, calibration = weigh(found, rarity=self._means.rarity), self._means.calibration
        if calibration is None or not weighed.readings:
            return weighed
        return replace(weighed, confidence=calibration(weighed.confidence))

    def told(
        self, question: str, searches: Searches, telling: Telling, *, weighed: Weighed, sure: bool
    ) -> Iterator[Draft | Piece]:
        """The sentences of the answer; `sure` says that the question itself found enough.

        What only another query than the question found is for a language model to make sense of.
        """
        means = self._means
        if self._calls is not None:
            writing = Writing(
                weighed,
                telling,
                self._calls,
                means.settings,
                document=means.document,
                encode=means.encode,
                judge=second_opinion(means.second, means.settings, self._calls),
            )
            asked = question
            if searches.query != question:
                asked = f"{searches.query} (as asked: {question})"
            try:
                yield from writing.write(asked)
            except ModelError as error:
                yield Draft("")
                self._give_up(error)
            finally:
                self._written = len(telling.sentences)
                self._notes.insert(0, writing.notice)
            if self._calls is not None and not (sure and writing.assent):
                return
            if writing.assent:
                self._notes.append(f"The language model only says “{writing.assent}”.")
                self._calls, self.name = None, EXTRACTIVE
        if sure:
            yield from quote(
                weighed,
                telling,
                document=means.document,
                most_sentences=means.settings.answer_sentences,
            )

    def noted(self, answer: Answer) -> Answer:
        """The answer with what the reader must know beside it."""
        made = 0 if self._made is None else self._made.made
        notes = [*self._notes]
        if self._calls is not self._made and len(answer.sentences) > self._written:
            what = "What follows" if self._written else "These"
            notes.append(f"{what} are the documents' own sentences.")
        notice = " ".join(filter(None, notes))
        return replace(answer, model=self.name, model_calls=made, notice=notice)

    def _give_up(self, error: ModelError) -> None:
        """Go on without the model; an error that somebody must act on is raised."""
        if not error.passing:
            raise error
        what = str(error).replace(self.name, model_name(self.name))
        self._calls, self.name = None, EXTRACTIVE
        self._notes.append(f"{what[:1].upper()}{what[1:]}.")
