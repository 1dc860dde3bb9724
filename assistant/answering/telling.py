"""An answer as far as it has been told: its sentences, and the citations in order of first use."""

from collections.abc import Sequence
from dataclasses import replace

from assistant.answering.answer import Citation, Piece, Sentence
from assistant.grounding import Label


class Telling:
    """What has been told of an answer; whoever writes it adds to it, and one may follow another.

    Attributes:
        sentences: In reading order.
        citations: In order of number: that of first use.
    """

    def __init__(self) -> None:
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []
        self._numbers: dict[tuple[str, int, int], int] = {}
        self._text = ""

    @property
    def text(self) -> str:
        """The texts of all pieces."""
        return self._text

    def tell(
        self,
        text: str,
        *,
        verdict: Label,
        cited: Sequence[Citation],
        reason: str = "",
        lead: str = " ",
    ) -> Piece:
        """Add a sentence; `cited` get their numbers here. The lead of the first is its list's."""
        numbers: list[int] = []
        new: list[Citation] = []
        for citation in cited:
            key = (citation.source, citation.start, citation.end)
            if key not in self._numbers:
                self._numbers[key] = len(self.citations) + 1
                new.append(replace(citation, number=self._numbers[key]))
                self.citations.append(new[-1])
            if self._numbers[key] not in numbers:
                numbers.append(self._numbers[key])
        if not self.sentences:
            lead = lead.lstrip()
        sentence = Sentence(text, verdict, tuple(numbers), reason, lead)
        self.sentences.append(sentence)
        marks = "".join(f"[{number}]" for number in numbers)
        piece = Piece(f"{lead}{text}{' ' * bool(marks)}{marks}", sentence, tuple(new))
        self._text += piece.text
        return piece

    def tells(self, citation: Citation) -> bool:
        """Whether something told rests on words that overlap these, or on the same words.

        What is only contradicted by them, or borne out in part, does not tell them.
        """
        words = citation.quote.casefold().split()
        rested_on = {
            number
            for sentence in self.sentences
            if sentence.verdict in ("quoted", "supported")
            for number in sentence.citations
        }
        return any(
            other.quote.casefold().split() == words
            or (
                other.source == citation.source
                and other.start < citation.end
                and citation.start < other.end
            )
            for other in self.citations
            if other.number in rested_on
        )
