"""What stands over a sentence, and says nothing without it: headings, terms, and questions."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from assistant.grounding import Evidence

# A term is what the sentence after it explains ("Beck. A small stream."), a question what it
# answers; both belong to that sentence more than a heading does, which stands over many.
Role = Literal["statement", "heading", "term", "question"]

MOST_HEADING_WORDS = 12
MOST_TERM_WORDS = 6
ENDS = re.compile(r"[.!?:;,…。！？][\"'”’»)\]]*$")
SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
ASKED = re.compile(r"\?[\"'”’»)\]]*$")
# What has one of these is a sentence, however short.
VERB = re.compile(
    r"\b(?:am|is|are|was|were|be|been|has|have|had|do|does|did|can|could|will|would|shall|should|"
    r"may|might|must|goes|went|said|says|took|came|made|gave|got|let|see)\b|n['’]t\b",
    re.IGNORECASE,
)
BLANK_LINE = re.compile(r"\n[^\S\n]*\n|\f")
# Of a title's first line: it is in capitals.
MOSTLY = 0.6


class Standing(NamedTuple):
    """What a sentence is, and what stands over it.

    Attributes:
        role: What it is; only a statement is an answer.
        over: The heading and the term above it that are within its passage, as text.
        before: Whether the sentence before it is a term or question that it explains or answers.
        asked: Whether the last heading above it, with nothing between, is a question.
    """

    role: Role
    over: str
    before: bool
    asked: bool

    @property
    def answers(self) -> bool:
        """Whether a question stands right over it."""
        return self.before or self.asked


def standings(evidence: Evidence, *, rows: bool, opening: bool) -> list[Standing]:
    """What each sentence of a passage is.

    Args:
        evidence: The passage.
        rows: Whether it is of a table of rows: those are statements.
        opening: Whether it is the first of its document, and so may begin with a title.
    """
    text, spans = evidence.text, evidence.sentences
    ends = [0, *(span.end for span in spans)]
    gaps = [text[end : span.start] for end, span in zip(ends, spans, strict=False)]
    gaps.append(text[ends[-1] :])
    texts = [text[start:end] for start, end in spans]
    found: list[Standing] = []
    heading = term = ""
    for place, said in enumerate(texts):
        asked = False
        if gaps[place].strip():
            heading = " ".join(gaps[place].split())
            asked = ASKED.search(heading) is not None
        if "\n" in gaps[place]:
            term = ""
        before = bool(found) and found[-1].role in ("term", "question")
        role: Role = "statement"
        if not rows:
            role = _role(said, gaps[place : place + 2], texts[place + 1 : place + 2])
            if role == "heading" and found and found[-1].role == "statement":
                # What follows a list's item or its lead-in is an item.
                ended = SENTENCE_END.search(texts[place - 1]) is not None
                role = "heading" if ended else "statement"
            if role == "term" and (asked or before):
                role = "statement"  # the short answer to a question
            if opening and not place and _is_title(said):
                role = "heading"
        if role == "heading":
            heading = " ".join(said.split())
        elif role == "term":
            term = said
        found.append(Standing(role, f"{heading} {term}".strip(), before, asked))
    return found


def _role(said: str, gaps: Sequence[str], following: Sequence[str]) -> Role:
    """What a sentence is, of what is between it and its neighbours, and the next one if any."""
    if ASKED.search(said):
        return "question"
    if not following or gaps[1].strip():
        return "statement"
    words = said.count(" ") + 1
    if gaps[0] and "\n" not in gaps[0]:
        return "statement"
    if not ENDS.search(said):
        opens = not gaps[0] or gaps[0].strip() or BLANK_LINE.search(gaps[0])
        apart = BLANK_LINE.search(gaps[1]) is not None and ENDS.search(following[0]) is not None
        return "heading" if opens and apart and words <= MOST_HEADING_WORDS else "statement"
    brief = words <= MOST_TERM_WORDS and said.endswith(".") and not VERB.search(said)
    return "term" if brief and "\n" not in gaps[1] else "statement"


def _is_title(said: str) -> bool:
    """Whether what a document begins with is its title: lines without an end, or in capitals."""
    first, *more = said.split("\n")
    letters = [letter for letter in first if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters) >= MOSTLY * max(1, len(letters))
    return bool(more) and not ENDS.search(first) and (capitals or not ENDS.search(said))
