"""What was said before a question: its exchanges, and what they say in phrases."""

import re
from functools import cached_property

from assistant.conversation.phrases import Phrase, phrases

# A longer question says all that it needs; of an answer only the beginning is looked at.
LONGEST_QUESTION = 400
LONGEST_ANSWER = 700
# A phrase that is put in has at most so many characters.
LONGEST_PHRASE = 80

MARKS = re.compile(r"\s?\[\d+(?:\s*,\s*\d+)*\]")
SPACES = re.compile(r"\s+")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")


class Exchange:
    """A question, self-contained, and the beginning of its answer."""

    def __init__(self, question: str, answer: str) -> None:
        self.question = question[:LONGEST_QUESTION]
        self._answer = answer[: 2 * LONGEST_ANSWER]

    @cached_property
    def asked(self) -> list[Phrase]:
        """The phrases of the question."""
        return [phrase for phrase in phrases(self.question[:LONGEST_QUESTION]) if _usable(phrase)]

    @cached_property
    def answer(self) -> str:
        """The beginning of the answer's text, without marks."""
        return SPACES.sub(" ", MARKS.sub("", self._answer)).strip()[:LONGEST_ANSWER]

    @cached_property
    def told(self) -> list[Phrase]:
        """The phrases of the answer."""
        return [phrase for phrase in phrases(self.answer) if _usable(phrase)]

    @cached_property
    def stems(self) -> frozenset[str]:
        """Of the content words of both."""
        said = [phrase.stems for phrase in (*self.asked, *self.told)]
        return frozenset().union(*said)

    @cached_property
    def clarifying(self) -> bool:
        """Whether the answer asks back."""
        return self._answer.rstrip().endswith("?")


def _usable(phrase: Phrase) -> bool:
    return len(phrase.text) <= LONGEST_PHRASE


def without_mark(question: str) -> tuple[str, str]:
    """A question without its last mark, and the mark."""
    bare = question.rstrip()
    stripped = bare.rstrip("?!. ")
    return stripped, bare[len(stripped) :].strip() or "?"


def with_addition(question: str, addition: str) -> str:
    """A question with something in brackets before its last mark."""
    body, mark = without_mark(question)
    return f"{body} ({addition}){mark}"
