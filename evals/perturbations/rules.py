"""The rules of `assistant.evaluation.perturbing`, with the names of the seeds."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from random import Random

from assistant.evaluation import perturbing
from assistant.evaluation.perturbing import Perturbed, names_in, rearranged, replaced
from evals.perturbations.words import SEED_GROUPS, SEED_NAMES

__all__ = ["Perturbed", "names_in", "perturb", "rearranged"]


def perturb(sentence: str, passage: str, *, names: Sequence[str] = ()) -> Iterator[Perturbed]:
    """At most one perturbation of each kind; two of names and numbers.

    Args:
        sentence: A sentence that the passage says.
        passage: Where it is from, title included.
        names: Names from elsewhere; empty for the seeds, whose names are known.
    """
    yield from perturbing.perturb(sentence, passage, names=names)
    if not names:
        yield from swapped_seed_names(sentence, Random(hashlib.sha256(sentence.encode()).digest()))


def swapped_seed_names(sentence: str, random: Random) -> Iterator[Perturbed]:
    """The same for the seeds, whose people and places are known."""
    found = [
        (match, group)
        for group in SEED_GROUPS
        for name in group
        for match in re.finditer(rf"\b{name}\b(?!n)", sentence)
        # "Putin" within "Vladimir Putin", "the treaty with North Korea" by its bearing
        if not any(
            len(other) > len(name) and other in sentence and name in other
            for names in SEED_GROUPS
            for other in names
        )
    ]
    random.shuffle(found)
    meant = [names for names in SEED_NAMES if any(name in sentence for name in names)]
    done: set[int] = set()
    for match, group in found:
        candidates = [
            name for name in group if not any(name.removeprefix("the ") in names for names in meant)
        ]
        if not candidates or match.start() in done or len(done) == 2:
            continue
        done.add(match.start())
        yield replaced("name", sentence, match, random.choice(candidates))
