"""Asking back: a question about "the president" where the documents know several.

It is asked only where the question says nothing that tells them apart, and the documents name each
in the same role; a question back that is not needed is worse than an answer about one of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from assistant.answering.question import Question
from assistant.answering.reading import Reading
from assistant.grounding.words import listed, stem, tokens

# "the president", "the foreign minister": a role of one or two words, and no more about it.
MORE = r"(?:of|in|for|from|to|at|on|between|among|with|that|who|which)\b"
ROLE = re.compile(rf"\b[Tt]he (?P<role>[a-z]+(?: (?!{MORE})[a-z]+)?)\b(?! {MORE})")
# Words that ask about a person or a thing without telling which.
GENERIC = frozenset(
    map(
        stem,
        listed("""
        say says said tell told think thinks mean name named called speak spoke announce announced
        want wants do did know
        """),
    )
)
MOST_CHOICES = 5
# One who is named so much less often than another in the role is not meant as well.
SHARE = 0.25
# A sentence must fit the question nearly as well as the best for its subject to be a choice.
NEARLY_AS_GOOD = 0.85

NAME = r"(?P<name>[A-Z][\w’'-]+(?: (?:(?:al|bin|de|van|von) )?[A-Z][\w’'-]+){0,3})"
# What the first column of a table is called where its rows are about one each.
BEARER = r"(?:full )?name|person|who|speaker|company|organi[sz]ation|product|model"
NO_NAMES = frozenset(listed("The This That A An In On At As It He She They We And But For His Her"))


def clarify(question: Question, readings: Sequence[Reading]) -> tuple[str, tuple[str, ...]]:
    """The words of the question that say too little, and the names that they may mean.

    Both are empty for most questions; the names are in order of how often they are found.

    Args:
        question: What is asked.
        readings: What was found for it.
    """
    for role in _roles(question.text):
        known = {word.stem for word in tokens(role)}
        more = set(question.stems) - known - GENERIC
        bearers = _bearers(role, _sentences(readings, having=known | more, strict=bool(more)))
        if bearers:
            # Whoever is named in the question is meant.
            asked = {word.folded for word in tokens(question.text)}
            named = any(asked & {word.folded for word in tokens(name)} - known for name in bearers)
            if named or len(bearers) < 2:
                break
            return f"the {role}", bearers[:MOST_CHOICES]
    return "", ()


def _roles(question: str) -> Iterator[str]:
    """What the question says of its subject, two words before one."""
    if found := ROLE.search(question):
        words = found["role"].split()
        if len(words) == 2:
            yield " ".join(words)
        if not words[0].endswith("s") and len(words[0]) > 2:
            yield words[0]


def _sentences(
    readings: Sequence[Reading], *, having: set[str], strict: bool
) -> Iterator[tuple[str, bool]]:
    """The sentences that may name a bearer, and whether each is a row of a table.

    Where the question asks for more than the bearer (`strict`), only those that have all its
    words and fit it nearly as well as the best does.
    """
    best = max((float(reading.scores.max()) for reading in readings), default=0.0)
    for reading in readings:
        for index, stems in enumerate(reading.stems):
            fits = having <= stems and reading.scores[index] >= NEARLY_AS_GOOD * best
            if fits or not strict:
                yield reading.sentence(index), reading.hit.passage.row is not None


def _bearers(role: str, sentences: Iterator[tuple[str, bool]]) -> tuple[str, ...]:
    """Who or what has the role in the sentences, by how often; the longest form of each name."""
    said = rf"(?i:{role})"
    patterns = [
        re.compile(pattern)
        for pattern in (
            rf"\b{said} {NAME}",
            rf"{NAME}(?:,| is| was) (?:the |an? )?(?:[A-Z][\w’'-]+ |[a-z]+ )?{said}\b(?![-’'])",
            rf"\b{said}, {NAME},",
        )
    ]
    row = re.compile(rf"^(?i:{BEARER}): (?P<name>[^:;]+);.*?: (?:the )?{said}(?![-\w])(?! to )")
    found: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for text, is_row in sentences:
        for pattern in [row] if is_row else patterns:
            for match in pattern.finditer(text):
                name = match["name"].strip()
                if name.split()[0] not in NO_NAMES and not re.search(said, name):
                    key = name.split()[-1].casefold()
                    found[key].add(name)
                    counts[key] += 1
    most = max(counts.values(), default=0)
    kept = sorted((key for key in counts if counts[key] >= SHARE * most), key=lambda k: -counts[k])
    return tuple(max(found[key], key=lambda name: (len(name), name)) for key in kept)
