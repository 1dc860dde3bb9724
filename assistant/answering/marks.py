"""What a language model writes, read strictly: sentences, their marks, and nothing active."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assistant.documents.cleaning import clean
from assistant.sentences import sentence_spans

# "[1]", "[1, 3]", "[2-4]"; nothing else is a mark.
MARK = re.compile(r"\[\s{0,3}(\d{1,3}(?:\s{0,3}[,;–-]\s{0,3}\d{1,3}){0,20})\s{0,3}\]")
# How models of certain makers write one whatever they are told: "[[1]]", "[^1]", "[1†source]".
FOREIGN = re.compile(r"\[\[(\d[\d\s,;–-]*)\]\]|\[\^(\d{1,3})\]|\[(\d{1,3})†[^\[\]]{0,80}\]")
BRACKETS = str.maketrans("【】［］", "[][]")
# One that the reply's end has cut off.
CUT_MARK = re.compile(r"\s*\[[\d\s,;–-]*$")
RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)|(\d+)")
LONGEST_RANGE = 20

BULLET = re.compile(r"\s{0,12}(?P<mark>[-*+•‣▪]|\d{1,3}[.)])\s+")
HEADING = re.compile(r"\s{0,12}(?:#{1,6}\s|\*\*[^*]{1,200}\*\*:?\s*$)")
FENCE = re.compile(r"\s*(?:```|~~~)")
RULE = re.compile(r"[\s|:*_=-]+")
# A list of sources at the end repeats the marks; what is cited is told by the citations.
SOURCES = re.compile(
    r"\W*(?:sources?|references|citations?|passages? used)\W*(?:\[.*)?", re.IGNORECASE
)

# A server with a wrong chat template lets the end of the reply through, and what the model dreams
# up after it: questions that nobody asked.
END_OF_REPLY = re.compile(
    r"</s>|<\|(?:im_end|im_start|eot_id|endoftext|end_of_text|end_of_turn)\|>|<end_of_turn>"
)

# What would be fetched or run where an answer is drawn as Markdown or HTML. A link's words stay.
IMAGE = re.compile(r"!\[[^\]]*\]\s?(?:\([^)]*\)|\[[^\]]*\])|!(?=\[)")
NUMBER_LINK = re.compile(r"(\[[\d\s,;–-]+\])\([^)]*\)")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
DEFINITION = re.compile(r"\s{0,3}\[[^\]]+\]:\s*\S+(?:\s+[\"'(].*)?\s*")
TAG = re.compile(
    r"<(?:/?(?:a|img|iframe|script|style|svg|video|audio|source|track|object|embed|form|input|"
    r"button|link|meta|base|body|html|head|picture|math|template|frame|frameset|marquee)\b[^>]*"
    r"|[a-z/!?][^<>]*\b(?:src|href|srcset|action|formaction|data|style|background|poster|on\w+)\s*=[^>]*"
    r"|!--.*?--)(?:>|$)",
    re.IGNORECASE | re.DOTALL,
)
ADDRESS = re.compile(
    r"<?(?:(?:https?|ftp|file|wss?)://|\bwww\.|\b(?:javascript|data|vbscript|mailto):(?=\S))"
    r"[^\s<>\"')\]]*>?",
    re.IGNORECASE,
)
AUTOLINK = re.compile(r"<((?:[a-z][a-z0-9+.-]{1,31}:|[^\s<>@]+@)[^\s<>]*)>", re.IGNORECASE)
REMOVED = "[link removed]"
EMPHASIS = re.compile(
    r"(?<![\w*])(\*{1,3})(?=\S)([^*\n]*[^*\s])\1(?!\w)|(?<!\w)(_{1,3})(?=\S)([^_\n]*[^_\s])\3(?!\w)"
    r"|(`{1,3})([^`\n]+)\5"
)
# The beginning of an emphasis that has no end (yet), where those that have are gone.
OPEN = re.compile(r"(?<![\w*])\*{1,3}(?=\S)|(?<!\w)_{1,3}(?=\S)|`")
# The beginning of one of these at the end of what has been written so far: it waits for the rest.
BEGUN = re.compile(
    r"(?:!?\[[^\]]{0,200}(?:\](?:\([^)]*)?)?|<(?:[a-z/!?][^<>]{0,500})?|(?:https?:|\bwww\.|\w+:/)\S*|[*_`]+)$",
    re.IGNORECASE,
)
# Without one of these no sentence ends before the line does.
END = re.compile(r"[.!?…。！？]")
SPACE = re.compile(r"[ \t\u00a0]+")
BEFORE_POINT = re.compile(r"\s+(?=[.,;:!?](?:\s|$))")


class Written(NamedTuple):
    """A sentence that a model has written.

    Attributes:
        lead: What stands before it: nothing, a space, or a line's or paragraph's break, with the
            mark of a list.
        text: The sentence without citation marks, links, images and emphasis.
        marks: The numbers that it cites, each once, in order; none of them is known to exist.
    """

    lead: str
    text: str
    marks: tuple[int, ...]


class Manuscript:
    """Reads what a model writes, piece by piece.

    Headings, rules, fences and lists of sources are left out: they claim nothing that could be
    checked. `known` are the texts that the model was given: an address stays only if one has it.
    """

    def __init__(self, *, known: Sequence[str] = ()) -> None:
        self._known = known
        self._line = ""  # as it came, from its beginning
        self._read = 0  # so much of the line, made harmless, is in sentences told already
        self._breaks = 0  # since the last sentence that was told
        self._begun = False  # a sentence was told
        self._over = False  # the list of sources has begun, or the reply has ended

    def feed(self, piece: str) -> Iterator[Written]:
        """Take in what was written next; yields the sentences that it completes."""
        *lines, rest = piece.replace("\r\n", "\n").split("\n")
        for line in lines:
            self._line += line
            yield from self._line_end()
            self._breaks += 1
        self._line += rest
        if END_OF_REPLY.search(self._line):
            yield from self._line_end()
        if SPACE.search(rest) and END.search(self._line):
            yield from self._sentences(whole=False)

    def end(self) -> Iterator[Written]:
        """There is no more; yields what is left."""
        self._line = CUT_MARK.sub("", self._line)
        yield from self._line_end()

    def _line_end(self) -> Iterator[Written]:
        ended = END_OF_REPLY.search(self._line)
        if ended:
            self._line = self._line[: ended.start()]
        yield from self._sentences(whole=True)
        self._line, self._read = "", 0
        self._over = self._over or ended is not None

    @property
    def draft(self) -> str:
        """What has been written of the sentence that is not complete."""
        if self._over or _says_nothing(self._line):
            return ""
        opening, text = self._opened(whole=False)
        return _tidy(MARK.sub(" ", text[max(self._read, len(opening)) :]))

    def _sentences(self, *, whole: bool) -> Iterator[Written]:
        self._over = self._over or (whole and SOURCES.fullmatch(self._line) is not None)
        if self._over or (whole and _says_nothing(self._line)):
            return
        opening, text = self._opened(whole=whole)
        start = max(self._read, len(opening))
        if not whole and (begun := OPEN.search(text)):  # its end would shift what follows
            text = text[: begun.start()]
        # Marks are told apart by where they stand, and are no part of the sentences.
        hidden = MARK.sub(lambda mark: " " * len(mark.group()), text)
        firsts = [start + first for first, _ in sentence_spans(hidden[start:])]
        for place, first in enumerate(firsts):
            following = firsts[place + 1] if place + 1 < len(firsts) else None
            # Until the first word of the next is complete, there may be no next.
            if not whole and (following is None or not SPACE.search(hidden[following:])):
                return
            said = _tidy(hidden[first:following])
            yield Written(self._lead(opening), said, _numbers(text[self._read : following]))
            self._read = len(text) if following is None else following
            self._breaks, self._begun = 0, True

    def _opened(self, *, whole: bool) -> tuple[str, str]:
        """The mark of a list that the line begins with, and the line, both made harmless."""
        line = self._line
        if not whole and (begun := BEGUN.search(line)):
            line = line[: begun.start()]
        text = harmless(line, known=self._known)
        bullet = BULLET.match(text)
        return (bullet.group() if bullet else ""), text

    def _lead(self, opening: str) -> str:
        if self._begun and not self._breaks:
            return " "
        item = opening.strip()
        item = f"{item} " if item[:1].isdigit() else "- " if item else ""
        return ("\n" * min(self._breaks, 2) if self._begun else "") + item


def harmless(text: str, *, known: Sequence[str] = ()) -> str:
    """A line without invisible characters, images, links, active HTML and emphasis.

    Addresses stay only where one of the `known` texts has them.
    """
    text, _ = clean(text.translate(BRACKETS))
    text = FOREIGN.sub(lambda found: f"[{found[1] or found[2] or found[3]}]", text)
    if DEFINITION.fullmatch(text):
        return ""
    text = IMAGE.sub("", text)
    text = NUMBER_LINK.sub(r"\1", text)
    text = LINK.sub(r"\1", text)
    while (less := TAG.sub("", text)) != text:  # one may stand within another
        text = less
    text = ADDRESS.sub(lambda found: _address(found.group(), known), text)
    for _ in range(3):  # bold in italics in code
        text = EMPHASIS.sub(lambda found: found[2] or found[4] or found[6] or "", text)
    # What is left of these could make a link with other lines.
    return AUTOLINK.sub(r"\1", text).replace("](", "] (").replace("]:", "]")


def _address(found: str, known: Sequence[str]) -> str:
    address = found.strip("<>").rstrip(".,;:!?")
    if any(address in text for text in known):
        return found.strip("<>")
    return REMOVED + found.strip("<>")[len(address) :]


def _says_nothing(line: str) -> bool:
    """Whether a line is a heading, a rule, a fence or blank."""
    return bool(HEADING.match(line) or FENCE.match(line) or RULE.fullmatch(line or " "))


def _numbers(text: str) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for mark in MARK.finditer(text):
        for low, high, single in RANGE.findall(mark[1]):
            if single:
                found[int(single)] = None
            elif 0 <= int(high) - int(low) < LONGEST_RANGE:
                found |= dict.fromkeys(range(int(low), int(high) + 1))
    return tuple(found)


def _tidy(text: str) -> str:
    return BEFORE_POINT.sub("", SPACE.sub(" ", text)).strip()
