"""What is quoted as one: a sentence, or a list with its lead-in."""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from assistant.answering.answer import Citation, cited
from assistant.answering.reading import SHORT_WORDS, Reading
from assistant.documents import Document
from assistant.sentences import Span

# A list is its lead-in, which ends with a colon, and up to so many items of so many words.
MOST_ITEMS = 8
MOST_ITEM_WORDS = 25
LIST_MARK = re.compile(r"[-*+•‣◦▪●·–—]\s|\(?\w{1,3}[.)]\s")


@dataclass(frozen=True, eq=False)
class Statement:
    """A run of sentences of a hit, to be quoted from the first to the last.

    Attributes:
        reading: The hit, read.
        best: The sentence that it was chosen for.
        first: The first sentence.
        last: The last.
        span: Where it is in the passage, if that is no whole sentence, as a heading is not.
    """

    reading: Reading
    best: int
    first: int
    last: int
    span: Span | None = None

    @classmethod
    def around(cls, reading: Reading, index: int) -> "Statement":
        """The list that a sentence belongs to, or the sentence, with the term that it explains."""
        first, last = _list_around(reading, index)
        if first == last:
            first, last = _with_term(reading, index)
        return cls(reading, index, first, last)

    @property
    def score(self) -> float:
        """How well its best sentence fits the question."""
        return float(self.reading.scores[self.best])

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its content words."""
        return frozenset().union(*self.reading.stems[self.first : self.last + 1])

    @property
    def start(self) -> int:
        """Offset of its first character in the document's text."""
        first = self.span or self.reading.evidence.sentences[self.first]
        return self.reading.hit.passage.start + first.start

    @property
    def end(self) -> int:
        """Offset after its last character."""
        last = self.span or self.reading.evidence.sentences[self.last]
        return self.reading.hit.passage.start + last.end

    @property
    def quote(self) -> str:
        """The document's text from start to end."""
        passage = self.reading.hit.passage
        return passage.text[self.start - passage.start : self.end - passage.start]

    @property
    def sentences(self) -> list[str]:
        """Its sentences, as they stand."""
        if self.span is not None:
            return [self.quote]
        return [self.reading.sentence(place) for place in range(self.first, self.last + 1)]

    @property
    def text(self) -> str:
        """The quote, each item of a list on a line of its own."""
        sentences = [" ".join(sentence.split()) for sentence in self.sentences]
        gaps = [self.reading.gap(place) for place in range(self.first, self.last)]
        joints = ["", *("\n" if "\n" in gap else " " for gap in gaps)]
        return "".join(map(str.__add__, joints, sentences))

    @property
    def is_row(self) -> bool:
        """Whether it is of a table of rows."""
        return self.reading.hit.passage.row is not None

    def overlaps(self, other: "Statement") -> bool:
        """Whether a sentence is in both."""
        same = self.reading is other.reading
        return same and self.first <= other.last and other.first <= self.last

    def citation(self, number: int, *, document: Callable[[str], Document | None]) -> Citation:
        """Where it stands.

        Args:
            number: The citation's.
            document: The whole of an indexed document, by source; asked where its passage has
                other rows, pages or headings as well.
        """
        hit = self.reading.hit
        passage = hit.passage
        page, page_end, row = passage.page, passage.page_end, passage.row
        heading = passage.heading
        if row is not None or page != page_end or self._under_another_heading():
            whole = document(hit.source)
            if whole is not None and whole.content_hash == hit.content_hash:
                starts = [block.start for block in whole.blocks]
                first = whole.blocks[bisect_right(starts, self.start) - 1]
                last = whole.blocks[bisect_right(starts, self.end - 1) - 1]
                page, page_end, row = first.page, last.page_end, first.row
                heading = first.heading
        return replace(
            cited(hit, number),
            quote=self.quote,
            start=self.start,
            end=self.end,
            page=page,
            page_end=page_end,
            heading=heading,
            row=row,
        )

    def _under_another_heading(self) -> bool:
        """Whether the last heading before it is within the passage, and not the passage's own.

        What stands between sentences is headings.
        """
        evidence, heading = self.reading.evidence, self.reading.hit.passage.heading
        end = evidence.sentences[self.first].start
        for before in (*evidence.sentences[: self.first][::-1], None):
            between = evidence.text[0 if before is None else before.end : end].split("\n")
            if lines := [line.strip() for line in between if line.strip()]:
                return lines[-1] != (heading[-1] if heading else "")
            end = 0 if before is None else before.start
        return False


def _list_around(reading: Reading, index: int) -> tuple[int, int]:
    """The first and last sentence of the list that a sentence belongs to; itself if to none."""
    first = index
    if not (_leads_in(reading, index) and _is_item(reading, index + 1)):
        while index - first < MOST_ITEMS and _is_item(reading, first):
            first -= 1
            if _leads_in(reading, first):
                break
        else:
            return index, index
    last = first
    while last - first < MOST_ITEMS and _is_item(reading, last + 1):
        last += 1
    return first, last


def _with_term(reading: Reading, index: int) -> tuple[int, int]:
    """A sentence with the term before it; one that is too short for an answer with the next."""
    stands, last = reading.standings, index
    if (
        stands[index].answers
        and len(reading.sentence(index).split()) < SHORT_WORDS
        and index + 1 < len(stands)
        and stands[index + 1].role == "statement"
        and reading.gap(index).count("\n") < 2
        and not reading.gap(index).strip()
    ):
        last += 1
    # A term without a word of the question is only a heading ("Methods.").
    named = stands[index].before and stands[index - 1].role == "term"
    first = index - 1 if named and reading.overlaps[index - 1] else index
    return first, last


def _leads_in(reading: Reading, index: int) -> bool:
    return reading.sentence(index).endswith(":")


def _is_item(reading: Reading, index: int) -> bool:
    """Whether there is such a sentence, as short as an item and on a line of its own."""
    if not 0 < index < len(reading.evidence.sentences) or not reading.joined(index - 1):
        return False
    before, (start, _) = (
        reading.evidence.sentences[index - 1].end,
        reading.evidence.sentences[index],
    )
    gap, text = reading.evidence.text[before:start], reading.sentence(index)
    if "\n" not in gap or gap.strip() or len(text.split()) > MOST_ITEM_WORDS:
        return False
    together = gap.count("\n") == 1 or _leads_in(reading, index - 1)
    return together or LIST_MARK.match(text) is not None
