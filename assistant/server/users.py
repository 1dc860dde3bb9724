"""The users file: who may use the server, by password or token, none of them in clear."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ServerError

# One per line; `#` begins a comment line.
#   NAME:scrypt:N:R:P:SALT:HASH      a password (salt and hash in base64)
#   NAME:token:SHA256                a token for programs (hexadecimal)
_NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# OWASP's parameters for scrypt with 16 MB: .2 s on one core of the machine it was measured on.
_N, _R, _P = 2**14, 8, 5
_MOST_MEMORY = 256 * 2**20
LONGEST_FILE = 1_000_000
LONGEST_PASSWORD = 1_000
SHORTEST_PASSWORD = 8


@dataclass(frozen=True, slots=True)
class Password:
    """A password's scrypt hash; `repr` tells nothing of it."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def __repr__(self) -> str:
        return "Password(...)"

    @classmethod
    def of(cls, password: str) -> "Password":
        """Hash a password with a new salt."""
        salt = secrets.token_bytes(16)
        return cls(_N, _R, _P, salt, _scrypt(password, salt=salt, n=_N, r=_R, p=_P))

    def fits(self, password: str) -> bool:
        """Whether it is this password; takes long on purpose."""
        digest = _scrypt(password, salt=self.salt, n=self.n, r=self.r, p=self.p)
        return hmac.compare_digest(digest, self.digest)

    def line(self, name: str) -> str:
        """As in the file."""
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"{name}:scrypt:{self.n}:{self.r}:{self.p}:{salt}:{digest}"


@dataclass(frozen=True, slots=True)
class Users:
    """Who is in a users file."""

    passwords: dict[str, Password]
    tokens: dict[bytes, str]  # the user's name by the token's SHA-256


def new_token() -> str:
    """A token that cannot be guessed."""
    return f"assistant-{secrets.token_urlsafe(32)}"


def token_digest(token: str) -> bytes:
    """What is kept of a token; it is random and long, so that a quick hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_users(path: Path) -> Users:
    """Read a users file.

    Raises:
        ServerError: It cannot be read, or one of its lines is not as described above; the message
            names the line and holds nothing of it.
    """
    users = _parsed(path)
    if not users.passwords and not users.tokens:
        raise ServerError(f"{path} names no user; add one with `assistant user NAME --file {path}`")
    return users


def set_password(path: Path, name: str, password: str) -> None:
    """Give a user a password, in place of an earlier one; makes the file if there is none.

    Raises:
        ServerError: The name or the password is not usable, or the file is not.
    """
    name = _checked(name)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ServerError(
            f"the password has {len(password)} characters; "
            f"take {SHORTEST_PASSWORD} to {LONGEST_PASSWORD:,}"
        )
    line = Password.of(password).line(name)
    _rewrite(path, drop=lambda other: other.startswith(f"{name}:scrypt:"), add=line)


def add_token(path: Path, name: str) -> str:
    """Give a user one more token for programs, and return it; only its hash is kept.

    Raises:
        ServerError: As `set_password`.
    """
    name, token = _checked(name), new_token()
    line = f"{name}:token:{token_digest(token).hex()}"
    _rewrite(path, drop=lambda other: False, add=line)
    return token


def remove_user(path: Path, name: str) -> None:
    """Take a user's password and tokens out of the file.

    Raises:
        ServerError: The file names no such user, or is not usable.
    """
    name = _checked(name)
    if not any(line.strip().startswith(f"{name}:") for line in _lines(path)):
        raise ServerError(f"{path} names no user {name!r}; nothing to remove")
    _rewrite(path, drop=lambda other: other.startswith(f"{name}:"))


def _checked(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(name):
        raise ServerError(
            f"{name!r} is not a user name; take up to 64 letters, digits and . @ + - _, "
            f"a letter or digit first"
        )
    return name


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise ServerError(f"{path} is too large for a users file; name the right file")
        return path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise ServerError(
            f"there is no users file {path}; make one with `assistant user NAME --file {path}`"
        ) from None
    except UnicodeDecodeError:
        raise ServerError(f"{path} is not a users file, for it is no text; name another") from None
    except OSError as error:
        raise ServerError(f"{path} cannot be read ({error.strerror}); mend it") from error


def _parsed(path: Path) -> Users:
    users = Users({}, {})
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        problem = _add(line.strip(), users)
        if problem:
            raise ServerError(
                f"{path}, line {number}: {problem}; mend or remove the line, and write it with "
                f"`assistant user NAME --file {path}`"
            )
    return users


def _add(line: str, users: Users) -> str:
    """Read one line into the users; returns what is wrong with it, or nothing."""
    name, _, rest = line.partition(":")
    kind, _, rest = rest.partition(":")
    if not _NAME.fullmatch(name):
        return "it does not begin with a user name and a colon"
    name = unicodedata.normalize("NFC", name)
    if kind == "token":
        if not _DIGEST.fullmatch(rest):
            return "after `token:` there must be 64 hexadecimal digits"
        if bytes.fromhex(rest) in users.tokens:
            return "this token is there twice"
        users.tokens[bytes.fromhex(rest)] = name
        return ""
    if kind != "scrypt":
        return "after the name there must be `scrypt` or `token`"
    if name in users.passwords:
        return "this user has a password already"
    password = _password(rest.split(":"))
    if isinstance(password, str):
        return password
    users.passwords[name] = password
    return ""


def _password(parts: list[str]) -> Password | str:
    numbers, encoded = parts[:3], parts[3:]
    if len(encoded) != 2 or not all(
        part.isascii() and part.isdecimal() and len(part) < 10 for part in numbers
    ):
        return "after `scrypt:` there must be three numbers, the salt and the hash"
    n, r, p = map(int, numbers)
    # Weaker would not protect; stronger would let one line stop the server.
    if n & (n - 1) or n < _N or not 8 <= r <= 32 or not 1 <= p <= 16 or 128 * n * r > _MOST_MEMORY:
        return "the parameters of scrypt are not usable"
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in encoded)
    except ValueError:
        return "the salt or the hash is not base64"
    if not 16 <= len(salt) <= 64 or len(digest) != 32:
        return "the salt or the hash has the wrong length"
    return Password(n, r, p, salt, digest)


def _scrypt(password: str, *, salt: bytes, n: int, r: int, p: int) -> bytes:
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    memory = 128 * r * (n + p + 2) + 2**20
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=32)


def _rewrite(path: Path, *, drop: Callable[[str], bool], add: str | None = None) -> None:
    """Write the file anew, readable by its owner alone: the old one or the new, never half."""
    kept: list[str] = []
    if path.exists():
        _parsed(path)  # another file, named by mistake, must not be written over
        kept = [line for line in _lines(path) if not drop(line.strip())]
    while kept and not kept[-1].strip():
        kept.pop()
    text = "".join(f"{line}\n" for line in [*kept, *([add] if add else [])])
    target = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:  # mkstemp's mode is 0600
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ServerError(f"{path} cannot be written ({error.strerror}); mend it") from error
