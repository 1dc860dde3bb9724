"""Finds, checks and renders the prompt files: one file a message, with strict `$variables`."""

import logging
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from string import Template

from assistant.bundled import shipped
from assistant.errors import PromptError

logger = logging.getLogger(__name__)

# Which variables each prompt has; a file that uses another one, or lacks one, is an error.
VARIABLES = {
    "answer": frozenset({"nothing"}),
    "answer-question": frozenset({"passages", "question"}),
    "clarify": frozenset({"choices"}),
    "plan": frozenset(),
    "plan-question": frozenset({"history", "question"}),
    "refusal": frozenset({"query", "scope"}),
    "refusal-filtered": frozenset({"query", "documents"}),
    "refusal-empty": frozenset({"query"}),
    "search-again": frozenset(),
    "search-again-question": frozenset({"question", "searched", "titles"}),
    "support": frozenset(),
    "support-question": frozenset({"sentence", "source"}),
    "try-model": frozenset(),
}


def render(name: str, *, folder: str = "", **variables: str) -> str:
    """Fill in a prompt.

    Args:
        name: Its name: the file's without the ending (`refusal` is `prompts/refusal.md`).
        folder: A folder whose files go before the built-in ones, or empty.
        **variables: One for each `$variable`; values are inserted as they are, never expanded.

    Raises:
        PromptError: The file is missing, or its variables are not those that `VARIABLES` names;
            or the folder has a file whose name is nearly that of a prompt.
    """
    template = load(name, folder)
    missing = VARIABLES[name] - variables.keys()
    if missing or variables.keys() - VARIABLES[name]:
        raise PromptError(
            f"prompt {name!r} takes {sorted(VARIABLES[name])}, not {sorted(variables)}"
        )
    return template.substitute(variables)


@cache
def load(name: str, folder: str) -> Template:
    """Read and check a prompt file (once a process).

    Raises:
        PromptError: As `render`.
    """
    if name not in VARIABLES:
        raise PromptError(f"there is no prompt {name!r}; known: {', '.join(sorted(VARIABLES))}")
    path = shipped("prompts") / f"{name}.md"
    if folder:
        _look_through(folder)
        own = Path(folder) / f"{name}.md"
        path = own if own.is_file() else path
    try:
        template = Template(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"prompt {path} cannot be read ({error}); restore the file") from error
    if not template.is_valid():
        line = _bad_line(template.template)
        raise PromptError(f"prompt {path} has a stray $ in {line!r}; write $$ for a dollar sign")
    used = set(template.get_identifiers())
    if used != VARIABLES[name]:
        wrong = sorted(used ^ VARIABLES[name])
        raise PromptError(
            f"prompt {path} must use exactly {_dollars(VARIABLES[name])}; look at {_dollars(wrong)}"
        )
    return template


@cache
def _look_through(folder: str) -> None:
    """See that no file of a folder was meant to be a prompt and is none (once a process).

    Raises:
        PromptError: One was, by its name; or there is no such folder.
    """
    if not Path(folder).is_dir():
        raise PromptError(f"the prompts folder {folder!r} does not exist; create or unset it")
    try:
        files = sorted(path for path in Path(folder).iterdir() if _like_a_prompt(path))
    except OSError as error:
        raise PromptError(
            f"the prompts folder {folder!r} cannot be read ({error.strerror}); see that this user "
            "can read it, or unset it"
        ) from error
    known = ", ".join(f"{name}.md" for name in sorted(VARIABLES))
    for path in files:
        if near := get_close_matches(path.stem.lower(), VARIABLES, n=1):
            raise PromptError(
                f"{path} is no prompt; rename it to {near[0]}.md, or move it elsewhere (the "
                f"prompts are {known})"
            )
    for path in files:
        logger.warning("%s is not read, as it is no prompt; the prompts are %s", path, known)


def _like_a_prompt(path: Path) -> bool:
    """Whether a file is text that nobody reads; a README is for people."""
    return (
        path.suffix.lower() in (".md", ".txt")
        and not path.name.startswith(".")
        and path.stem.lower() != "readme"
        and not (path.suffix == ".md" and path.stem in VARIABLES)
        and path.is_file()
    )


def _bad_line(text: str) -> str:
    return next(line for line in text.splitlines() if not Template(line).is_valid())


def _dollars(names: frozenset[str] | list[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))
