"""What a language model wrote, held against the passages: the verdict, and what it cites."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from assistant.answering.marks import Written
from assistant.answering.orders import disarmed
from assistant.answering.reading import Reading
from assistant.answering.statements import Statement
from assistant.embedding.embedding import Vectors
from assistant.grounding import Support, Verdict, ground
from assistant.grounding.words import tokens

FINE = ("quoted", "supported")
# A sentence is about what a passage says if the passage has this share of its words.
ABOUT = 0.5
Judge = Callable[[str, str], bool | None]


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


class Prover:
    """Checks sentences against the passages that a model was given."""

    def __init__(
        self, passages: Sequence[Reading], *, about_orders: bool, judge: Judge | None = None
    ) -> None:
        """Make the passages ready.

        Args:
            passages: Those that the model was given, in order of their numbers.
            about_orders: Whether orders to models are asked about; else they bear nothing out.
            judge: Asked for a second opinion where the verdict is weak.
        """
        self._passages = list(passages)
        self._evidence = [
            one.evidence if about_orders else disarmed(one.evidence) for one in passages
        ]
        self._judge = judge

    def prove(self, written: Written, *, vector: Vectors) -> Proof:
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
        """
        everywhere = range(len(self._passages))
        marked = [mark - 1 for mark in written.marks if mark - 1 in everywhere]
        alone = [self._by(written.text, [place], vector) for place in everywhere]
        fine = [one for one in alone if one.fine]
        best = max(fine, key=lambda one: (one.quoted, one.verdict.score), default=None)
        likeness = _likeness(vector)
        against = max(
            (one for one in alone if one.verdict.contradicted), key=likeness, default=None
        )
        if marked:
            proof = self._by(written.text, marked, vector)
            if proof.fine:
                proof = _with_all_that_support(proof, [alone[place] for place in marked])
            elif proof.verdict.contradicted and not (best is not None and best.quoted):
                return proof
            elif best is not None:
                proof = best
        elif best is not None:
            proof = best
        else:
            proof = self._by(written.text, everywhere, vector)
            if not proof.fine and proof.verdict.label != "weak":
                proof = proof._replace(cited=[proof.nearest] if proof.nearest is not None else [])
        if proof.fine:
            if against is None or proof.quoted or likeness(against) <= likeness(proof):
                return proof
            return against  # what is most like it says otherwise
        return self._second(written.text, proof, marked)

    def _by(self, text: str, places: Sequence[int], vector: Vectors) -> Proof:
        verdict = ground(text, [self._evidence[place] for place in places], vector=vector)
        cited = [
            _statement(self._passages[places[support.source]], support)
            for support in verdict.supports
        ]
        about = bool(cited) and _shared(text, cited[0].quote) >= ABOUT
        return Proof(verdict, cited, cited[0] if about else None)

    def _second(self, text: str, proof: Proof, marked: Sequence[int]) -> Proof:
        """The proof after a second opinion, if there is one to ask."""
        if self._judge is None or proof.verdict.label != "weak":
            return proof
        given = [self._passages.index(one.reading) for one in proof.cited] or marked
        source = "\n\n".join(self._evidence[place].text for place in dict.fromkeys(given))
        opinion = self._judge(text, source) if source else None
        if opinion is None:
            return proof
        return proof._replace(verdict=_overruled(proof.verdict, supported=opinion))


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
    """The whole sentences of a passage that a support is in."""
    inside = [
        place
        for place, (start, end) in enumerate(reading.evidence.sentences)
        if start < support.end and support.start < end
    ]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    return Statement(reading, first, first, last)


def _shared(text: str, source: str) -> float:
    """The share of a sentence's words that a source has."""
    words = {token.stem for token in tokens(text) if token.content}
    return len(words & {token.stem for token in tokens(source)}) / len(words) if words else 0.0


def _overruled(verdict: Verdict, *, supported: bool) -> Verdict:
    """A weak verdict after a second opinion, by which it counts as supported or not."""
    if supported:
        return replace(verdict, label="supported", reason="")
    reason = f"a language model says that the source does not bear it out; {verdict.reason}"
    return replace(verdict, label="unsupported", reason=reason)
