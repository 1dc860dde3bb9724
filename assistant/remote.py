"""What all models behind a network have in common: their names, their keys, what errors tell."""

import importlib.util
import math
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

OPENAI_KEY = "OPENAI_API_KEY"
ANTHROPIC_KEY = "ANTHROPIC_API_KEY"
OLLAMA_KEY = "OLLAMA_API_KEY"
OLLAMA_URL = "http://localhost:11434"

_NAME = re.compile(r"(?P<kind>[a-z-]+):(?P<model>.+?)(?:@(?P<url>https?://\S+))?")
_LEAST_KEY = 4  # shorter ones, such as "x" for a server that wants none, are no secrets
_SECRET_PARAMETER = re.compile(r"key|token|secret|password|signature", re.IGNORECASE)
_ABRIDGED_KEY = re.compile(r"\bsk-[\w*.…-]*[\w*…-]|[\w-]*\*{3,}[\w-]*")
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


class Named(NamedTuple):
    """A model as `KIND:MODEL[@URL]` names it; the URL is empty when there is none."""

    kind: str
    model: str
    url: str


def read_name(name: str, *, kinds: tuple[str, ...]) -> Named | None:
    """The parts of a name; None when it is not of this form, or of another kind."""
    match = _NAME.fullmatch(name)
    if not match or match["kind"] not in kinds:
        return None
    if not match["url"] and "://" in match["model"]:
        return None
    return Named(match["kind"], match["model"], match["url"] or "")


def holds_secret(url: str) -> bool:
    """Whether a URL has a user, a password or a key in it, which names must not have."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "@" in url
    secret = any(_SECRET_PARAMETER.search(key) for key, _ in parse_qsl(parts.query))
    return "@" in parts.netloc or secret


def installed(module: str) -> bool:
    """Whether a package is installed, without the seconds that importing it takes."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def status_of(error: BaseException) -> int | None:
    """The HTTP status in an exception of openai, ollama, httpx or requests; None without one."""
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) and status > 0 else None


def retry_after(error: BaseException) -> float | None:
    """How many seconds a busy server asks to wait, where it says so."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("retry-after", "")).strip()
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def redacted(text: str, *secrets: str) -> str:
    """The text without the keys of the environment and these, whole or as servers abridge them."""
    for secret in sorted({*_keys(), *secrets}, key=len, reverse=True):
        if len(secret) >= _LEAST_KEY:
            text = text.replace(secret, "[key]")
    return _USER_IN_URL.sub("", _ABRIDGED_KEY.sub("[key]", text))


def key_of(variable: str) -> str:
    """The key in an environment variable, without the line's end that files leave on it."""
    return os.environ.get(variable, "").strip()


def _keys() -> Iterator[str]:
    yield from map(key_of, (OPENAI_KEY, ANTHROPIC_KEY, OLLAMA_KEY))
