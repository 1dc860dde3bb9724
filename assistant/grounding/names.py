"""Whether two names can mean one thing."""

from collections.abc import Sequence

# Two names for one thing, folded.
ALIASES = (
    frozenset({"us", "usa", "united states", "america", "american"}),
    frozenset({"uk", "united kingdom", "britain", "british", "great britain"}),
    frozenset({"eu", "european union"}),
    frozenset({"un", "united nations"}),
    frozenset({"ussr", "soviet union", "soviet"}),
)
DEMONYM_ENDINGS = frozenset(
    {"n", "an", "ian", "ean", "ish", "ese", "i", "s", "es", "ns", "ians", "ern"}
)


def same_word(word: str, other: str) -> bool:
    """Whether two words of names are one: equal, or a country and its people."""
    if word == other:
        return True
    short, long = sorted((word, other), key=len)
    for cut in (0, 1):
        base = short[: len(short) - cut]
        if len(base) >= 3 and long.startswith(base) and long[len(base) :] in DEMONYM_ENDINGS:
            return True
    return False


def same_name(name: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two names can mean one thing: a shared word, an alias, or an acronym."""
    if any(same_word(word, another) for word in name for another in other):
        return True
    left, right = " ".join(name), " ".join(other)
    if left.replace(" ", "") == right.replace(" ", ""):
        return True
    if any(left in group and right in group for group in ALIASES):
        return True
    return acronym_of(name, right) or acronym_of(other, left)


def acronym_of(words: Sequence[str], acronym: str) -> bool:
    """Whether the initials of some words spell the acronym."""
    return len(words) > 1 and "".join(word[0] for word in words) == acronym
