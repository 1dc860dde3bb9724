"""Reasoning that a model writes into its reply is no part of the reply."""

import re

_TAGS = {
    f"<{name}>": re.compile(f"</{name}>") for name in ("think", "thinking", "thought", "reasoning")
}
# OpenAI's Harmony, which some servers pass on as it is: messages, each after a header that names
# its channel; only what is in the channel "final" is meant for the reader.
_CHANNEL = "<|channel|>"
_HEADERS = ("<|start|>", _CHANNEL)
_HEADER_END = "<|message|>"
_MESSAGE_ENDS = ("<|end|>", "<|return|>", "<|call|>")
_MESSAGE_END = re.compile(r"<\|(?:end|return|call)\|>|(?=<\|(?:start|channel)\|>)")
_LONGEST_END = len("</reasoning>")


class Thoughts:
    """Takes a reply's pieces and leaves out what the model thinks before it answers.

    That is `<think>...</think>` and the like, at the reply's beginning only: later on the same
    letters may be quoted from a document. In Harmony it is every message but the final one.

    Attributes:
        any: Whether there were any.
    """

    def __init__(self) -> None:
        self.any = False
        self._held = ""
        self._thought_end: re.Pattern[str] | None = None
        self._said = False
        self._harmony = False

    def without(self, piece: str) -> str:
        """What of this piece, and of those held back, is known to be reply."""
        if self._said and not self._harmony:
            return piece
        self._held += piece
        reply = ""
        while True:
            if self._thought_end is not None:
                end = self._thought_end.search(self._held)
                if end is None:
                    self._held = self._held[-_LONGEST_END:]
                    return reply
                self._held, self._thought_end = self._held[end.end() :], None
            elif self._said:
                end = _MESSAGE_END.search(self._held)
                known = _known(self._held) if end is None else end.start()
                reply += self._held[:known]
                if end is None:
                    self._held = self._held[known:]
                    return reply
                self._held, self._said = self._held[end.end() :], False
            elif not self._begun():
                return reply
            elif self._said and not self._harmony:
                return reply + self.rest()

    def rest(self) -> str:
        """What is still held back, at the reply's end."""
        held = "" if self._thought_end is not None else self._held
        self._held, self._said = "", True
        return held

    def _begun(self) -> bool:
        """Take off what opens a thought or a message; False when it cannot be told yet."""
        self._held = self._held.lstrip()
        for tag, end in _TAGS.items():
            if self._held.startswith(tag):
                self._held = self._held[len(tag) :]
                self.any, self._thought_end = True, end
                return True
        if self._held.startswith(_HEADERS):
            header, message, rest = self._held.partition(_HEADER_END)
            if not message:
                return False
            self._held, self._harmony = rest, True
            _, named, channel = header.rpartition(_CHANNEL)
            if named and channel.split()[:1] != ["final"]:
                self.any, self._thought_end = True, _MESSAGE_END
            return True
        if any(mark.startswith(self._held) for mark in (*_TAGS, *_HEADERS)):
            return False
        self._said = True
        return True


def _known(text: str) -> int:
    """How much of a text is surely before the end of its message, which may have begun."""
    begun = text.rfind("<")
    marks = (*_MESSAGE_ENDS, *_HEADERS)
    if begun >= 0 and any(mark.startswith(text[begun:]) for mark in marks):
        return begun
    return len(text)
