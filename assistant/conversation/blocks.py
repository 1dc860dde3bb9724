"""How an answer is shown: its sentences in paragraphs and lists, and who wrote it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from assistant.answering import Sentence

_KINDS = ("openai-like", "ollama", "anthropic", "gguf")
# A break, and the mark of a list.
_LEAD = re.compile(r"(?P<gap>\s*)(?P<mark>[-*+•]|(?P<number>\d{1,9})[.)])?\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """Sentences that belong together.

    Attributes:
        kind: A paragraph; an item of a list with bullets or with numbers; or a "list", which is
            one sentence that has a list's lead-in and its items on a line each.
        sentences: In reading order.
        number: Of an item with a number.
    """

    kind: Literal["paragraph", "bullet", "number", "list"]
    sentences: tuple[Sentence, ...]
    number: int = 0


def blocks(sentences: Sequence[Sentence]) -> list[Block]:
    """The paragraphs and items of an answer, in reading order."""
    found: list[Block] = []
    for sentence in sentences:
        lead = _LEAD.match(sentence.lead)
        assert lead is not None  # it matches nothing, too
        before = found[-1] if found else None
        if "\n" in sentence.text.strip():
            found.append(Block("list", (sentence,)))
        elif lead["number"]:
            found.append(Block("number", (sentence,), int(lead["number"])))
        elif lead["mark"]:
            found.append(Block("bullet", (sentence,)))
        elif before is None or before.kind == "list" or "\n" in lead["gap"]:
            found.append(Block("paragraph", (sentence,)))
        else:
            found[-1] = Block(before.kind, (*before.sentences, sentence), before.number)
    return found


def model_name(model: str) -> str:
    """A model's name for readers: without its kind, its server's address and a file's folders."""
    kind, _, name = model.partition(":")
    if kind not in _KINDS:
        return model
    return PurePath(name).name if kind == "gguf" else name.partition("@http")[0]
