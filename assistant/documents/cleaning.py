"""What no reader sees is taken out of a text, and counted."""

import re

# Scripts in which a zero-width joiner or non-joiner changes the shape of a word (Arabic, Syriac,
# the Indic scripts, Myanmar, Khmer, Mongolian, ...), and what may stand beside one in an emoji.
_JOINING = (
    "\u0600-\u109f\u1700-\u18af\u1a20-\u1bff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff"
)
_PICTOGRAPH = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_BREAK = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_PLAIN = re.compile("[\t\n -~]*")
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x9f\ufff9-\ufffc\ufffe\uffff"
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufe00-\ufe0f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_SUSPECT = re.compile(f"[{_CONTROL}{_INVISIBLE}\ud800-\udfff]")
_REMOVED = re.compile(
    # Kept: a joiner at work, and one variation selector after the character it varies.
    f"(?P<kept>(?<=[{_JOINING}])[\u200c\u200d](?![\u200c\u200d])"
    f"|(?<=[{_PICTOGRAPH}\ufe0f])\u200d(?=[{_PICTOGRAPH}])"
    f"|(?<=[^\\s{_CONTROL}{_INVISIBLE}])[\ufe00-\ufe0f\U000e0100-\U000e01ef])"
    f"|(?P<control>[{_CONTROL}])|(?P<surrogate>[\ud800-\udfff])|[{_INVISIBLE}]+"
)


def clean(text: str) -> tuple[str, int]:
    r"""Return a text without invisible and control characters, and how many invisible ones it had.

    Every line break becomes "\n", lone surrogates become U+FFFD. Joiners stay where they shape
    words or emoji. Nothing is normalised.
    """
    if _PLAIN.fullmatch(text):
        return text, 0
    text = _BREAK.sub("\n", text)
    if not _SUSPECT.search(text):
        return text, 0
    hidden = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal hidden
        if match["kept"]:
            return match[0]
        if match["surrogate"]:
            return "\ufffd"
        if not match["control"]:
            hidden += len(match[0])
        return ""

    return _REMOVED.sub(replacement, text), hidden


def one_line(text: str) -> str:
    """Join the words of a text by single spaces (no-break spaces stay as they are)."""
    return re.sub(r"[ \t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+", " ", text).strip()
