"""What a language model wrote, held against the passages: the verdict, and what it cites."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from assistant.answering.marks import Written
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
    def fine(self) -> bool:
        """Whether it is quoted or supported."""
        return self.verdict.label in FINE


def prove(
    written: Written,
    passages: Sequence[Reading],
    *,
    vector: Vectors,
    judge: Judge | None = None,
) -> Proof:
    """Check a sentence against what it cites.

    Marks of passages that were not given are as if they were not there. If what is cited does
    not bear the sentence out, or nothing is cited, one passage that does is cited instead; where
    several do, the best; where only several together do, these.

    Args:
        written: The sentence, with its marks.
        passages: Those that the model was given, in order of their numbers.
        vector: The sentence's vector, from the model that made those of the passages.
        judge: Asked for a second opinion where the verdict is weak.
    """
    marked = [passages[mark - 1] for mark in written.marks if 0 < mark <= len(passages)]
    if marked:
        proof = _by(written.text, marked, vector)
        if proof.fine:
            return _with_all_that_support(written.text, proof, marked, vector)
    alone = [_by(written.text, [one], vector) for one in passages]
    fine = [one for one in alone if one.fine]
    if fine:
        return max(fine, key=lambda one: (one.verdict.label == "quoted", one.verdict.score))
    together = _by(written.text, passages, vector)
    if together.fine:
        return together
    if marked:
        return _second(written.text, proof, marked, judge)
    near = [together.nearest] if together.nearest is not None else []
    cited = together.cited if together.verdict.label == "weak" else near
    given = [statement.reading for statement in cited] or passages[:1]
    return _second(written.text, together._replace(cited=cited), given, judge)


def _by(text: str, passages: Sequence[Reading], vector: Vectors) -> Proof:
    verdict = ground(text, [one.evidence for one in passages], vector=vector)
    cited = [_statement(passages[support.source], support) for support in verdict.supports]
    about = bool(cited) and _shared(text, cited[0].quote) >= ABOUT
    return Proof(verdict, cited, cited[0] if about else None)


def _with_all_that_support(
    text: str, proof: Proof, marked: Sequence[Reading], vector: Vectors
) -> Proof:
    """A proof with the marks that were not needed for it, but hold by themselves, too."""
    cited = list(proof.cited)
    for one in marked:
        if all(statement.reading is not one for statement in cited):
            other = _by(text, [one], vector)
            cited += other.cited[:1] if other.fine else []
    return proof._replace(cited=cited)


def _second(text: str, proof: Proof, given: Sequence[Reading], judge: Judge | None) -> Proof:
    """The proof after a second opinion, if there is one to ask."""
    if judge is None or proof.verdict.label != "weak":
        return proof
    source = "\n\n".join(dict.fromkeys(one.evidence.text for one in given))
    opinion = judge(text, source)
    if opinion is None:
        return proof
    return proof._replace(verdict=_overruled(proof.verdict, supported=opinion))


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
