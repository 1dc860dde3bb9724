"""Where a claim puts one name in the place of another."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from assistant.grounding.differences import Conflict, Difference, conflict, disagreement
from assistant.grounding.facts import REPORTING, Facts, Name
from assistant.grounding.names import same_name
from assistant.grounding.words import Token, listed

# After these a lone capitalised word at the start of a sentence is taken for a name, unless it
# is a plural ("Workers may").
AUXILIARIES = REPORTING | frozenset(
    listed("is was has had will would may might did does can could must signed met led won")
)


def name_conflicts(
    claim: Facts, source: Facts, aligned: Sequence[Difference]
) -> Iterator[Conflict]:
    """A name that stands where the source, in the same words, has another."""
    certain_claimed, certain_sourced = name_starts(claim), name_starts(source)
    claimed, sourced = name_starts(claim, sure=False), name_starts(source, sure=False)
    for said, written, *_ in aligned:
        names = [token for token in said if token.start in claimed]
        others = [token for token in written if token.start in sourced]
        if not names or not others:
            continue
        sure = any(t.start in certain_claimed for t in names)
        if not sure and not any(t.start in certain_sourced for t in others):
            continue
        if same_name([t.folded for t in names], [t.folded for t in others]):
            continue
        yield disagreement(
            " ".join(token.text for token in others),
            " ".join(token.text for token in names),
            names,
        )


def name_starts(side: Facts, *, sure: bool = True) -> set[int]:
    """Where the words of its names start.

    If they are to be sure, a lone one that opens a sentence counts before a verb only.
    """
    starts: set[int] = set()
    for name in side.names:
        after = name.first + len(name.words)
        verb = after < len(side.tokens) and side.tokens[after].folded in AUXILIARIES
        certain = not name.initial or len(name.words) > 1 or (verb and name.words[0][-1] != "s")
        if certain or not sure:
            starts.update(token.start for token in side.tokens[name.first : after])
    return starts


def name_tokens(side: Facts, name: Name) -> Sequence[Token]:
    """The tokens of a name."""
    return side.tokens[name.first : name.first + len(name.words)]


def speaker_conflicts(claim: Facts, source: Facts) -> Iterator[Conflict]:
    """Words given to one speaker that the source gives to another."""
    if not claim.speakers or not source.speakers:
        return
    for speaker in claim.speakers:
        if not any(same_name(speaker.words, other.words) for other in source.speakers):
            reason = (
                f"the source gives these words to {source.speakers[0].text}, "
                f"the sentence to {speaker.text}"
            )
            yield conflict(reason, name_tokens(claim, speaker))


def role_conflicts(claim: Facts, source: Facts) -> Iterator[Conflict]:
    """Two names that have changed places around the word that joins them.

    "A supplies B" against "B supplies A"; "B is supplied by A" says the same as the first.
    """
    for left, right in pairwise(claim.names):
        if left.words == right.words:
            continue
        said = between(claim.tokens, left, right)
        if said is None:
            continue
        stems, passive = said
        agreeing, opposing = False, ""
        for first in source.names:
            for second in source.names:
                if first.first >= second.first:
                    continue
                straight = same_name(left.words, first.words) and same_name(
                    right.words, second.words
                )
                swapped = same_name(left.words, second.words) and same_name(
                    right.words, first.words
                )
                if straight == swapped:
                    continue
                written = between(source.tokens, first, second)
                # The same word must join them: half of what stands between, or more.
                if written is None or 2 * len(stems & written[0]) < max(
                    len(stems), len(written[0])
                ):
                    continue
                if swapped == (passive != written[1]):
                    agreeing = True
                else:
                    opposing = (
                        f"in the source {first.text} and {second.text} have each other's place"
                    )
        if opposing and not agreeing:
            yield conflict(opposing, (*name_tokens(claim, left), *name_tokens(claim, right)))


def between(tokens: Sequence[Token], left: Name, right: Name) -> tuple[set[str], bool] | None:
    """The content stems from one name to the next, and whether "by" makes the second the doer.

    None where the two stand side by side as equals ("A and B"), or too far apart to tell.
    """
    middle = tokens[left.first + len(left.words) : right.first]
    # "Assad's government in Syria", "the Syrian government of Assad": no roles in that.
    if tokens[left.first + len(left.words) - 1].text.endswith(("'s", "’s", "'", "’")):
        return None
    if not middle or len(middle) > 12 or any(token.text in ".;" for token in middle):
        return None
    folded = [token.folded for token in middle]
    stems = {token.stem for token in middle if token.content and token.kind == "word"}
    if not stems or {"and", "or", "with", ","} & set(folded):
        return None
    return stems, "by" in folded[-3:]
