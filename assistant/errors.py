"""Every error the assistant raises on purpose, in one tree.

    AssistantError
    ├── SettingsError            a setting, option or environment variable is not usable
    ├── PromptError              a prompt file is missing or its $variables are wrong
    ├── DocumentError            one file cannot be read; has `source`, `kind`, `reason`, `remedy`
    ├── CorpusError              the folder to index is missing, unreadable or suddenly empty
    ├── EmbeddingError           an embedding model is unknown, unreachable or answers nonsense
    ├── ModelError               a language model is unknown, unreachable or fails; has `kind`
    ├── ConversationError        there is no such conversation, or no such turn in it
    ├── UploadError              an upload is too large, too many files, or malformed
    ├── ServerError              the server cannot run as asked
    ├── EvaluationError          an eval set, or a file of its results, cannot be used
    └── IndexStorageError        the index folder cannot be used as it is
        ├── IndexMissingError    there is no index there yet
        ├── IndexLockedError     another process is writing
        ├── IndexMismatchError   built by another model, folder, chunking or a newer format
        └── IndexCorruptError    the catalog itself is damaged

Every message says what happened, to which thing, and what to do about it. A refusal ("the
documents do not say") is a value of an Answer, never an error.
"""


class AssistantError(Exception):
    """Base of all errors that the assistant raises on purpose."""


class SettingsError(AssistantError):
    """A setting, option or environment variable is not usable."""


class PromptError(AssistantError):
    """A prompt file is missing, or has unknown or missing variables."""


class DocumentError(AssistantError):
    """One file cannot be turned into a Document.

    `kind` is a stable word for programs (`encrypted`, `corrupt`, `empty`, `no-text-layer`,
    `too-large`, `unsupported`, `wrong-extension`, `timeout`, `memory`, `unreadable`, `crashed`;
    `conflict`: its name is that of another document); `reason` and `remedy` are for people.
    """

    def __init__(self, source: str, *, kind: str, reason: str, remedy: str) -> None:
        self.source = source
        self.kind = kind
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{source}: {reason}; {remedy}")


class CorpusError(AssistantError):
    """The folder to index is missing, unreadable or suddenly empty."""


class EmbeddingError(AssistantError):
    """An embedding model is unknown, unreachable, or answers nonsense."""


class ModelError(AssistantError):
    """A language model is unknown, unreachable, or fails.

    `kind` is a stable word for programs. Somebody must act: `name` (no such kind of model),
    `package` (not installed), `key` (missing or refused), `model` (the server has none of that
    name), `file` (a model file that cannot be run), `rejected` (the request is refused). It may
    pass: `down` (nothing answers), `timeout`, `busy` (rate limit, overload), `failed` (a server's
    error, or a reply that is none), `broken` (in the middle of a reply), `context` (the question
    is too long for it).
    """

    def __init__(self, message: str, *, kind: str) -> None:
        self.kind = kind
        super().__init__(message)

    @property
    def passing(self) -> bool:
        """Whether it may be gone at the next try, without anybody's doing."""
        return self.kind in ("down", "timeout", "busy", "failed", "broken", "context")


class ConversationError(AssistantError):
    """There is no such conversation, or no such turn in it."""


class UploadError(AssistantError):
    """An upload is too large, too many files, or not one at all.

    `kind` is a stable word for programs: "too-large", "too-many", "malformed".
    """

    def __init__(self, message: str, *, kind: str) -> None:
        self.kind = kind
        super().__init__(message)


class ServerError(AssistantError):
    """The server cannot run as asked."""


class EvaluationError(AssistantError):
    """An eval set, or a file of its results, cannot be used; the message names lines and fields."""


class IndexStorageError(AssistantError):
    """The index folder cannot be used as it is."""


class IndexMissingError(IndexStorageError):
    """There is no index in that folder yet."""


class IndexLockedError(IndexStorageError):
    """Another process is writing to the index."""


class IndexMismatchError(IndexStorageError):
    """The index was built by another model, folder, chunking, or a newer format."""


class IndexCorruptError(IndexStorageError):
    """The catalog itself, which is the truth, is damaged."""
