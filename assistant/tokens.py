"""How long a text is in cl100k_base tokens, and where to cut one that is too long. Offline."""

import hashlib
import math
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from assistant.bundled import REMEDY, bundled
from assistant.errors import AssistantError
from assistant.sentences import Span

if TYPE_CHECKING:
    import tiktoken

LEAST_TOKENS = 16  # below it, one character with its combining marks may not fit
_ENCODING_FILE = "tiktoken_cache/9b5ad71b2ce5302211f9c61530b329a4922fc6a4"  # cl100k_base
_ENCODING_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
# tiktoken takes more than linear time on very long runs without a word's end (4 MB of spaces: 5 s).
_COUNTED_AT_ONCE = 100_000
_NOT_WHITE = re.compile(r"\S")
_LAST_WHITE = re.compile(r"\s\S*\Z")
_CHARACTER = r"[\ud800-\udbff][\udc00-\udfff]|\X"  # \X: what a reader sees as one


def count_tokens(text: str) -> int:
    """The length of a text in cl100k_base tokens.

    Beyond 100,000 characters it is counted in parts, and may be too high by one for each.

    Raises:
        AssistantError: The bundled encoding is missing or damaged.
    """
    encode = _encoding().encode_ordinary
    return sum(
        len(encode(text[start : start + _COUNTED_AT_ONCE]))
        for start in range(0, len(text), _COUNTED_AT_ONCE)
    )


@lru_cache(maxsize=1)
def _encoding() -> "tiktoken.Encoding":
    path = bundled(_ENCODING_FILE)
    # tiktoken deletes a file with another hash and downloads it anew; it must not come to that.
    if hashlib.sha256(path.read_bytes()).hexdigest() != _ENCODING_SHA256:
        raise AssistantError(f"{path} is damaged; {REMEDY}")
    import tiktoken

    variable = "TIKTOKEN_CACHE_DIR"
    before = os.environ.get(variable)
    os.environ[variable] = str(path.parent)
    try:
        return tiktoken.get_encoding("cl100k_base")
    finally:
        if before is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = before


def cut_to_budget(text: str, span: Span, *, tokens: int, max_tokens: int) -> list[Span]:
    """Cut a span of `tokens` tokens into parts of at most `max_tokens` and about equal size.

    At white space where there is any in a part's second half; else between two characters as
    a reader sees them (an emoji with its modifiers, a letter with its accents) unless one of
    them alone is over the budget.
    """
    spans: list[Span] = []
    start = span.start
    while start < span.end:
        parts = max(1, math.ceil(tokens / max_tokens))
        limit = start + max(2, math.ceil((span.end - start) / parts))
        while True:
            end = _cut_before(text, start, limit, span.end)
            used = count_tokens(text[start:end])
            if used <= max_tokens:
                break
            limit = max(start + 2, min(end - 1, start + (end - start) * max_tokens // used))
        spans.append(Span(start, end))
        tokens -= used
        following = _NOT_WHITE.search(text, end, span.end)
        start = following.start() if following else span.end
    return spans


def _cut_before(text: str, start: int, limit: int, end: int) -> int:
    """The best place to end a part that starts at `start`: at most `limit`, beyond `start`."""
    if limit >= end:
        return end
    middle = start + (limit - start) // 2
    white = _LAST_WHITE.search(text[middle : limit + 1])
    if white:
        return start + len(text[start : middle + white.start()].rstrip())
    import regex  # type: ignore[import-untyped]

    best = limit
    for character in regex.finditer(_CHARACTER, text, pos=start, endpos=min(end, limit + 64)):
        if character.end() > limit:
            break
        best = character.end()
    return start + len(text[start:best].rstrip())
