"""Does this text support this sentence? Verdicts, without a language model, in milliseconds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.embedding.embedding import Embedding, Vectors
from assistant.grounding.additions import additions
from assistant.grounding.alignment import (
    Claim,
    Window,
    make_claim,
)
from assistant.grounding.assessment import assess, beside_the_point
from assistant.grounding.conflicts import conflicts
from assistant.grounding.dressing import HEADING, undressed, without_marks
from assistant.grounding.evidence import Evidence
from assistant.grounding.facts import facts
from assistant.grounding.judging import Judge
from assistant.grounding.score import JUST_WEAK, SUPPORTED, WEAK, probability
from assistant.grounding.words import Token, tokens
from assistant.passages import Span, sentence_spans

Label = Literal["quoted", "supported", "weak", "unsupported"]

# A longer sentence is not prose; only a verbatim copy of it can be told.
LONGEST_SENTENCE = 3000
SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Support:
    """A stretch of a source that bears a sentence out.

    Attributes:
        source: Which of the texts it is in, from 0.
        start: Offset of its first character in that text.
        end: Offset after its last character.
        text: The characters between the two.
    """

    source: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sources say to one sentence.

    Attributes:
        sentence: The sentence.
        label: `quoted` (verbatim in a source), `supported`, `weak` (in part, or not surely) or
            `unsupported` (absent, or contradicted).
        score: From 0 to 1, how well it is supported; a contradiction keeps it below a half.
        supports: The stretches that support it, or that it contradicts, best first.
        reason: What is wrong, in words; empty when quoted or supported.
        start: Offset of the sentence in the checked text.
        end: Offset after its last character.
        contradicted: Whether it is unsupported because a source says otherwise.
    """

    sentence: str
    label: Label
    score: float
    supports: tuple[Support, ...]
    reason: str
    start: int = 0
    end: int = 0
    contradicted: bool = False


def check(
    text: str,
    *,
    against: Sequence[str],
    embedding: Embedding | None = None,
    judge: Judge | None = None,
) -> list[Verdict]:
    """A verdict for each sentence of `text`, in order, judged by the sources in `against`.

    A heading is a sentence of its own. Names that the sentence before has are not new to one.

    Raises:
        EmbeddingError: The embedding model failed.
    """
    spans = statement_spans(text)
    if not spans:
        return []
    evidence = [Evidence(source, tuple(sentence_spans(source))) for source in against]
    vectors: list[Vectors | None] = [None] * len(spans)
    if embedding is not None:
        encoded = embedding.encode(
            [encodable(item.text) for item in evidence], [item.sentences for item in evidence]
        )
        evidence = [
            Evidence(item.text, item.sentences, code.sentences)
            for item, code in zip(evidence, encoded, strict=True)
        ]
        claims = [encodable(undressed(text[start:end][:LONGEST_SENTENCE])) for start, end in spans]
        vectors = [code.vector for code in embedding.encode(claims)]
    verdicts = []
    before = ""
    for (start, end), vector in zip(spans, vectors, strict=True):
        sentence = text[start:end]
        verdicts.append(
            ground(sentence, evidence, vector=vector, before=before, judge=judge, start=start)
        )
        before = sentence if len(sentence) <= LONGEST_SENTENCE else ""
    return verdicts


def statement_spans(text: str) -> list[Span]:
    """Where the sentences of a text are, headings apart from what follows them.

    Citation marks after a sentence belong to it.
    """
    found: list[Span] = []
    ends = [match.end() for match in HEADING.finditer(text)]
    for start, end in sentence_spans(text):
        for cut in (*(cut for cut in ends if start < cut < end), end):
            inside = text[start:cut]
            first = start + len(inside) - len(inside.lstrip())
            last = start + len(inside.rstrip())
            start = cut
            if found and not any(character.isalnum() for character in without_marks(inside)):
                found[-1] = Span(found[-1].start, max(last, found[-1].end))
            elif inside.strip():
                found.append(Span(first, last))
    return found


def ground(
    sentence: str,
    evidence: Sequence[Evidence],
    *,
    vector: Vectors | None = None,
    weights: Mapping[str, float] | None = None,
    before: str = "",
    judge: Judge | None = None,
    start: int = 0,
) -> Verdict:
    """Judge one sentence by the evidence.

    Args:
        sentence: The sentence; citation marks such as [1], Markdown's marks and lead-ins such as
            "Yes," are no part of it.
        evidence: The sources that may support it.
        vector: Its vector, from the model that made the vectors of the evidence.
        weights: How telling a stem is (1 is common); guessed from its form where missing.
        before: The sentence before it: names in that are not new.
        judge: Asked for a second opinion where the verdict is weak.
        start: Its offset in the text it is from, handed through to the verdict.
    """
    verdict = judged(sentence, evidence, vector=vector, weights=weights, before=before)
    verdict = replace(verdict, start=start, end=start + len(sentence))
    if judge is None or verdict.label != "weak" or not verdict.supports:
        return verdict
    places = dict.fromkeys(support.source for support in verdict.supports)
    opinion = judge(
        undressed(sentence).strip(), "\n\n".join(evidence[place].text for place in places)
    )
    if opinion is None:
        return verdict
    if opinion:
        return replace(verdict, label="supported", reason="")
    reason = f"a language model says that the source does not bear it out; {verdict.reason}"
    return replace(verdict, label="unsupported", reason=reason)


def judged(
    sentence: str,
    evidence: Sequence[Evidence],
    *,
    vector: Vectors | None,
    weights: Mapping[str, float] | None,
    before: str,
) -> Verdict:
    """The verdict without a second opinion."""
    marked = without_marks(sentence)

    def verdict(
        label: Label, score: float, supports: Sequence[Support], reason: str = ""
    ) -> Verdict:
        return Verdict(sentence, label, round(score, 4), tuple(supports), reason)

    written = sum(len(word) for word in marked.split())
    if written > LONGEST_SENTENCE and all(written > len(item.text) for item in evidence):
        return verdict("unsupported", 0.0, (), f"too long to check ({len(marked)} characters)")
    quotation = trimmed(tokens(marked))
    quoted = quote(quotation, evidence)
    if quoted is None and len(marked) <= LONGEST_SENTENCE:
        plain = undressed(sentence)
        if plain != marked:
            quotation = trimmed(tokens(plain))
            quoted = quote(quotation, evidence)
    if quoted is not None:
        return verdict("quoted", 1.0, [quoted])
    if len(marked) > LONGEST_SENTENCE:
        return verdict("unsupported", 0.0, (), f"too long to check ({len(marked)} characters)")
    proper = frozenset[str]().union(*(item.proper for item in evidence))
    known = frozenset(t.stem for t in tokens(before) if t.content and t.capitalised)
    claim = make_claim(quotation, weights=weights, proper=proper, known=known)
    if not claim.terms:
        return verdict("weak", 0.0, (), "there is nothing in it that can be checked")
    assessed = assess(claim, evidence, vector)
    if assessed is None:
        return verdict("unsupported", 0.0, (), "there is no source text")
    supports = [support(window, evidence) for window in assessed.union]
    score = probability(assessed.features)
    if assessed.contradiction:
        denied = verdict("unsupported", score * WEAK, supports[:1], assessed.contradiction)
        return replace(denied, contradicted=True)
    if assessed.unknown or (score >= SUPPORTED and beside_the_point(claim, assessed)):
        score = min(score, JUST_WEAK)
    added = ""
    if score >= SUPPORTED:
        added = next(additions(claim, assessed.union, evidence), "")
        score = min(score, JUST_WEAK) if added else score
    if score >= SUPPORTED:
        return verdict("supported", score, supports)
    reason = added or (assessed.unknown[0] if assessed.unknown else lacking(claim, assessed.union))
    if score >= WEAK:
        return verdict("weak", score, supports, reason)
    return verdict("unsupported", score, supports[:1], reason)


def trimmed(sequence: list[Token]) -> list[Token]:
    """The tokens without the marks before and after what is said."""
    first, last = 0, len(sequence)
    while (
        first < last and sequence[first].kind == "mark" and sequence[first].text not in "$€£¥₽-−("
    ):
        first += 1
    while (
        first < last
        and sequence[last - 1].kind == "mark"
        and sequence[last - 1].text not in "%$€£°"
    ):
        last -= 1
    return sequence[first:last]


def encodable(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, replaced one for one."""
    return SURROGATES.sub("\ufffd", text)


def quote(quotation: list[Token], evidence: Sequence[Evidence]) -> Support | None:
    """Where a source has the sentence verbatim, unless it is cut out of one that denies it."""
    if sum(token.kind != "mark" for token in quotation) < 2:
        return None
    for source, item in enumerate(evidence):
        span = item.find(quotation)
        if span is None:
            continue
        around = [s for s in item.sentences if s.start < span.end and span.start < s.end]
        whole = item.text[around[0].start : around[-1].end] if around else ""
        # Source sentences are compared with what was cut from them only if something was.
        cut = len(whole) - (span.end - span.start) > 3 and len(whole) <= LONGEST_SENTENCE
        if cut and next(conflicts(facts(quotation), facts(tokens(whole))), None):
            continue
        return Support(source, span.start, span.end, item.text[span.start : span.end])
    return None


def support(window: Window, evidence: Sequence[Evidence]) -> Support:
    """A window as a stretch of its source: whole sentences."""
    item = evidence[window.source]
    start = item.sentences[window.pieces[0].sentence].start
    end = item.sentences[window.pieces[-1].sentence].end
    return Support(window.source, start, end, item.text[start:end])


def lacking(claim: Claim, union: Sequence[Window]) -> str:
    """Which words of the claim the source does not have, as a reason."""
    mask = 0
    for window in union:
        mask |= window.mask
    absent = {term for bit, term in enumerate(claim.terms) if not mask >> bit & 1}
    words = list(dict.fromkeys(t.text for t in claim.tokens if t.content and t.stem in absent))
    if not words:
        return "the source has its words, but not in one place"
    return "the source does not say " + ", ".join(f'"{word}"' for word in words[:4])
