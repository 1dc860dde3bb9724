"""What went wrong when a language model was asked, in one line that says what to do."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistant.errors import ModelError
from assistant.remote import key_of, redacted, retry_after, status_of

LONGEST_WAIT_SECONDS = 20.0
_MOST_DETAIL = 300
_MOST_NAMES = 20

# These pass mostly; 501, 504, 524 and the like do not, or have taken their time already.
_BUSY = (429, 503, 529)
_PASSING = (*_BUSY, 500, 502, 520)
_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|(prompt|input|request) is too (long|large)"
    r"|too many (input )?tokens|exceed_context|max_model_len|max_new_tokens|reduce the length"
    r"|request_too_large",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|(invalid|unknown|no such) model"
    r"|\bmodel\b.{0,200}?(not found|not exist|n.t exist|not available|not loaded|not supported)",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](quota|balance|funds|credits?)|credit balance|exceeded your current quota",
    re.IGNORECASE,
)
_OVERLOADED = re.compile(r"overloaded|rate.?limit|too many requests", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """Who was asked, as far as an error has to tell.

    Attributes:
        name: The model's name, as the user gave it.
        server: Its server, as the user knows it.
        start: How the server is started.
        key_variable: Where its key comes from; empty where it needs none.
        model_remedy: What to do when the server has no such model.
        url_hint: What its URL is like, where that may be what is wrong.
        names: The models that the server does have; None where it does not say.
        secrets: Keys beside those of the environment.
        seconds: How long its user waits for a word at most; it is not waited longer to ask again.
        once: Whether it is not asked again at all.
    """

    name: str
    server: str
    start: str
    key_variable: str
    model_remedy: str
    url_hint: str = ""
    names: Sequence[str] | None = None
    secrets: tuple[str, ...] = ()
    seconds: float = math.inf
    once: bool = False

    def error(self, text: str, *, kind: str) -> ModelError:
        """An error about this model, with no key in it, in one printable line."""
        line = redacted(f"the language model {self.name} {text}", *self.secrets)
        return ModelError(printable(line), kind=kind)


def detail_of(error: BaseException) -> str:
    """What the server says of its error: its message and code, else the exception's text."""
    body: Any = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict):
        said = [body.get("message") or body.get("error"), body.get("code"), body.get("type")]
        texts = [part for part in said if isinstance(part, str) and part]
        if texts:
            return " - ".join(texts)
    return str(getattr(error, "error", None) or error)


def explained(error: BaseException, asked: Asked, *, begun: bool) -> tuple[ModelError, bool]:
    """The error as one of ours, and whether to ask again."""
    status = status_of(error)
    if status is not None and status < 300:  # an error in the body of a stream
        status = None
    detail = detail_of(error)
    short = detail if len(detail) <= _MOST_DETAIL else f"{detail[:_MOST_DETAIL]} ..."
    told = f"{status}: {short}" if status else short
    if _TOO_LONG.search(detail) or status == 413:
        return asked.error(
            f"cannot take so long a question ({told}); set model_context to what it can take",
            kind="context",
        ), False
    connection = None if status else _connection(error)
    if connection == "timeout":
        return late(asked, begun=begun), False
    if begun:
        return asked.error(
            f"broke off in the middle of its reply ({told}); ask again", kind="broken"
        ), False
    if status in (401, 403):
        return _refused(asked, told), False
    if status == 402 or _NO_CREDIT.search(detail):
        return asked.error(
            f"is not answering, for the account has no credit left ({told}); add some at the "
            "provider, or choose another model",
            kind="rejected",
        ), False
    if status == 404 or (status in (400, 422, None) and _NO_MODEL.search(detail)):
        return _unknown(asked, told), False
    if status in _BUSY or (status is None and _OVERLOADED.search(detail)):
        return _busy(error, asked, told)
    if status is not None and status >= 500:
        return asked.error(
            f"failed ({told}); ask again, and see the log of {asked.server} if it stays so",
            kind="failed",
        ), status in _PASSING and not asked.once
    if status is not None and 300 <= status < 400:
        return asked.error(
            f"is not at {asked.server}, which sends requests on ({status}); correct the URL",
            kind="rejected",
        ), False
    if status is not None:
        return asked.error(
            f"rejects the request ({told}); check the model's name and its limits "
            "(model_context, answer_tokens)",
            kind="rejected",
        ), False
    if connection == "down":
        return asked.error(
            f"cannot be reached; {asked.start}, or correct the URL ({asked.server})", kind="down"
        ), False
    if connection == "broken":
        return asked.error(
            f"broke the connection before it said anything ({short}); ask again, and see the log "
            f"of {asked.server} if it stays so",
            kind="broken",
        ), False
    return asked.error(
        f"failed ({type(error).__name__}: {short}); see whether {asked.server} is a server of "
        f"this kind, and the URL complete{asked.url_hint}",
        kind="failed",
    ), False


def late(asked: Asked, *, begun: bool, seconds: float | None = None) -> ModelError:
    """The error for a server that says nothing for too long."""
    where = "in the middle of its reply" if begun else "before its first word"
    how_long = "too long" if seconds is None else f"{seconds:g} seconds"
    return asked.error(
        f"said nothing for {how_long} {where}; see whether {asked.server} is overloaded or still "
        "loading the model, or set model_seconds higher",
        kind="timeout",
    )


def incomplete(
    asked: Asked, *, ending: str, answered: bool, reasoned: bool, begun: bool
) -> ModelError:
    """The error for a reply that is none, or that only stops."""
    if begun or (answered and not ending):
        return asked.error("stopped in the middle of its reply; ask again", kind="broken")
    if not answered:
        return asked.error(
            f"sent nothing that is a reply; see whether {asked.server} is a server of this kind, "
            f"and the URL complete{asked.url_hint}",
            kind="failed",
        )
    if reasoned:
        return asked.error(
            f"spent its whole reply on reasoning ({ending}); set answer_tokens higher, or choose "
            "a model that does not reason",
            kind="failed",
        )
    return asked.error(f"sent an empty reply ({ending}); ask again", kind="failed")


def wait_before(attempt: int, error: BaseException, *, base: float) -> float | None:
    """How long to wait before asking again; None when the server wants more than is sensible."""
    wanted = _wait_wanted(error)
    wait = base * 3.0**attempt if wanted is None else wanted
    return wait if wait <= LONGEST_WAIT_SECONDS else None


def _wait_wanted(error: BaseException) -> float | None:
    """The seconds that a server asks to wait, from the error or (with Ollama) from its cause."""
    wanted = retry_after(error)
    if wanted is None and error.__context__ is not None:
        wanted = retry_after(error.__context__)
    return wanted


def _busy(error: BaseException, asked: Asked, told: str) -> tuple[ModelError, bool]:
    wanted = _wait_wanted(error)
    if not wanted:
        return asked.error(f"is busy ({told}); wait, and ask again", kind="busy"), not asked.once
    remedy = "ask again then, or choose another model"
    return asked.error(
        f"is busy and asks to wait {_duration(wanted)} ({told}); {remedy}", kind="busy"
    ), wanted <= asked.seconds and not asked.once


def _duration(seconds: float) -> str:
    """A time in its largest unit of which it has two or more; none is made shorter."""
    units = (("day", 86_400), ("hour", 3600), ("minute", 60))
    unit, length = next((one for one in units if seconds >= 2 * one[1]), ("second", 1))
    number = math.ceil(seconds / length)
    return f"{number:,} {unit}" + ("s" if number != 1 else "")


def _refused(asked: Asked, told: str) -> ModelError:
    if not asked.key_variable:
        return asked.error(f"refused access ({told}); start it again", kind="key")
    if not key_of(asked.key_variable):
        remedy = f"the environment variable {asked.key_variable} is not set: set it to a valid key"
    else:
        remedy = f"the key in the environment variable {asked.key_variable} is not accepted there"
    return asked.error(f"refused access ({told}); {remedy}", kind="key")


def _unknown(asked: Asked, told: str) -> ModelError:
    if asked.names is None:
        return asked.error(
            f"was not found at {asked.server} ({told}); check the model's name and the "
            f"URL{asked.url_hint}",
            kind="model",
        )
    if not asked.names:
        has = "which has no models at all"
    else:
        has = "which has " + ", ".join(asked.names[:_MOST_NAMES])
        if len(asked.names) > _MOST_NAMES:
            has += f" and {len(asked.names) - _MOST_NAMES} more"
    return asked.error(
        f"was not found at {asked.server}, {has} ({told}); {asked.model_remedy}", kind="model"
    )


def _connection(error: BaseException) -> str | None:
    """What happened to the connection, by the names of the exceptions that led to this one."""
    names = ""
    cause: BaseException | None = error
    while cause is not None:
        names += " ".join(kind.__name__ for kind in type(cause).__mro__) + " "
        cause = cause.__cause__ or cause.__context__
    if re.search(r"ConnectTimeout|ConnectError|ConnectionRefused|gaierror", names):
        return "down"
    if re.search(r"Timeout", names):
        return "timeout"
    if re.search(r"ProtocolError|ReadError|WriteError|Connection|IncompleteRead", names):
        return "broken"
    return None


def printable(text: str) -> str:
    """The text in one line, without what would steer a terminal."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
