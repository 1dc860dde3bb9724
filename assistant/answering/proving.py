"""What a language model wrote, held against the passages: the verdict, and what it cites."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from assistant.answering.marks import Written
from assistant.answering.reading import Reading
from assistant.answering.statements import Statement
from assistant.embedding.embedding import Vectors
from assistant.grounding import Support, Verdict, ground
from assistant.grounding.judging import Judge
from assistant.grounding.words import tokens
from assistant.sentences import Span

FINE = ("quoted", "supported")
# A sentence is about what a passage says if the passage has this share of its words.
ABOUT = 0.5
DENIES = re.compile(r"\bnot\b|n['’]t\b", re.IGNORECASE)


class Proof(NamedTuple):
    """What the passages say to a sentence.

    Attributes:
        verdict: By what is cited.
        cited: The sentences of the passages that bear it out, or that it contradicts.
        nearest: The passage's own sentence about the same, or None if there is none.
    """

    verdict: Verdict
    cited: list[Statement]
    nearest: Statement | None

    @property
    def quoted(self) -> bool:
        """Whether a passage has it word for word."""
        return self.verdict.label == "quoted"

    @property
    def fine(self) -> bool:
        """Whether it is quoted or supported."""
        return self.verdict.label in FINE


class _Claim(NamedTuple):
    """A sentence to be checked, its vector, and the sentence before it."""

    text: str
    vector: Vectors
    before: str


class Prover:
    """Checks sentences against the passages that a model was given."""

    def __init__(self, passages: Sequence[Reading], *, judge: Judge | None = None) -> None:
        """Check against these, in order of their numbers; `judge` is asked about weak sentences."""
        self._passages = list(passages)
        self._judge = judge

    def prove(self, written: Written, *, vector: Vectors, before: str = "") -> Proof:
        """Check a sentence against what it cites.

        Marks of passages that were not given are as if they were not there. If what is cited does
        not bear the sentence out, or nothing is cited, the one passage that does is cited instead;
        where several do, the best; where only several together do, these. A sentence that
        contradicts what it cites is borne out by nothing but its own words; and one that
        contradicts the sentence that is most like it, of all that were given, is not borne out by
        another.

        Args:
            written: The sentence, with its marks.
            vector: The sentence's vector, from the model that made those of the passages.
            before: The sentence before it, of which it may speak ("It ...").
        """
        claim = _Claim(written.text, vector, before)
        everywhere = range(len(self._passages))
        marked = [mark - 1 for mark in written.marks if mark - 1 in everywhere]
        alone = [self._by(claim, [place]) for place in everywhere]
        fine = [one for one in alone if one.fine]
        best = max(fine, key=lambda one: (one.quoted, one.verdict.score), default=None)
        likeness = _likeness(vector)
        against = max(
            (one for one in alone if one.verdict.contradicted), key=likeness, default=None
        )
        if marked:
            proof = self._by(claim, marked)
            if best is not None and best.quoted and not proof.quoted:
                proof = best
            elif proof.fine:
                proof = _with_all_that_support(proof, [alone[place] for place in marked])
            elif proof.verdict.contradicted:
                return proof
            elif best is not None:
                proof = best
        elif best is not None:
            proof = best
        else:
            proof = self._by(claim, everywhere)
            if not proof.fine and proof.verdict.label != "weak":
                proof = proof._replace(cited=[proof.nearest] if proof.nearest is not None else [])
        if proof.fine:
            if against is None or proof.quoted or likeness(against) <= likeness(proof):
                return proof
            return against  # what is most like it says otherwise
        return self._second(claim, proof, marked)

    def denied(self, text: str, *, vector: Vectors) -> bool:
        """Whether a passage itself denies what a sentence denies ("The document does not ...")."""
        claim = _Claim(text, vector, "")
        alone = (self._by(claim, [place]) for place in range(len(self._passages)))
        return any(one.fine and DENIES.search(one.cited[0].quote) for one in alone)

    def _by(self, claim: _Claim, places: Sequence[int], *, judge: Judge | None = None) -> Proof:
        verdict = ground(
            claim.text,
            [self._passages[place].evidence for place in places],
            vector=claim.vector,
            before=claim.before,
            judge=judge,
        )
        cited = [
            _statement(self._passages[places[support.source]], support)
            for support in verdict.supports
        ]
        about = bool(cited) and _shared(claim.text, cited[0].quote) >= ABOUT
        return Proof(verdict, cited, cited[0] if about else None)

    def _second(self, claim: _Claim, proof: Proof, marked: Sequence[int]) -> Proof:
        """The proof after a second opinion, if there is one to ask."""
        if self._judge is None or proof.verdict.label != "weak":
            return proof
        cited = [self._passages.index(one.reading) for one in proof.cited]
        places = list(dict.fromkeys(cited)) or marked
        return self._by(claim, places, judge=self._judge) if places else proof


def _with_all_that_support(proof: Proof, marked: Sequence[Proof]) -> Proof:
    """A proof with the marks that were not needed for it, but hold by themselves, too."""
    cited = list(proof.cited)
    for other in marked:
        if other.fine and all(one.reading is not other.cited[0].reading for one in cited):
            cited.append(other.cited[0])
    return proof._replace(cited=cited)


def _likeness(vector: Vectors) -> Callable[[Proof], float]:
    """How much the best of the sentences that a proof is by is like the one that was checked."""

    def likeness(proof: Proof) -> float:
        likenesses = [
            float(one.reading.vectors[place] @ vector)
            for one in proof.cited
            for place in range(one.first, one.last + 1)
        ]
        return max(likenesses, default=0.0)

    return likeness


def _statement(reading: Reading, support: Support) -> Statement:
    """The whole sentences of a passage that a support is in, up to where something is left out."""
    inside = [
        place
        for place, (start, end) in enumerate(reading.evidence.sentences)
        if start < support.end and support.start < end
    ]
    if not inside:  # a heading
        return Statement(reading, 0, 0, 0, span=Span(support.start, support.end))
    first = last = inside[0]
    while last < inside[-1] and reading.joined(last):
        last += 1
    return Statement(reading, first, first, last)


def _shared(text: str, source: str) -> float:
    """The share of a sentence's words that a source has."""
    words = {token.stem for token in tokens(text) if token.content}
    return len(words & {token.stem for token in tokens(source)}) / len(words) if words else 0.0
