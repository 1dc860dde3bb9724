"""Does this text support this sentence? Verdicts, without a language model, in milliseconds."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from assistant.embedding.embedding import Embedding, Vectors
from assistant.grounding.alignment import (
    Claim,
    Window,
    make_claim,
    weight_of,
    widen,
    window_tokens,
    windows,
)
from assistant.grounding.conflicts import conflicts
from assistant.grounding.differences import Conflict
from assistant.grounding.evidence import Evidence
from assistant.grounding.facts import Facts, Name, facts
from assistant.grounding.names import same_name
from assistant.grounding.quantities import bears_out
from assistant.grounding.score import JUST_WEAK, SUPPORTED, WEAK, features, probability
from assistant.grounding.words import Token, tokens
from assistant.passages import sentence_spans

Label = Literal["quoted", "supported", "weak", "unsupported"]

# A longer sentence is not prose; only a verbatim copy of it can be told.
LONGEST_SENTENCE = 3000
CITATION_MARK = re.compile(r"\[\d{1,4}(?:\s{0,3}[,;–-]\s{0,3}\d{1,4}){0,20}\]")
SURROGATES = re.compile(r"[\ud800-\udfff]")

# Conflicts are looked for where the source is about the same thing: this share is covered.
ALIGNED = 0.5
# A further sentence must cover this much for its amounts and dates to count as the claim's.
BESIDE = 0.35
# So much else of a claim must stand with a name that the best passage does not have.
LINKED = 0.2
# Of the words that are neither names nor numbers at least this share must be in the sources,
# unless a sentence there is as similar as this. On the tuning half of `evals.perturbations` no
# paraphrase and six of nine absent statements that were supported fall below.
LITTLE, ALIKE = 0.6, 0.6
LITTLE_WITHOUT_VECTORS = 0.4
# At most so many further pieces of a very long sentence are read.
LONGEST_REST = 20
# Windows that cover nearly as much as the best may stand in for it if it conflicts.
NEARLY_AS_GOOD = 0.1
# So many windows are looked at for that, the best first.
OTHERS = 12


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


class Assessment(NamedTuple):
    """What `ground` judges by.

    Attributes:
        union: The best window and what was added to it.
        features: See `score.features`.
        contradiction: What the best window contradicts, or nothing.
        unknown: The facts of the claim that no source has.
    """

    union: list[Window]
    features: dict[str, float]
    contradiction: str
    unknown: tuple[str, ...]


def check(
    text: str, *, against: Sequence[str], embedding: Embedding | None = None
) -> list[Verdict]:
    """A verdict for each sentence of `text`, in order, judged by the sources in `against`.

    Raises:
        EmbeddingError: The embedding model failed.
    """
    spans = sentence_spans(text)
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
        claims = [encodable(text[start:end][:LONGEST_SENTENCE]) for start, end in spans]
        vectors = [code.vector for code in embedding.encode(claims)]
    return [
        ground(text[start:end], evidence, vector=vector, start=start)
        for (start, end), vector in zip(spans, vectors, strict=True)
    ]


def ground(
    sentence: str,
    evidence: Sequence[Evidence],
    *,
    vector: Vectors | None = None,
    weights: Mapping[str, float] | None = None,
    start: int = 0,
) -> Verdict:
    """Judge one sentence by the evidence.

    Args:
        sentence: The sentence, citation marks such as [1] left in or not.
        evidence: The sources that may support it.
        vector: Its vector, from the model that made the vectors of the evidence.
        weights: How telling a stem is (1 is common); guessed from its form where missing.
        start: Its offset in the text it is from, handed through to the verdict.
    """
    plain = CITATION_MARK.sub(lambda mark: " " * len(mark.group()), sentence)

    def verdict(
        label: Label, score: float, supports: Sequence[Support], reason: str = ""
    ) -> Verdict:
        end = start + len(sentence)
        return Verdict(sentence, label, round(score, 4), tuple(supports), reason, start, end)

    written = sum(len(word) for word in plain.split())
    if written > LONGEST_SENTENCE and all(written > len(item.text) for item in evidence):
        return verdict("unsupported", 0.0, (), f"too long to check ({len(plain)} characters)")
    quotation = tokens(plain)
    while quotation and quotation[-1].kind == "mark" and quotation[-1].text not in "%$€£°":
        quotation.pop()
    quoted = quote(quotation, evidence)
    if quoted is not None:
        return verdict("quoted", 1.0, [quoted])
    if len(plain) > LONGEST_SENTENCE:
        return verdict("unsupported", 0.0, (), f"too long to check ({len(plain)} characters)")
    proper = frozenset[str]().union(*(item.proper for item in evidence))
    claim = make_claim(quotation, weights=weights, proper=proper)
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
    if score >= SUPPORTED:
        return verdict("supported", score, supports)
    reason = assessed.unknown[0] if assessed.unknown else lacking(claim, assessed.union)
    if score >= WEAK:
        return verdict("weak", score, supports, reason)
    return verdict("unsupported", score, supports[:1], reason)


def assess(
    claim: Claim, evidence: Sequence[Evidence], vector: Vectors | None = None
) -> Assessment | None:
    """Align a claim with the evidence and compare their facts; None if either holds nothing."""
    if not claim.terms:
        return None
    ranked = sorted(windows(claim, evidence, vector), key=lambda window: window.rank)
    if not ranked:
        return None
    best, contradiction = settle(claim, ranked, evidence)
    union = widen(claim, best, ranked)
    unknown = tuple(unknown_facts(claim, union, evidence))
    return Assessment(union, features(claim, union, unknown), contradiction, unknown)


def beside_the_point(claim: Claim, assessed: Assessment) -> bool:
    """Whether the sources have little more of a claim than its names and numbers.

    "Sergey Lavrov once taught chemistry": they name him, and say nothing of the kind.
    """
    plain = sum(
        1 << bit
        for bit, term in enumerate(claim.terms)
        if claim.roots[bit] is None and not term[0].isdigit()
    )
    mask = 0
    for window in assessed.union:
        mask |= window.mask
    similarity = assessed.features["similarity"]
    least = LITTLE if similarity else LITTLE_WITHOUT_VECTORS
    return similarity < ALIKE and weight_of(claim, mask & plain) < least * weight_of(claim, plain)


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


def settle(
    claim: Claim, ranked: Sequence[Window], evidence: Sequence[Evidence]
) -> tuple[Window, str]:
    """The window to judge by, and what in it contradicts the claim, if anything.

    A window nearly as good as the best is preferred if it does not contradict the claim and has
    what the best one contradicts.
    """
    best = ranked[0]
    proper = frozenset[str]().union(*(item.proper for item in evidence))
    contradiction = contradicts(claim, best, ranked, evidence, proper)
    if contradiction is None:
        return best, ""
    wanted = sum(1 << bit for bit, term in enumerate(claim.terms) if term in contradiction.stems)
    for window in ranked[1:OTHERS]:
        enough = max(ALIGNED, best.coverage - NEARLY_AS_GOOD)
        if window.coverage < enough or window.mask & wanted != wanted:
            continue
        if contradicts(claim, window, ranked, evidence, proper) is None:
            return window, ""
    return best, contradiction.reason


def contradicts(
    claim: Claim,
    window: Window,
    ranked: Sequence[Window],
    evidence: Sequence[Evidence],
    proper: Set[str],
) -> Conflict | None:
    """What in a window contradicts the claim; nothing if it is about something else."""
    if window.coverage < ALIGNED:
        return None
    # The rest of a sentence that was cut counts as well.
    item = evidence[window.source]
    inside = {piece.sentence for piece in window.pieces}
    rest = [p for p in item.pieces if p.sentence in inside and p not in window.pieces]
    beside = [facts(item.tokens[piece.first : piece.last]) for piece in rest[:LONGEST_REST]]
    further: list[Facts] = []
    union = widen(claim, window, ranked)
    for other in union[1:]:
        found = facts(window_tokens(other, evidence))
        (beside if other.coverage >= BESIDE else further).append(found)
    source = facts(window_tokens(window, evidence), proper=proper)
    sentences = [
        evidence[part.source].tokens[piece.first : piece.last]
        for part in union
        for piece in part.pieces
    ]
    found_conflicts = conflicts(
        claim.facts, source, sentences=sentences, beside=beside, further=further
    )
    return next(found_conflicts, None)


def support(window: Window, evidence: Sequence[Evidence]) -> Support:
    """A window as a stretch of its source: whole sentences."""
    item = evidence[window.source]
    start = item.sentences[window.pieces[0].sentence].start
    end = item.sentences[window.pieces[-1].sentence].end
    return Support(window.source, start, end, item.text[start:end])


def unknown_facts(
    claim: Claim, union: Sequence[Window], evidence: Sequence[Evidence]
) -> Iterator[str]:
    """The numbers, dates and names of the claim that no source has, in words."""
    sources = [facts(window_tokens(window, evidence)) for window in union]
    known = frozenset[str]().union(*(item.known for item in evidence))
    for number in claim.facts.numbers:
        # Small counts ("three countries") are often counted by the writer, not copied.
        if number.unit == "ordinal" or (number.figure <= 12 and not number.unit):
            continue
        if claim.tokens[number.first].stem in known:
            continue
        if not any(bears_out(other, number) for source in sources for other in source.numbers):
            yield f"no source says {number.text}"
    for date in claim.facts.dates:
        if date.year and str(date.year) not in known:
            yield f"no source says {date.text}"
    for name in claim.facts.names:
        if name.initial and len(name.words) == 1:
            continue
        if any(word in known for word in name.words):
            if not linked(claim, name, union, evidence):
                yield f"no source says this of {name.text}"
            continue
        if not any(same_name(name.words, other.words) for s in sources for other in s.names):
            yield f"no source names {name.text}"


def linked(claim: Claim, name: Name, union: Sequence[Window], evidence: Sequence[Evidence]) -> bool:
    """Whether the passage that supports most of a claim has a name, or one that says more of it.

    Else it is a name from another passage, put where it does not belong.
    """
    best = evidence[union[0].source]
    if any(word in best.known for word in name.words):
        return True
    if any(same_name(name.words, other.words) for other in best.names):
        return True
    own = sum(
        1 << bit
        for bit, term in enumerate(claim.terms)
        if term in {t.stem for t in claim.tokens[name.first : name.first + len(name.words)]}
    )
    total = sum(claim.weights)
    return any(weight_of(claim, window.mask & ~own) >= LINKED * total for window in union[1:])


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
