"""Text by the million words for the benchmarks of speed: all different, always the same."""

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from itertools import accumulate

from assistant import Assistant, Document
from assistant.bundled import shipped
from assistant.embedding.minilm import MODEL_FOLDER
from assistant.passages import split
from assistant.tokens import count_tokens

WORD = re.compile(r"\b[a-z]{4,}\b")
# Zipf's law with Mandelbrot's shift: how often the word of a rank comes.
SHIFT = 20
REPLACED = 0.5


@cache
def patterns() -> tuple[str, ...]:
    """The sentences of the shipped documents that fit a line."""
    with Assistant.open() as assistant:
        read = list(assistant.read([shipped("seeds")]))
    texts = [
        document.text[start:end]
        for document in read
        if isinstance(document, Document)
        for passage in split(document, max_tokens=200)
        for start, end in passage.sentences
    ]
    return tuple(sorted({text for text in texts if "\n" not in text and len(text.split()) >= 8}))


@cache
def vocabulary() -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The whole words that the embedded model's tokenizer knows, which are in order of frequency.

    Some 20,000; and the running sums of their weights.
    """
    vocabulary = json.loads((MODEL_FOLDER / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    ranked = sorted(vocabulary, key=vocabulary.get)
    words = tuple(word for word in ranked if re.fullmatch(r"[a-z]{4,}", word))
    return words, tuple(accumulate(1 / (rank + SHIFT) for rank in range(len(words))))


def sentences(seed: int) -> Iterator[str]:
    """Sentences without end: patterns of which half the longer words are replaced by others."""
    chance = random.Random(seed)
    words, sums = vocabulary()

    def other(match: re.Match[str]) -> str:
        if chance.random() > REPLACED:
            return match.group()
        return chance.choices(words, cum_weights=sums)[0]

    while True:
        pattern = WORD.sub(other, chance.choice(patterns()))
        yield re.sub(r"\d+", lambda _: str(chance.randrange(2, 3000)), pattern)


def texts(*, tokens: int, seed: int = 0) -> Iterator[str]:
    """Paragraphs of at most, and nearly, this many tokens (a long sentence may be one with more).

    Each makes about one passage of that size.
    """
    supply = sentences(seed)
    paragraph = next(supply)
    length = count_tokens(paragraph)
    for sentence in supply:
        more = count_tokens(" " + sentence)
        if length + more <= tokens:
            paragraph, length = f"{paragraph} {sentence}", length + more
        else:
            yield paragraph
            paragraph, length = sentence, more
