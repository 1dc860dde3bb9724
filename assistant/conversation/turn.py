"""A turn of a conversation: what was asked, and the answer."""

import json
from dataclasses import dataclass

from assistant.answering import Answer
from assistant.catalog import Feedback
from assistant.payloads import plain, restored


@dataclass(frozen=True, slots=True)
class Turn:
    """What was asked, and the answer: as the assistant gave it, or any text.

    Attributes:
        question: As it was asked.
        answer: The answer; a text for a history that comes from elsewhere.
        feedback: What the reader thought of it, or None.
    """

    question: str
    answer: Answer | str
    feedback: Feedback | None = None

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.answer if isinstance(self.answer, str) else self.answer.text

    @property
    def borne_out(self) -> str:
        """The answer's text, without what a language model made up.

        Later questions are read in its light: what was caught must not steer what they search.
        """
        if isinstance(self.answer, str) or not self.answer.sentences:
            return self.text
        sentences = self.answer.sentences
        if all(sentence.verdict != "unsupported" for sentence in sentences):
            return self.text
        kept = (one for one in sentences if one.verdict != "unsupported")
        return "".join(f"{one.lead}{one.text}" for one in kept).strip()


def packed(answer: Answer | str) -> str:
    """An answer as JSON, in ASCII, to be kept."""
    return json.dumps(answer if isinstance(answer, str) else plain(answer), separators=(",", ":"))


def unpacked(text: str) -> Answer | str:
    """The answer that was packed."""
    kept = json.loads(text)
    return kept if isinstance(kept, str) else restored(Answer, kept)
