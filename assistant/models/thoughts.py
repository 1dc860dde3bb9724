"""Reasoning that a model writes into its reply is no part of the reply."""

_OPENING = "<think>"
_CLOSING = "</think>"


class Thoughts:
    """Takes a reply's pieces and leaves out the `<think>...</think>` blocks at its beginning.

    Only there: later on the same letters may be quoted from a document.

    Attributes:
        any: Whether there were any.
    """

    def __init__(self) -> None:
        self.any = False
        self._held = ""
        self._thinking = False
        self._said = False

    def without(self, piece: str) -> str:
        """What of this piece, and of those held back, is known to be reply."""
        if self._said:
            return piece
        self._held += piece
        while True:
            if self._thinking:
                _, closing, rest = self._held.partition(_CLOSING)
                if not closing:
                    self._held = self._held[-len(_CLOSING) :]
                    return ""
                self._held, self._thinking = rest, False
            self._held = self._held.lstrip()
            if self._held.startswith(_OPENING):
                self._held, self._thinking = self._held[len(_OPENING) :], True
                self.any = True
            elif _OPENING.startswith(self._held):
                return ""
            else:
                return self.rest()

    def rest(self) -> str:
        """What is still held back, at the reply's end."""
        held = "" if self._thinking else self._held
        self._held, self._said = "", True
        return held
