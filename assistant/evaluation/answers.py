"""How like a right answer an answer is.

`exact_match` and `token_f1` normalise as SQuAD's own script does; `rouge_l` tokenises as Google's
`rouge-score` does without its stemmer, and agrees with it (a test compares them where it is
installed). That library is not used: it brings nltk and absl for these ten lines, and nltk alone
takes a second to import.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from assistant.grounding.words import CARDINALS

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
ROUGE_TOKEN = re.compile(r"[a-z0-9]+")
WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")


def normalised(text: str) -> str:
    """In lower case, without punctuation, articles and superfluous spaces.

    Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016), as in
    its evaluation script.
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(text: str, references: Sequence[str]) -> float | None:
    """1 if the text is one of the references, normalised, else 0 (SQuAD); None without one."""
    if not references:
        return None
    return float(normalised(text) in map(normalised, references))


def token_f1(text: str, references: Sequence[str]) -> float | None:
    """F1 of the words shared with the likest reference, counted as often as they stand (SQuAD).

    INSCIT and ChatQA call it unigram F1. None without a reference.
    """
    if not references:
        return None
    said = Counter(normalised(text).split())
    return max(_overlap(said, Counter(normalised(one).split())) for one in references)


def rouge_l(text: str, references: Sequence[str]) -> float | None:
    """F-measure of the longest common subsequence with the likest reference.

    Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004), section 3.1, with beta 1,
    as `rouge-score`'s rougeL. None without a reference.
    """
    if not references:
        return None
    said = ROUGE_TOKEN.findall(text.lower())
    pairs = [(said, ROUGE_TOKEN.findall(reference.lower())) for reference in references]
    return max(_f1(common_length(one, other), len(one), len(other)) for one, other in pairs)


def accepted(text: str, answers: Sequence[Sequence[str]]) -> str | None:
    """The first accepted answer whose every part stands in the text, as it is shown; else None.

    Case, accents, punctuation and the way a number up to twenty (or a round one up to ninety) is
    written do not matter; whole words do.
    """
    said = _words(text)

    def there(part: str) -> bool:
        words = _words(part)
        return _within(words, said) if words else part in text  # such as "€"

    for parts in answers:
        if all(map(there, parts)):
            return " … ".join(parts)
    return None


def common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        above_left = 0
        for place, candidate in enumerate(other, start=1):
            above = row[place]
            if candidate == word:
                row[place] = above_left + 1
            elif row[place - 1] > above:
                row[place] = row[place - 1]
            above_left = above
    return row[-1]


def _overlap(said: Counter[str], wanted: Counter[str]) -> float:
    if not said or not wanted:  # SQuAD 2.0: no words at all are right where none are wanted
        return float(said == wanted)
    return _f1((said & wanted).total(), said.total(), wanted.total())


def _f1(shared: int, said: int, wanted: int) -> float:
    return 2 * shared / (said + wanted) if shared else 0.0


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return [str(CARDINALS.get(word, word.replace(",", ""))) for word in WORD.findall(plain)]


def _within(part: list[str], said: list[str]) -> bool:
    size = len(part)
    return any(said[start : start + size] == part for start in range(len(said) - size + 1))
