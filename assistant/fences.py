"""Fences around the words of others: for a language model they are data, whatever they say."""

import re

from assistant.documents.cleaning import clean

# What chat templates, and our own fences, are made of: "<|im_start|>", "</s>", "[INST]", "<<SYS>>".
CONTROL = re.compile(
    r"<(?=[|/\w<!])|(?<=\|)>|\[(?=/?(?:INST|SYS|SYSTEM|USER|ASSISTANT|AVAILABLE_TOOLS|TOOL_CALLS)\])",
    re.IGNORECASE,
)
# They choose the shape of a rare character, and can carry a hidden message behind any.
SELECTORS = re.compile("[\U000e0000-\U000e0fff]")
STAND_INS = {"<": "‹", ">": "›", "[": "("}


def as_data(text: str) -> str:
    """A text that can end no fence and begin no role, in which nothing is hidden.

    A sign of less or more that stands for itself stays: what is told of a text is compared with it.
    """
    text = SELECTORS.sub("", clean(text)[0])
    return CONTROL.sub(lambda found: STAND_INS[found.group()], text)


def as_line(text: str) -> str:
    """A text as data on one line, without any sign that a fence is made of."""
    shown = "".join(c if c.isprintable() else " " for c in as_data(text))
    return " ".join(shown.replace("<", "‹").replace(">", "›").split())
