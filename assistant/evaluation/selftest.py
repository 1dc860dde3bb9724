"""The measure is measured: does each metric tell a good answer from one that was made bad?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from assistant.answering import Answer, Citation, Sentence
from assistant.answering.answer import cited
from assistant.assistant import Assistant
from assistant.catalog import open_catalog
from assistant.evaluation.answers import accepted, exact_match, normalised, rouge_l, token_f1
from assistant.evaluation.cases import Case
from assistant.evaluation.faithfulness import question_likeness
from assistant.evaluation.judging import Judge
from assistant.evaluation.perturbing import invented, names_in, perturb, rearranged
from assistant.evaluation.running import THREADS
from assistant.evaluation.scoring import Embed, Scorer
from assistant.evaluation.statistics import EQUAL, Figure, mean

# Metrics of whether an answer is borne out, of whether it is right, and of what it is about.
TRUST = ("faithfulness", "groundedness", "citation_recall", "citation_precision")
RIGHT = ("accepted", "exact_match", "token_f1", "rouge_l")
ABOUT = ("question_likeness",)
# Made bad; the last one says the same in another order, and is as good as before.
FALSE = ("number", "name", "date", "negation", "unit", "comparative", "modality")
INVENTED, ANOTHER, HARMLESS = "invented sentence", "another's answer", "said otherwise"
# What a metric must tell apart to be of use: so often, and with no more false alarms.
LEAST_TOLD, MOST_ALARMS = 0.95, 0.1
# So many sentences of the documents are taken beside the answers.
SENTENCES = 100
SHORTEST_WORDS, LONGEST_WORDS = 6, 60

Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A good answer and one made of it, as the metrics see them.

    Attributes:
        origin: "answers" (to the cases), "documents" (a sentence of them, as an answer), or
            "accepted" (what the cases accept).
        kind: What was changed, one of `FALSE`, `INVENTED`, `ANOTHER`, or `HARMLESS`.
        cluster: What it is not independent of.
        good: The sentence as it was.
        bad: What was made of it, or added.
        before: The scores of the answer as it was.
        after: Those of the changed one.
    """

    origin: str
    kind: str
    cluster: str
    good: str
    bad: str
    before: Scores
    after: Scores

    def fell(self, metric: str) -> bool | None:
        """Whether the changed one scores below the other; None if there is no score."""
        before, after = self.before.get(metric), self.after.get(metric)
        return None if before is None or after is None else after < before - EQUAL

    def fall(self, metric: str) -> float:
        """By how much it scores below the other."""
        return (self.before.get(metric) or 0.0) - (self.after.get(metric) or 0.0)


@dataclass(frozen=True, slots=True)
class Told:
    """How well a metric tells good from bad.

    Attributes:
        metric: Its name.
        apart: How often what was made bad scored below what it was made of.
        kinds: The same by kind.
        alarms: How often a harmless change cost more than half of what bad ones do on average.
        before: What the good ones score.
    """

    metric: str
    apart: Figure
    kinds: dict[str, Figure]
    alarms: Figure
    before: Figure

    @property
    def problem(self) -> str:
        """Why it is of no use; empty if it is, or if there was nothing to try it on."""
        if self.apart.value is None:
            return ""
        if self.apart.value < LEAST_TOLD:
            return (
                f"{self.metric} does not tell good from bad: {self.apart.value:.1%} of "
                f"{self.apart.cases} bad answers scored below the good ones, not {LEAST_TOLD:.0%}"
            )
        if (self.alarms.value or 0.0) > MOST_ALARMS:
            return (
                f"{self.metric} takes good for bad: {self.alarms.value:.1%} of "
                f"{self.alarms.cases} harmless changes scored lower"
            )
        return ""


def self_test(
    assistant: Assistant,
    cases: Sequence[Case],
    *,
    sentences: int = SENTENCES,
    threads: int = THREADS,
    judge: Judge | None = None,
    tried: Callable[[int, int], None] = lambda done, total: None,
) -> list[Outcome]:
    """Make good answers bad, and score both.

    Good are the answers to the cases in the documents' own words, sentences of the documents as
    answers, and what the cases accept.

    Args:
        assistant: Answers; no language model is asked.
        cases: Those without a history are asked; there may be none.
        sentences: How many sentences of the documents are taken.
        threads: How many are scored side by side.
        judge: Measured in the place of the shipped one.
        tried: Told after each answer how many of how many are done.

    Raises:
        IndexMissingError, IndexStorageError, EmbeddingError: As `Assistant.ask`.
    """
    # What would be refused is faithful all the same: every sentence is the documents' own.
    with assistant.as_shipped(refusal_threshold=0.0) as shipped:
        names, quotes = _drawn(shipped, sentences)
        scorer = Scorer.of(shipped)
        if judge is not None:
            scorer = replace(scorer, judge=judge)
        assert scorer.search is not None
        trust = replace(scorer, search=lru_cache(maxsize=256)(scorer.search), embed=None)
        asked = [case for case in cases if not case.history]

        def of_case(case: Case) -> tuple[Answer, list[Outcome]]:
            answer = shipped.ask(case.question)
            good = bool(answer.sentences) and all(
                sentence.verdict == "quoted" for sentence in answer.sentences
            )
            if not good:
                return answer, []
            return answer, list(_untrue(answer, "answers", case.cluster, trust, names))

        def of_quote(quote: tuple[str, str]) -> tuple[Answer | None, list[Outcome]]:
            source, text = quote
            answer = _as_answer(text, source, shipped)
            if answer is None:
                return None, []
            return answer, list(_untrue(answer, "documents", source, trust, names))

        outcomes: list[Outcome] = []
        answers: list[Answer] = []
        total = len(asked) + len(quotes)
        with ThreadPoolExecutor(threads) as pool:
            try:
                for answer, found in pool.map(of_case, asked):
                    answers.append(answer)
                    outcomes += found
                    tried(len(answers), total)
                for done, (_, found) in enumerate(pool.map(of_quote, quotes), len(asked) + 1):
                    outcomes += found
                    tried(done, total)
            finally:
                pool.shutdown(cancel_futures=True)
        assert scorer.embed is not None
        return [*outcomes, *_wrong(asked, names), *_elsewhere(asked, answers, scorer.embed)]


def results(outcomes: Sequence[Outcome]) -> dict[str, Told]:
    """What each metric told apart, by its name."""
    found = {}
    for metric in (*TRUST, *RIGHT, *ABOUT):
        scored = [one for one in outcomes if one.fell(metric) is not None]
        bad = [one for one in scored if seen_by(metric, one.kind)]
        same = [one for one in scored if one.kind == HARMLESS]
        cost = sum(one.fall(metric) for one in bad) / max(1, len(bad))
        kinds = {
            kind: _share(metric, [one for one in scored if one.kind == kind])
            for kind in (*FALSE, INVENTED, ANOTHER)
        }
        found[metric] = Told(
            metric,
            apart=_share(metric, bad),
            kinds={kind: figure for kind, figure in kinds.items() if figure.cases},
            alarms=mean(
                [float(one.fall(metric) > cost / 2) for one in same], [one.cluster for one in same]
            ),
            before=mean([one.before[metric] for one in scored], [one.cluster for one in scored]),
        )
    return found


def seen_by(metric: str, kind: str) -> bool:
    """Whether a metric must see this kind of change.

    A changed word may be one that an accepted answer does not have, so that for the metrics of
    rightness such kinds are only shown.
    """
    return kind in ((*FALSE, INVENTED) if metric in TRUST else (ANOTHER,))


def _share(metric: str, outcomes: Sequence[Outcome]) -> Figure:
    return mean([float(bool(one.fell(metric))) for one in outcomes], [o.cluster for o in outcomes])


def _untrue(
    answer: Answer, origin: str, cluster: str, score: Scorer, names: Sequence[str]
) -> Iterator[Outcome]:
    """An answer with a sentence changed, once for each kind, and one with a sentence more."""
    unlabelled = Case(cluster, answer.question)
    before = score(unlabelled, answer).scores
    passages = {one.number: one for one in answer.citations}
    done = set()
    for place, sentence in enumerate(answer.sentences):
        read = "\n".join(_around(passages[number]) for number in sentence.citations)
        for kind, text in _changed(sentence.text, read, names):
            if kind in done:
                continue
            done.add(kind)
            sentences = list(answer.sentences)
            sentences[place] = replace(sentence, text=text)
            after = score(unlabelled, replace(answer, sentences=tuple(sentences))).scores
            yield Outcome(origin, kind, cluster, sentence.text, text, before, after)
    last = answer.sentences[-1]
    more = replace(last, text=invented(last.text).sentence)
    after = score(unlabelled, replace(answer, sentences=(*answer.sentences, more))).scores
    yield Outcome(origin, INVENTED, cluster, last.text, more.text, before, after)


def _changed(sentence: str, passage: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for made in perturb(sentence, passage, names=names):
        # What the passage says all the same is not made false.
        if made.sentence not in passage:
            yield made.kind.partition(" ")[0], made.sentence
    if (text := rearranged(sentence)).casefold() != sentence.casefold():
        yield HARMLESS, text


def _wrong(cases: Sequence[Case], names: Sequence[str]) -> Iterator[Outcome]:
    """What a case accepts, with a word changed; and what another accepts, in its place."""
    told = [(case, _reference(case)) for case in cases if case.answers]
    others = [text for _, text in told]
    for place, (case, good) in enumerate(told):
        before = _rightness(good, case)
        for kind, text in _changed(good, good, names):
            yield Outcome(
                "accepted", kind, case.cluster, good, text, before, _rightness(text, case)
            )
        for bad in (*others[place + 1 :], *others[:place]):
            if normalised(bad) != normalised(good):
                after = _rightness(bad, case)
                yield Outcome("accepted", ANOTHER, case.cluster, good, bad, before, after)
                break


def _reference(case: Case) -> str:
    return " ".join(case.answers[0])


def _rightness(text: str, case: Case) -> Scores:
    references = [_reference(case)]
    return {
        "accepted": float(accepted(text, case.answers) is not None),
        "exact_match": exact_match(text, references),
        "token_f1": token_f1(text, references),
        "rouge_l": rouge_l(text, references),
    }


def _elsewhere(cases: Sequence[Case], answers: Sequence[Answer], embed: Embed) -> Iterator[Outcome]:
    """The question with its own answer, and with that to one which is about other documents."""
    told = [
        (case, answer, embed([answer.search_query, *(one.text for one in answer.sentences)]))
        for case, answer in zip(cases, answers, strict=True)
        if answer.sentences and case.answerable
    ]
    for place, (case, answer, (question, *own)) in enumerate(told):
        sources = {one.source for one in answer.citations}
        for _, other, (_, *strange) in (*told[place + 1 :], *told[:place]):
            if not sources & {one.source for one in other.citations}:
                before, after = (
                    {"question_likeness": question_likeness(question, np.stack(vectors))}
                    for vectors in (own, strange)
                )
                good, bad = (
                    " ".join(one.text for one in each.sentences) for each in (answer, other)
                )
                yield Outcome("answers", ANOTHER, case.cluster, good, bad, before, after)
                break


def _drawn(assistant: Assistant, count: int) -> tuple[list[str], list[tuple[str, str]]]:
    """The names in the documents, and some of their sentences, each with its source."""
    texts: list[str] = []
    found: list[tuple[str, str]] = []
    with open_catalog(assistant.status().index) as catalog:
        documents = catalog.documents()
        for document in documents[:: max(1, len(documents) // max(1, count))]:
            for item in catalog.passages_of(document.source):
                passage = item.passage
                texts.append(passage.text)
                for start, end in passage.sentences:
                    text = passage.text[start - passage.start : end - passage.start]
                    if passage.row is None and _prose(text):
                        found.append((passage.source, text))
    return names_in(texts), found[:: max(1, -(-len(found) // max(1, count)))]


def _prose(sentence: str) -> bool:
    words = sentence.split()
    return (
        SHORTEST_WORDS <= len(words) <= LONGEST_WORDS
        and sentence.rstrip("'\" )”’").endswith((".", "!"))
        and "\n\n" not in sentence
    )


def _as_answer(text: str, source: str, assistant: Assistant) -> Answer | None:
    """A sentence of a document as an answer that cites its passage; None if it is not found."""
    found = assistant.retrieve(" ".join(text.split())).hits
    hit = next((hit for hit in found if hit.source == source and text in hit.text), None)
    if hit is None:
        return None
    query = " ".join(text.split())
    return Answer(
        question=query,
        search_query=query,
        text=f"{text} [1]",
        refused=False,
        confidence=1.0,
        sentences=(Sentence(text, "quoted", (1,)),),
        citations=(cited(hit, 1),),
        model="extractive",
        timings={},
    )


def _around(citation: Citation) -> str:
    return "\n".join((citation.title, *citation.heading, citation.passage))
