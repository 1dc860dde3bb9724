"""Text becomes tokens: words folded and stemmed, numbers and marks, each with its offsets."""

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

Kind = Literal["word", "number", "mark"]

# Chinese, Japanese and Korean are written without spaces: there a character counts as a word.
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
TOKEN = re.compile(
    rf"(?P<number>\d+(?:[.,]\d+)*)"
    # Most words, told at once: plain letters, and nothing after them that could belong to them.
    rf"|(?P<word>[A-Za-z]++(?![\w.'’\u0300-\u036f])"
    rf"|[A-Za-z]{{1,12}}\d[A-Za-z\d]{{0,20}}|(?:[A-Za-z]\.){{2,}}(?:[A-Za-z]\b)?|[A-Za-z]\.[A-Za-z]\b|[{UNSPACED}]"
    rf"|(?:(?![{UNSPACED}])[^\W\d_]|[\u0300-\u036f])+(?:['’](?:(?![{UNSPACED}])[^\W\d_])+)*)"
    rf"|(?P<mark>[^\w\s])"
)


def listed(words: str) -> list[str]:
    """The words of a table, which read best in running lines."""
    return words.split()


# Words that carry grammar and no content. Negations, modals and comparatives are here as well:
# `facts` compares those, and they should not count as words that must be found.
STOP_WORDS = frozenset(
    listed("""
    a about also am an and another any are around as at be became become been being both but by can
    cannot could did do does doing done during each either else etc even ever every for from further
    get got had has have having he her here hers herself him himself his how however i if in indeed
    into is it its itself just let like made make many may maybe me might mine more moreover most
    much must my myself neither never no nor not now of off often on one only onto or other our ours
    ourselves out own per perhaps quite rather really said same say says shall she should since so
    some such than that the their theirs them themselves then there therefore these they this those
    though through thus to too toward towards until up upon us very via was we well were what when
    where whether which while who whom whose why will with within without would yet you your yours
    according although among amongst because between despite instead meanwhile nearly
    almost still unless whereas whatever ie eg mr mrs ms dr s st nd rd th
    yes certainly absolutely
    """)
)

# Written like this they are names, though in lower case they are stop words.
ACRONYMS = frozenset({"US", "IT", "WHO"})

CARDINALS = {
    word: value
    for value, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        )
    )
} | {
    word: value * 10
    for value, word in enumerate(
        listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
}


class Token(NamedTuple):
    """One token of a text.

    Attributes:
        text: The characters as they stand.
        folded: The same in lower case without accents, possessive or dots.
        stem: What is compared: the stem of a word, the plain digits of a number.
        kind: `word`, `number` or `mark` (punctuation, currency and percent signs).
        start: Offset of its first character.
        end: Offset after its last character.
    """

    text: str
    folded: str
    stem: str
    kind: Kind
    start: int
    end: int

    @property
    def content(self) -> bool:
        """Whether a claim that holds it must find it in the source."""
        return self.kind == "number" or (
            self.kind == "word" and (self.folded not in STOP_WORDS or self.text in ACRONYMS)
        )

    @property
    def capitalised(self) -> bool:
        """Whether it starts with a capital letter."""
        return self.kind == "word" and self.text[0].isupper()


# The stemmer keeps the word it works on in itself: two threads at once would mix up theirs.
_stemming = threading.Lock()


@cache
def stemmer() -> Any:
    """The English Snowball stemmer (other languages keep their words nearly whole)."""
    import snowballstemmer  # type: ignore[import-untyped]

    return snowballstemmer.stemmer("english")


def fold(text: str) -> str:
    """A word in lower case, without accents, dots, or a possessive ending."""
    word = text.casefold().replace("’", "'").replace(".", "")
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word)
        word = "".join(c for c in decomposed if not unicodedata.combining(c))
    return word.removesuffix("'s").removesuffix("'")


@lru_cache(maxsize=65536)
def stem(folded: str) -> str:
    """What two forms of a word have in common; a spelt-out number becomes its digits."""
    if folded in CARDINALS:
        return str(CARDINALS[folded])
    if len(folded) > 40:
        return folded
    with _stemming:
        return str(stemmer().stemWord(folded))


def tokens(text: str, *, offset: int = 0) -> list[Token]:
    """The tokens of a text, in order; `offset` is added to every start and end."""
    if not offset and len(text) <= REMEMBERED:
        return list(_remembered(text))
    return list(_tokens(text, offset))


# Texts of up to so many characters, as passages are, are taken apart once for all that looks at
# them: two steps of every answer do, and people ask about the same passages.
REMEMBERED = 4000


@lru_cache(maxsize=512)
def _remembered(text: str) -> tuple[Token, ...]:
    return tuple(_tokens(text, 0))


def _tokens(text: str, offset: int) -> Iterator[Token]:
    for match in TOKEN.finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        written = match.group()
        if kind == "word":
            folded, stemmed = _forms(written)
        elif kind == "number":
            folded = stemmed = plain_digits(written)
        else:
            folded = stemmed = written
        start, end = match.span()
        # As `Token(...)`, in half the time: most of an answer's goes into these.
        yield _new(Token, (written, folded, stemmed, kind, offset + start, offset + end))


_new = tuple.__new__


@lru_cache(maxsize=65536)
def _forms(written: str) -> tuple[str, str]:
    """A word, folded, and its stem."""
    folded = fold(written) if len(written) <= 40 else written.casefold()
    return folded, stem(folded)


def plain_digits(written: str) -> str:
    """A number without thousands separators: "1,500" is "1500", "1.500,5" stays a guess.

    A comma or point before groups of exactly three digits separates thousands if there is more
    than one group or it is a comma; any other is decimal.
    """
    if written.isdigit():
        return written
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", written):
        return written.replace(",", "")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", written):
        return written.replace(".", "")
    return written


def written(tokens: Sequence[Token], first: int, last: int) -> str:
    """The tokens as they stood, spaces between words only."""
    text = ""
    for index in range(first, last + 1):
        gap = index > first and tokens[index].start > tokens[index - 1].end
        text += (" " if gap else "") + tokens[index].text
    return text
