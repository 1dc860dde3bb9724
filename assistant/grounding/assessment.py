"""What there is to judge a claim by: where its words are, what contradicts it, what is new."""

from collections.abc import Iterator, Sequence, Set
from difflib import SequenceMatcher
from typing import NamedTuple

from assistant.embedding.embedding import Vectors
from assistant.grounding.alignment import (
    Claim,
    Window,
    weight_of,
    widen,
    window_tokens,
    windows,
)
from assistant.grounding.conflicts import conflicts
from assistant.grounding.denials import WORD_FOR_WORD
from assistant.grounding.differences import Conflict, differences
from assistant.grounding.evidence import Evidence
from assistant.grounding.facts import Facts, Name, facts
from assistant.grounding.names import same_name
from assistant.grounding.quantities import SCALES, UNITS, bears_out
from assistant.grounding.score import features
from assistant.grounding.synonyms import synonyms
from assistant.grounding.words import Token

# Conflicts are looked for where the source is about the same thing: this share is covered.
ALIGNED = 0.5
# A further sentence must cover this much for its amounts and dates to count as the claim's.
BESIDE = 0.35
# So much else of a claim must stand with a name that the best passage does not have.
LINKED = 0.2
# Of the words that are neither names nor numbers at least this share must be in the sources,
# unless a sentence there is as similar as this. On the tuning half of `evals.perturbations` no
# paraphrase and six of nine absent statements that were supported fall below.
LITTLE, ALIKE = 0.5, 0.55
NEXT_TO_NOTHING, MORE_ALIKE = 0.34, 0.67
LITTLE_WITHOUT_VECTORS = 0.4
# Two words with this ratio of equal letters are taken for one: "organised" and "organized".
SPELT_ALIKE = 0.8
# At most so many further pieces of a very long sentence are read.
LONGEST_REST = 20
# Windows that cover nearly as much as the best may stand in for it if it conflicts.
NEARLY_AS_GOOD = 0.1
# So many windows are looked at for that, the best first.
OTHERS = 12


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
    unknown = (*unknown_facts(claim, union, evidence), *other_words(claim, union, evidence))
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
    found, wanted = weight_of(claim, mask & plain), weight_of(claim, plain)
    return (similarity < ALIKE and found < least * wanted) or (
        similarity < MORE_ALIKE and found < NEXT_TO_NOTHING * wanted
    )


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
        if any(claim.tokens[name.first + i].stem in claim.known for i in range(len(name.words))):
            continue
        if any(word in known for word in name.words):
            if not linked(claim, name, union, evidence):
                yield f"no source says this of {name.text}"
            continue
        if not any(same_name(name.words, other.words) for s in sources for other in s.names):
            yield f"no source names {name.text}"


def other_words(
    claim: Claim, union: Sequence[Window], evidence: Sequence[Evidence]
) -> Iterator[str]:
    """The one word that a claim has in the place of the source's, where all else is the same.

    It may mean the same. Who only repeats seldom changes one word for that.
    """
    known = frozenset[str]().union(*(item.stems for item in evidence)) | claim.known
    for window in union:
        for piece in window.pieces:
            sentence = evidence[window.source].tokens[piece.first : piece.last]
            found = [
                difference
                for difference in differences(claim.tokens, sentence)
                if difference.alike >= WORD_FOR_WORD
                and any(token.content for token in difference.said)
            ]
            if len(found) != 1:
                continue
            said, written = found[0].said, found[0].written
            if len(said) != 1 or len(written) != 1 or said[0].stem in known:
                continue
            if not alike(said[0], written[0]):
                word, other = said[0].text, written[0].text
                yield f'the source says "{other}" where the sentence says "{word}"'


def alike(token: Token, other: Token) -> bool:
    """Whether two words can mean one thing: spelt nearly alike, or synonyms."""
    if other.stem in synonyms().get(token.stem, ()) or not other.content:
        return True
    if {token.kind, other.kind} != {"word"} or "'" in token.folded + other.folded:
        return True
    if token.folded in SCALES or token.folded in UNITS:
        return True
    return SequenceMatcher(None, token.folded, other.folded).ratio() >= SPELT_ALIKE


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
