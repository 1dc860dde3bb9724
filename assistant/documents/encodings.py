"""Bytes become text, whatever encoding they are in."""

import codecs
import re

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ISO_2022 = re.compile(rb"\x1b(?:\$[@B]|\(J|\$\(D|\$\)C)")
_DECLARED = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,200}?encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_SAMPLE = 50_000


def decode(data: bytes, *, declared: str | None = None) -> str:
    """Decode text: by its byte order mark, as UTF-8, as declared, or as it most looks like.

    `declared` is the encoding that the format itself names. Bytes that stand for nothing in the
    encoding become U+FFFD; the function never fails.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    wide = wide_encoding(data)
    if wide:
        return data.decode(wide, "replace")
    if not _ISO_2022.search(data, 0, _SAMPLE):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if declared:
        try:
            return data.decode(declared)
        except (LookupError, UnicodeError, ValueError):
            pass
    return data.decode(_guess(data), "replace")


def declared_encoding(data: bytes) -> str | None:
    """The encoding that an HTML or XML file names near its beginning."""
    match = _DECLARED.search(data, 0, 4096)
    return match[1].decode("ascii") if match else None


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a byte order mark, told by where its zero bytes are."""
    sample = data[:4000]
    if len(sample) < 4 or b"\0" not in sample:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be"
    return None


def _guess(data: bytes) -> str:
    if _ISO_2022.search(data, 0, _SAMPLE):
        return "iso2022_kr" if b"\x1b$)C" in data[:_SAMPLE] else "iso2022_jp_2"
    text = data.decode("utf-8", "replace")
    beyond_ascii = len(text) - sum(map(text.count, map(chr, range(128))))
    if text.count("\ufffd") * 10 < beyond_ascii:
        return "utf-8"  # with a few damaged characters
    from charset_normalizer import from_bytes

    # Lines without a byte above 127 say nothing about the encoding.
    telling = b"\n".join(line for line in data[: _SAMPLE * 20].splitlines() if not line.isascii())[
        :_SAMPLE
    ]
    best = from_bytes(telling, cp_isolation=_PLAUSIBLE).best()
    if best is None:
        return "cp1252"
    # French or German also looks like Czech or Lithuanian to it; the letters tell.
    western = telling.decode("cp1252", "replace")
    if best.encoding in _NEIGHBOURS and all(char in _WESTERN for char in western if char > "\x7f"):
        return "cp1252"
    return best.encoding


_NEIGHBOURS = frozenset({"cp1250", "cp1254", "cp1257", "cp1258", "iso8859_2", "mac_roman"})
_WESTERN = frozenset("àâäáãåçèéêëìíîïñòóôöøùúüßœÀÂÄÁÃÅÇÈÉÊËÌÍÎÏÑÒÓÔÖØÙÚÜŒ“”‘’„‚–—…«»€£§°©®·\u00a0")
_PLAUSIBLE = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "koi8_r", "koi8_u", "cp866", "iso8859_2", "iso8859_5", "iso8859_7", "cp874", "mac_roman",
    "cp932", "euc_jp", "gb18030", "big5", "cp949",
]  # fmt: skip
