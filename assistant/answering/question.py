"""What is asked: the words of a question, and what they say of its answer."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from assistant.answering.kinds import SCAFFOLD, Kind, counted, kind_asked
from assistant.answering.likeness import misspelt
from assistant.grounding.words import Token, listed, tokens

# No text has it: what is as rare as that is unheard of.
NO_WORD = "qzjxqvkzqj"
# Function words with which questions are made; short ones are a letter away from too much.
OFTEN_MISSPELT = listed(
    "what which when where should would could does about before after between because there their "
    "many much although"
)
LEAST_FUNCTION_WORD = 3
DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        text: The question, its misspelt function words put right ("wat is", "how fast shoud").
        stems: The stems of its content words, in order, each once.
        weights: How rare each of them is among the texts.
        kind: The kind of thing that an answer would hold, or None if that is not plain.
        subjects: The content words that say more than what kind of thing is asked for (all, if
            none does), each once.
        unheard: The stems of those words that no text has.
        names: The stems of those that are written as names are; the first word is not told.
        counted: What it asks how many there are of: the word for it, and what qualifies it.
        numbers: Its numbers, as "2019", "4.1.2", or "E5".
    """

    text: str
    stems: tuple[str, ...]
    weights: tuple[float, ...]
    kind: Kind | None
    subjects: tuple[Token, ...]
    unheard: frozenset[str]
    names: frozenset[str]
    counted: tuple[Token, ...]
    numbers: frozenset[str]

    @classmethod
    def read(
        cls, text: str, *, rarity: Callable[[Collection[str]], dict[str, float]]
    ) -> "Question":
        """Take a question apart; `rarity` tells how rare each of some words is among the texts."""
        words = {token.stem: token for token in tokens(text) if token.content}
        rarities = rarity([NO_WORD, *(token.folded for token in words.values())])
        for stem, token in list(words.items()):
            meant = _function_word(token) if rarities[token.folded] >= rarities[NO_WORD] else ""
            if meant:
                text = re.sub(rf"\b{re.escape(token.text)}\b", meant, text)
                del words[stem]
        weights = {stem: rarities[token.folded] for stem, token in words.items()}
        subjects = tuple(
            token for stem, token in words.items() if stem not in SCAFFOLD and "'" not in stem
        )
        return cls(
            text=text,
            stems=tuple(words),
            weights=tuple(weights.values()),
            kind=kind_asked(text),
            subjects=subjects or tuple(words.values()),
            unheard=frozenset(s for s, weight in weights.items() if weight >= rarities[NO_WORD]),
            names=_names(text, words),
            counted=counted(text),
            numbers=frozenset(s for s, token in words.items() if DIGIT.search(token.text)),
        )

    def overlap(self, stems: Collection[str]) -> float:
        """The share of the question's words that are among `stems`, weighted; 0 for none."""
        total = sum(self.weights)
        if not total:
            return 0.0
        pairs = zip(self.stems, self.weights, strict=True)
        return sum(weight for stem, weight in pairs if stem in stems) / total


def _names(text: str, words: Mapping[str, Token]) -> frozenset[str]:
    """The stems of words with a capital, if it says something: not where every word has one."""
    following = [token for token in tokens(text) if token.start and token.kind == "word"]
    if all(token.capitalised for token in following):
        return frozenset()
    return frozenset(stem for stem, token in words.items() if token.capitalised and token.start)


def _function_word(token: Token) -> str:
    """The function word that a word is meant to be, if it is one error away; empty if none."""
    if token.kind != "word" or token.capitalised or len(token.folded) < LEAST_FUNCTION_WORD:
        return ""
    return next((word for word in OFTEN_MISSPELT if misspelt(token.folded, word, most=1)), "")
