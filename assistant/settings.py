"""All settings in one frozen value; only this module reads the environment and assistant.toml."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from assistant.errors import SettingsError

CONFIG_FILE = "assistant.toml"
KINDS = {int: "a whole number", float: "a number", str: "a text"}
ENVIRONMENT_PREFIX = "ASSISTANT_"
UNSUPPORTED = ("mark", "drop", "replace")
LEAST_CONTEXT = 500


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with its default; checked when made.

    Each can be given as a key of `assistant.toml` in the working folder, as an environment
    variable (`ASSISTANT_` + the name in capitals, which wins), or to `Assistant.open(...)`.

    Attributes:
        index: Folder of the index.
        folder: Folder of documents that `sync` reads when none is named.
        embedding: The embedding model for retrieval: `embedded` (all-MiniLM-L6-v2, inside the
            package), or a LlamaIndex one: `openai-like:MODEL@URL`, `ollama:MODEL[@URL]`.
        chunk_tokens: The longest passage, in cl100k_base tokens.
        max_file_bytes: Larger files are not read, but reported.
        max_unpacked_bytes: The same for what a packed format (docx, xlsx, epub, ...) unpacks to.
        parse_seconds: A file that takes longer to parse is reported and left out.
        parse_memory_bytes: Address space of a parsing process.
        parse_workers: Parsing processes side by side.
        encoder_threads: Threads of the embedded model; 0 is one for each processor.
        candidates: Passages that each of the two searches hands to the fusion.
        answer_sentences: The most sentences in an extractive answer.
        refusal_threshold: An answer whose probability of being in the documents is below this
            is a refusal; where it is the default, what `assistant calibrate` kept goes before it.
        model: The language model that writes the answers: `extractive` (none: sentences of the
            documents), `openai-like:MODEL@URL`, `ollama:MODEL[@URL]`, `anthropic:MODEL[@URL]`,
            `gguf:PATH`.
        model_context: Tokens that a question to it and its reply may have together; 0 is what
            the model itself says.
        model_passages: How many passages it reads at most; on a slow machine, fewer are read
            sooner.
        model_seconds: How long it may take to its first word, and from one to the next.
        model_calls: How often it may be asked for one question: to rewrite it, to split it, to
            search again, to answer, for a second opinion on a sentence.
        answer_tokens: The longest answer of a language model, in its tokens.
        unsupported: What becomes of its sentences that the passages do not bear out: `mark`,
            `drop`, or `replace` by the passage's own sentence.
        second_opinion: A language model that is asked about sentences that are borne out in part
            only; named as `model`, or empty for none.
        prompts: A folder whose files replace the built-in prompts of the same name, or empty.
        max_upload_bytes: The files of one upload through the server may have so much together.
        max_upload_files: And there may be so many of them.
    """

    index: str = "indexes/default"
    folder: str = "seeds"
    embedding: str = "embedded"
    chunk_tokens: int = 200
    max_file_bytes: int = 200_000_000
    max_unpacked_bytes: int = 1_000_000_000
    parse_seconds: float = 120.0
    parse_memory_bytes: int = 2_000_000_000
    parse_workers: int = 1
    encoder_threads: int = 0
    candidates: int = 100
    answer_sentences: int = 3
    refusal_threshold: float = 0.5
    model: str = "extractive"
    model_context: int = 0
    model_passages: int = 8
    model_seconds: float = 60.0
    model_calls: int = 4
    answer_tokens: int = 800
    unsupported: str = "mark"
    second_opinion: str = ""
    prompts: str = ""
    max_upload_bytes: int = 100_000_000
    max_upload_files: int = 50

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            SettingsError: A value has the wrong type or lies outside of its range.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            wanted = type(field.default)
            if wanted is float and isinstance(value, int) and not isinstance(value, bool):
                continue
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise SettingsError(
                    f"{field.name} is {value!r}; it must be {KINDS[wanted]}, "
                    f"such as {field.default!r}"
                )
        # Empty, as from a variable that is not set, they would mean the working folder.
        for name in ("index", "folder"):
            if not getattr(self, name).strip():
                raise SettingsError(f"{name} is empty; name a folder, or leave it out")
        for name, least, most in (
            ("chunk_tokens", 16, 8192),
            ("max_file_bytes", 1, None),
            ("max_unpacked_bytes", 1, None),
            ("parse_seconds", 0.1, None),
            ("parse_memory_bytes", 200_000_000, None),
            ("parse_workers", 1, 64),
            ("encoder_threads", 0, 256),
            ("candidates", 1, 10_000),
            ("answer_sentences", 1, 50),
            ("refusal_threshold", 0.0, 1.0),
            ("model_context", 0, None),
            ("model_passages", 1, 8),
            ("model_seconds", 0.1, 3600.0),
            ("model_calls", 1, 20),
            ("answer_tokens", 16, 100_000),
            ("max_upload_bytes", 1, None),
            ("max_upload_files", 1, 10_000),
        ):
            value = getattr(self, name)
            if not value >= least or (most is not None and value > most):  # not a number, too
                bounds = f"{least} or more" if most is None else f"between {least} and {most}"
                raise SettingsError(f"{name} is {value}; it must be {bounds}")
        if self.unsupported not in UNSUPPORTED:
            raise SettingsError(
                f"unsupported is {self.unsupported!r}; it must be one of {', '.join(UNSUPPORTED)}"
            )
        if 0 < self.model_context < self.answer_tokens + LEAST_CONTEXT:
            raise SettingsError(
                f"model_context is {self.model_context}; beside answer_tokens "
                f"({self.answer_tokens}) it must leave {LEAST_CONTEXT} for the passages"
            )

    @classmethod
    def load(
        cls,
        *,
        directory: str | Path = ".",
        environment: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> "Settings":
        """Read `assistant.toml` in `directory`, then the environment, then the overrides.

        An override of None means "not given".

        Raises:
            SettingsError: A name is unknown, a value unusable, or the file not valid TOML.
        """
        environment = os.environ if environment is None else environment
        defaults: dict[str, Any] = {field.name: field.default for field in fields(cls)}
        values: dict[str, Any] = {}
        path = Path(directory) / CONFIG_FILE
        if path.is_file():
            try:
                values = tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise SettingsError(f"{path} is not valid TOML ({error}); correct it") from error
            except OSError as error:
                raise SettingsError(f"{path} cannot be read ({error}); mend it") from error
            for name in values:
                if name not in defaults:
                    raise SettingsError(
                        f"{path} sets {name!r}, which is unknown; known: {', '.join(defaults)}"
                    )
        for name, default in defaults.items():
            text = environment.get(ENVIRONMENT_PREFIX + name.upper())
            if text is None:
                continue
            try:
                values[name] = type(default)(text)
            except ValueError as error:
                raise SettingsError(
                    f"{ENVIRONMENT_PREFIX}{name.upper()} is {text!r}; "
                    f"it must be {KINDS[type(default)]}, such as {default!r}"
                ) from error
        values.update({name: value for name, value in overrides.items() if value is not None})
        unknown = sorted(set(values) - set(defaults))
        if unknown:
            raise SettingsError(f"unknown setting {unknown[0]!r}; known: {', '.join(defaults)}")
        return replace(cls(), **values)
