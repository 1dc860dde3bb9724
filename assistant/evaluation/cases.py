"""An eval set: questions, and what is known of their answers, as JSON lines."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.errors import EvaluationError
from assistant.evaluation.fields import FIELDS, Earlier, Evidence, WrongError, kind

# So many errors of a file are told at once; mending the first ones may mend the others.
MOST_ERRORS = 20
# What `assistant.conversation.feedback` notes for the person who completes the case.
LEFT_ASIDE = ("rating", "answer")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and what is known of its answer.

    Attributes:
        id: Unique in its eval set, and kept when the case is corrected.
        question: As a reader would ask it.
        history: The turns before it, first to last.
        answerable: Whether the documents hold the answer, or say that the question is mistaken;
            None while nobody has told.
        answers: What a right answer says: one of these, of which each has parts that must all be
            in the text. For an ambiguous question, the answer to each of its readings.
        references: Whole answers as a person would write them, for the measures of likeness;
            where there are none, the accepted answers are taken.
        choices: The question is ambiguous: to ask back which of these is meant is right, too.
        sources: The documents that hold the answer, the main one first.
        evidence: The stretches of them that do.
        tags: What kind of question it is.
        group: Cases that stand or fall together, such as the turns of a conversation, have the
            same; empty for a case by itself.
        comment: For people.
        line: Where it stands in its file, from 1; 0 for one that was made by a program.
    """

    id: str
    question: str
    history: tuple[Earlier, ...] = ()
    answerable: bool | None = None
    answers: tuple[tuple[str, ...], ...] = ()
    references: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    tags: tuple[str, ...] = ()
    group: str = ""
    comment: str = ""
    line: int = 0

    @property
    def half(self) -> int:
        """Which half it is in: 0 for tuning, 1 for reporting; a group is never torn apart."""
        return half(self.group or self.id)

    @property
    def cluster(self) -> str:
        """What it is not independent of: its conversation, else its main document, else itself."""
        return self.group or next(iter(self.sources), self.id)


def half(key: str) -> int:
    """0 or 1, by the hash of a key: the same for ever, whatever is added beside it."""
    return int(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(), 16) % 2


def load(path: str | Path) -> list[Case]:
    """Read an eval set; lines that are blank are skipped.

    Raises:
        EvaluationError: The file cannot be read, or lines of it are no cases; the message names
            each line and field.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise EvaluationError(f"{path} cannot be read ({reason}); name a file of cases") from error
    except UnicodeDecodeError as error:
        raise EvaluationError(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    cases, problems = parse(text)
    if problems:
        told = problems[:MOST_ERRORS]
        if more := len(problems) - len(told):
            told.append(f"and {more} more")
        raise EvaluationError("\n  ".join([f"{path} is not a usable eval set:", *told]))
    if not cases:
        raise EvaluationError(f"{path} holds no cases; write one JSON object a line")
    return cases


def parse(text: str) -> tuple[list[Case], list[str]]:
    """The cases of a file's text, and what is wrong with it, line by line."""
    cases: list[Case] = []
    problems: list[str] = []
    lines: dict[str, int] = {}
    # Not `splitlines`: a string in JSON may hold U+2028 as it is.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        read = _Line(number, line)
        case = read.case()
        problems += [f"line {number}: {problem}" for problem in read.problems]
        if case is None:
            continue
        if case.id in lines:
            problems.append(f"line {number}: `id` {case.id!r} is also on line {lines[case.id]}")
        lines.setdefault(case.id, number)
        cases.append(case)
    return cases, problems


def dump(case: Case) -> str:
    """A case as a line of an eval set, with no fields that say nothing."""
    line: dict[str, Any] = {"id": case.id, "question": case.question}
    if case.history:
        line["history"] = [
            {"question": turn.question, "answer": turn.answer} for turn in case.history
        ]
    line["answerable"] = case.answerable
    line["answers"] = [answer[0] if len(answer) == 1 else list(answer) for answer in case.answers]
    line["sources"] = list(case.sources)
    if case.evidence:
        line["evidence"] = [{"source": e.source, "quote": e.quote} for e in case.evidence]
    for name in ("references", "choices"):
        if getattr(case, name):
            line[name] = list(getattr(case, name))
    for name in ("group", "comment"):
        if getattr(case, name):
            line[name] = getattr(case, name)
    line["tags"] = list(case.tags)
    text = json.dumps(line, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as some documents hold
        return json.dumps(line)
    return text


class _Line:
    """One line on its way to a case; what is wrong is gathered, and not raised at the first."""

    def __init__(self, number: int, line: str) -> None:
        self.number = number
        self.problems: list[str] = []
        self._line = line
        self._fields: dict[str, Any] = {}

    def case(self) -> Case | None:
        """The case, or None if something is wrong with it."""
        try:
            fields = json.loads(self._line, object_pairs_hook=self._once)
        except json.JSONDecodeError as error:
            self.problems.append(f"is not JSON ({error.msg} at column {error.colno})")
            return None
        except (ValueError, RecursionError):  # a number of thousands of digits; brackets likewise
            self.problems.append("is not JSON that can be read (too long a number, or too deep)")
            return None
        if not isinstance(fields, dict):
            self.problems.append(f"is {kind(fields)}; a case is an object with fields")
            return None
        self._fields = fields
        known = ", ".join(FIELDS)
        for name in sorted(fields.keys() - FIELDS.keys()):
            self.problems.append(f"`{name}` is no field of a case; known: {known}")
        for name in ("id", "question"):
            if name not in fields:
                self.problems.append(f"`{name}` is missing")
        values = {name: self._read(name, read) for name, read in FIELDS.items() if name in fields}
        if self.problems:
            return None
        kept = {name: value for name, value in values.items() if name not in LEFT_ASIDE}
        case = Case(**kept, line=self.number)
        if not case.sources:
            case = replace(case, sources=tuple(dict.fromkeys(e.source for e in case.evidence)))
        self.problems += _contradictions(case)
        return None if self.problems else case

    def _read(self, name: str, read: Callable[[Any, str], Any]) -> Any:
        try:
            return read(self._fields[name], f"`{name}`")
        except WrongError as error:
            self.problems.append(str(error))
            return None

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            self.problems.append(f"`{twice}` is there twice")
        return fields


def _contradictions(case: Case) -> Iterator[str]:
    """What fields say against each other."""
    if case.answerable and not (case.answers or case.references):
        yield "`answers` is empty; an answerable case needs one"
    if case.answerable is False:
        for name in ("answers", "references", "sources", "evidence", "choices"):
            if getattr(case, name):
                yield f"`{name}` is not empty, though `answerable` is false"
    for number, evidence in enumerate(case.evidence, start=1):
        if evidence.source not in case.sources:
            yield f"`evidence` {number}: {evidence.source!r} is not among `sources`"
    if len(case.choices) == 1:
        yield "`choices` has one item; an ambiguous question needs two or more"
