"""Where a claim denies what its source asserts, or holds firm what the source leaves open."""

from collections.abc import Iterator, Sequence

from assistant.grounding.differences import Conflict, Difference, conflict, disagreement
from assistant.grounding.facts import MODALS, Denial, Facts, Modality, is_modal, is_negation
from assistant.grounding.words import Token, listed

# This share of the other words of a clause shows that the source speaks of the same matter.
NEARLY_ALL = 0.7
# A claim is denied as a whole if this share of its words is.
MOST_OF_IT = 0.6


def negation_conflicts(claim: Facts, source: Facts, beside: Sequence[Facts]) -> Iterator[Conflict]:
    """What one side denies and the other asserts.

    Denials of the same word are pairs; so are two that are left over in clauses that share
    words ("does not include X", "X is excluded").
    """
    heads = {denial.head for denial in claim.denials} & {d.head for d in source.denials}
    claimed = [denial for denial in claim.denials if denial.head not in heads]
    sourced = [denial for denial in source.denials if denial.head not in heads]
    for denial in list(claimed):
        partner = next((other for other in sourced if one_matter(denial, other)), None)
        if partner is not None:
            claimed.remove(denial)
            sourced.remove(partner)
    for denials, one, other, denier, silent in (
        (claimed, claim, source, "sentence", "source"),
        (sourced, source, claim, "source", "sentence"),
    ):
        for denial in denials:
            for side in (other, *(beside if other is source else ())):
                theirs = side.negated.get(denial.head)
                if theirs is not None:
                    break
            shared = denial.clause & side.negated.keys()
            if theirs is None or denial.denied in theirs:
                continue
            # Where one side has the word both ways, the clause tells which is meant.
            both_ways = len(one.negated.get(denial.head, ())) > 1
            enough = NEARLY_ALL * len(denial.clause) if both_ways else 2
            if len(shared) < min(enough, len(denial.clause)):
                continue
            word, about = one.tokens[denial.cue].text, head_text(one, denial.head)
            reason = f'the {denier} says "{word}" of "{about}", the {silent} does not'
            yield Conflict(reason, frozenset({denial.head}))
    # A denial in words that the source has, without the one denied and without any "not".
    for denial in claimed:
        rest = denial.clause - {denial.head}
        found = sum(any(stem in side.negated for side in (source, *beside)) for stem in rest)
        if (
            len(rest) >= 2
            and found >= NEARLY_ALL * len(rest)
            and denial.head not in source.negated
            and not any(
                one_matter(denial, other) for side in (source, *beside) for other in side.denials
            )
        ):
            word, about = claim.tokens[denial.cue].text, head_text(claim, denial.head)
            reason = f'the sentence says "{word}" of "{about}", the source does not'
            yield Conflict(reason, frozenset({denial.head}))
    # "Nobody believes that the mill will close" denies all of "the mill will close".
    if sourced and not claimed:
        denied = [
            stem for stem, mine in claim.negated.items() if source.negated.get(stem, mine) == {True}
        ]
        asserted = [stem for stem in denied if claim.negated[stem] == {False}]
        if asserted and len(asserted) >= MOST_OF_IT * len(claim.negated):
            word = source.tokens[sourced[0].cue].text
            reason = f'the source says "{word}" of all this, the sentence does not'
            yield Conflict(reason, frozenset(asserted))


def one_matter(denial: Denial, other: Denial) -> bool:
    """Whether two denials share half of the words of the shorter clause."""
    shared = len(denial.clause & other.clause)
    return 2 * shared >= min(len(denial.clause), len(other.clause))


def modality_conflicts(claim: Facts, source: Facts) -> Iterator[Conflict]:
    """What the source holds possible or planned and the claim certain, or the reverse."""
    for head, levels in claim.modality.items():
        sourced = source.modality.get(head)
        if sourced is None or levels & sourced:
            continue
        softened = any(
            is_modal(claim.tokens, i) and MODALS[token.folded] in ("possible", "planned")
            for i, token in enumerate(claim.tokens)
        )
        word = head_text(claim, head)
        for level in sorted(levels):
            reason = ""
            firm = level in ("plain", "certain", "obliged")
            if level == "obliged" and sourced <= {"able", "possible"}:
                reason = f'the source holds "{word}" possible, the sentence required'
            elif firm and not softened and not sourced & {"plain", "able", "certain", "obliged"}:
                words = "possible" if "possible" in sourced else "planned"
                reason = f'the source holds "{word}" only {words}, the sentence certain'
            elif level == "possible" and sourced <= {"certain", "obliged"}:
                reason = f'the source holds "{word}" certain, the sentence only possible'
            if reason:
                yield Conflict(reason, frozenset({head}))


def head_text(side: Facts, head: str) -> str:
    """The first word that has this stem."""
    return next(token.text for token in side.tokens if token.stem == head and token.content)


# A claim that follows its source so closely differs from it in nothing else.
WORD_FOR_WORD = 0.8
# Added to what a source says they make more of it; if the source has one of the others, it may
# say the same.
EXCLUSIVE = frozenset(listed("only solely exclusively exactly precisely"))
EXCLUDING = EXCLUSIVE | frozenset(listed("sole alone just merely single no nothing nobody none"))
FIRM: dict[Modality, int] = {
    "able": 0,
    "possible": 0,
    "planned": 1,
    "plain": 2,
    "certain": 2,
    "obliged": 3,
}


def small_word_conflicts(
    claim: Facts, sources: Sequence[Facts], aligned: Sequence[Difference]
) -> Iterator[Conflict]:
    """A "not" or "may" more or less where the claim otherwise has the words of the source."""
    sourced = [token for side in sources for token in side.tokens]
    for said, written, alike, balance in aligned:
        if alike < WORD_FOR_WORD or len(said) > 2 or len(written) > 2:
            continue
        denied, asserted = (
            [t for t in side if is_negation(side, side.index(t))] for side in (said, written)
        )
        if bool(denied) != bool(asserted) and balance:
            sayer, silent = ("sentence", "source") if denied else ("source", "sentence")
            word = (denied or asserted)[0].text
            around = claim.tokens
            yield conflict(f'the {sayer} says "{word}", the {silent} does not', said or around)
        added = [token for token in said if token.folded in EXCLUSIVE]
        if added and not any(token.folded in EXCLUDING for token in sourced):
            yield conflict(f'the source does not say "{added[0].text}"', claim.tokens)
        modal, other = modal_of(said), modal_of(written)
        if modal and other and FIRM[MODALS[modal.folded]] != FIRM[MODALS[other.folded]]:
            yield disagreement(f'"{other.text}"', f'"{modal.text}"', claim.tokens)


def modal_of(some: Sequence[Token]) -> Token | None:
    """The word among some that says how firm a statement is, if there is one alone."""
    modals = [token for token in some if token.folded in MODALS]
    return modals[0] if len(modals) == 1 else None
