"""An answer, and what was found for it, against a case: every score that applies."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.answering import Answer, Citation
from assistant.assistant import READ_FOR_ANSWERS, Assistant
from assistant.embedding import load_embedding
from assistant.embedding.embedding import Vectors
from assistant.evaluation.answers import accepted, exact_match, rouge_l, token_f1
from assistant.evaluation.cases import Case
from assistant.evaluation.faithfulness import (
    Cited,
    citation_precision,
    citation_recall,
    faithfulness,
    groundedness,
    question_likeness,
)
from assistant.evaluation.fields import Evidence
from assistant.evaluation.judging import Judge, Text, grounding_judge, supported
from assistant.evaluation.retrieval import (
    average_precision,
    context_precision,
    context_recall,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank,
)
from assistant.retrieval import Hit

Scores = dict[str, float | None]
# What is found for a query, best first.
Search = Callable[[str], Sequence[Hit]]
# Texts as vectors of length 1, shape (texts, dimensions).
Embed = Callable[[Sequence[str]], Vectors]

# Where the ranking is cut: what a reader, or a model with little room, gets to see.
FIRST = 5
READ = READ_FOR_ANSWERS


@dataclass
class Scored:
    """What came of a case.

    Attributes:
        scores: By name; None for what does not apply to it.
        groundedness: How well each sentence of the answer is supported, 0 to 1.
        reasons: Why it is not perfect, in words.
    """

    scores: Scores = field(default_factory=dict)
    groundedness: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scorer:
    """How answers are scored; what is None is left out, with the scores that need it.

    Attributes:
        search: Finds what the answer was made from, by its query.
        judge: Tells whether texts bear a statement out.
        embed: For the likeness of question and answer.
    """

    search: Search | None = None
    judge: Judge | None = None
    embed: Embed | None = None

    @classmethod
    def of(cls, assistant: Assistant) -> "Scorer":
        """The assistant's own search, with the check and the model that are built in."""
        embedding = load_embedding("embedded", threads=assistant.settings.encoder_threads)

        def embed(texts: Sequence[str]) -> Vectors:
            return np.stack([code.vector for code in embedding.encode(texts)])

        return cls(
            search=lambda query: assistant.retrieve(query, limit=READ).hits,
            judge=grounding_judge(embedding),
            embed=embed,
        )

    def __call__(self, case: Case, answer: Answer) -> Scored:
        """Score an answer."""
        scored = Scored()
        _rightness(case, answer, scored)
        hits = self._found(answer)
        if hits is not None:
            _ranking(case, hits, scored)
        if self.judge is not None:
            _trust(answer, hits, self.judge, scored)
        if self.embed is not None and answer.sentences:
            question, *sentences = self.embed(
                [answer.search_query, *(sentence.text for sentence in answer.sentences)]
            )
            scored.scores["question_likeness"] = question_likeness(question, np.stack(sentences))
        return scored

    def _found(self, answer: Answer) -> list[Hit] | None:
        """What was searched for an answer, in turn from each of its searches, each hit once."""
        if self.search is None:
            return None
        rankings = [self.search(query) for query in answer.searches or (answer.search_query,)]
        longest = max(map(len, rankings))
        turns = [ranking[n] for n in range(longest) for ranking in rankings if n < len(ranking)]
        return list({hit.id: hit for hit in turns}.values())


def _rightness(case: Case, answer: Answer, scored: Scored) -> None:
    """Whether it is what the case wants."""
    scores, reasons = scored.scores, scored.reasons
    if case.answerable is None:
        return
    if not case.answerable:
        scores["right"] = float(answer.refused)
        if not answer.refused:
            reasons.append("the documents do not say; it should have been refused")
        return
    text = " ".join(sentence.text for sentence in answer.sentences)
    references = case.references or [" ".join(parts) for parts in case.answers]
    if answer.choices and case.choices:
        offered = sum(
            accepted(" ; ".join(answer.choices), [[choice]]) is not None for choice in case.choices
        )
        right = offered >= 2
        if not right:
            reasons.append(f"it asks back, but not for {_listed(case.choices)}")
    else:
        right = accepted(text, case.answers) is not None
        scores |= {
            "exact_match": exact_match(text, references),
            "token_f1": token_f1(text, references),
            "rouge_l": rouge_l(text, references),
        }
        if answer.refused:
            reasons.append(f"the documents say: {_wanted(case)}; it was refused")
        elif answer.choices:
            reasons.append("it asks back, though the question is clear")
        elif not right and case.answers:
            reasons.append(f"it does not say: {_wanted(case)}")
    if case.answers:
        scores["accepted"] = scores["right"] = float(right)


def _ranking(case: Case, hits: Sequence[Hit], scored: Scored) -> None:
    """How well what it needs was found: by evidence, or, where none is told, by document."""
    if not case.sources:
        return
    relevant: set[Hashable]
    if case.evidence:
        held = [[_holds(hit, evidence) for hit in hits] for evidence in case.evidence]
        useful = [any(row[place] for row in held) for place in range(len(hits))]
        ranking: list[Hashable] = [hit.id for hit in hits]
        # Evidence that was not found is one passage more that should have been.
        relevant = {key for key, one in zip(ranking, useful, strict=True) if one} | {
            evidence for evidence, row in zip(case.evidence, held, strict=True) if not any(row)
        }
        found = [any(row) for row in held]
        scored.scores["context_recall"] = context_recall(found)
        for evidence, one in zip(case.evidence, found, strict=True):
            if not one:
                quote = _short(evidence.quote)
                scored.reasons.append(f"not found for it: {evidence.source}, “{quote}”")
    else:
        ranking = list(dict.fromkeys(hit.source for hit in hits))
        relevant = set(case.sources)
        useful = [hit.source in relevant for hit in hits]
    scored.scores |= {
        f"recall@{FIRST}": recall_at(FIRST, ranking, relevant),
        f"recall@{READ}": recall_at(READ, ranking, relevant),
        f"precision@{FIRST}": precision_at(FIRST, ranking, relevant),
        "mrr": reciprocal_rank(ranking, relevant),
        "map": average_precision(ranking, relevant),
        f"ndcg@{READ}": ndcg_at(READ, ranking, relevant),
        "context_precision": context_precision(useful),
    }


def _trust(answer: Answer, hits: Sequence[Hit] | None, judge: Judge, scored: Scored) -> None:
    """Whether the texts say what it says, and its citations show it."""
    if not answer.sentences:
        return
    found = {(hit.source, hit.passage.start): Text.of(hit.passage) for hit in hits or ()}
    # A citation is judged by the passage that its reader sees, as ALCE's are.
    passages = {one.number: _passage(one, found) for one in answer.citations}
    cited: list[Cited[Text]] = [
        (sentence.text, [passages[number] for number in sentence.citations if number in passages])
        for sentence in answer.sentences
    ]

    def entails(statement: str, texts: Sequence[Text]) -> bool:
        return supported(judge(statement, texts))

    scored.scores["citation_recall"] = citation_recall(cited, entails)
    scored.scores["citation_precision"] = citation_precision(cited, entails)
    for number, (statement, texts) in enumerate(cited, start=1):
        if not texts:
            scored.reasons.append(f"sentence {number} cites nothing: “{_short(statement)}”")
        elif not supported(verdict := judge(statement, texts)):
            scored.reasons.append(f"sentence {number} is not borne out: {verdict.reason}")
    if hits is not None:
        # What is cited was read, even if the search is not told anew exactly as it was.
        read = list(dict.fromkeys([*found.values(), *passages.values()]))
        verdicts = [judge(sentence.text, read) for sentence in answer.sentences]
        scored.groundedness = [verdict.score for verdict in verdicts]
        scored.scores["faithfulness"] = faithfulness([supported(one) for one in verdicts])
        scored.scores["groundedness"] = groundedness(scored.groundedness)


def _passage(citation: Citation, found: Mapping[tuple[str, int], Text]) -> Text:
    """What stands around a citation."""
    known = found.get((citation.source, citation.passage_start))
    if known is not None and known.text == citation.passage:
        return known
    context = " > ".join(dict.fromkeys((citation.title, *citation.heading)))
    return Text(citation.passage, context)


def _holds(hit: Hit, evidence: Evidence) -> bool:
    """Whether a passage has the words of the evidence."""
    return evidence.source in (hit.source, *hit.also_in) and _flat(evidence.quote) in _flat(
        hit.text
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    flat = _flat(text)
    return flat if len(flat) <= 80 else flat[:79] + "…"


def _wanted(case: Case) -> str:
    answers = [" and ".join(f"“{_short(part)}”" for part in parts) for parts in case.answers]
    return " or ".join(answers) or f"“{_short(next(iter(case.references), ''))}”"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" or {words[-1]}"
