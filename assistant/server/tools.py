"""The tools that other models are offered: what is said of each, what it takes and what it does."""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import anyio
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from assistant.answering import Answer
from assistant.assistant import Assistant
from assistant.conversation import Turn
from assistant.documents.formats import SUPPORTED
from assistant.payloads import Payload, answer_payload, hit_payload, plain, verdict_payload
from assistant.server import tool_texts
from assistant.server.schemas import (
    LONGEST_AGAINST,
    LONGEST_CHECKED,
    LONGEST_QUESTION,
    MOST_AGAINST,
    MOST_HITS,
    MOST_TURNS,
)

ASK = """\
Answer a question from the user's documents alone. Every sentence of the answer is cited, and was \
checked against what it cites: "quoted" (word for word in the source), "supported", "weak" (in \
part, or not surely) or "unsupported" (absent, or contradicted; the reason says how). `refused` \
true means that the documents do not hold the answer: what was searched is told, and the closest \
passages, which are no answer. If `choices` is not empty, the question fits several subjects about \
equally well: ask again naming one of them. The sentences are the documents' own (`model` is \
"extractive"), or those of the language model that `model` names, asked `model_calls` times; \
`notice`, if not empty, is for the reader to know, such as that this model failed. A follow-up \
("And when did it end?") is understood when `history` holds the turns before it; `search_query` \
tells what it was taken to mean, and `searches` all that was searched, where that is more.\
"""

SEARCH = """\
Find the passages of the user's documents that fit a query best, by meaning and by words, best \
first, each with its place and the reason it is there. Use it to read the sources yourself, or \
when `ask` refused; to get a question answered with checked citations, use `ask`.\
"""

CHECK = """\
Judge each sentence of any text by sources that you give in full: "quoted" (word for word), \
"supported", "weak" (in part, or not surely) or "unsupported" (absent, or contradicted), with the \
words of the source that it rests on or contradicts. Numbers, names, dates and negations are \
compared explicitly. Use it on what you wrote before you show it. It looks at the given sources \
only, not at the indexed documents.\
"""

LIST_DOCUMENTS = """\
List the documents that `ask` and `search` look into: source (the name to give in `within`), \
title, format, date and number of passages, in order of source; with counts of documents, \
passages, and files that could not be read.\
"""


def _format(name: str) -> str:
    known = SUPPORTED.get(f".{name.lower().lstrip('.')}")
    if known is None:
        raise ValueError(f"{name!r} is not one of {', '.join(sorted(set(SUPPORTED.values())))}")
    return known


def _day(value: object) -> object:
    if value is None or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)):
        return value
    raise ValueError("write it like 2024-12-31")


# One type in the schema, as clients like it best; null, which some send, is as good as nothing.
_Day = Annotated[date | SkipJsonSchema[None], BeforeValidator(_day)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _PastTurn(_Arguments):
    question: str = Field(description="What was asked.")
    answer: str = Field(description="The `text` that was answered.")


class _Filtered(_Arguments):
    within: list[str] = Field(
        [],
        description="Look only into these documents (sources as `list_documents` gives them) or "
        'folders of them ("reports/2024/"). All documents if empty.',
    )
    types: list[Annotated[str, AfterValidator(_format)]] = Field(
        [], description='Look only into documents of these formats: "pdf", "docx", "md", ...'
    )
    since: _Day = Field(
        None, description="Look only into documents of this day or later (2024-12-31)."
    )
    until: _Day = Field(
        None, description="Look only into documents of this day or earlier (2024-12-31)."
    )

    @property
    def filters(self) -> dict[str, Any]:
        return {
            "within": self.within or None,
            "types": self.types or None,
            "since": self.since,
            "until": self.until,
        }


class _Ask(_Filtered):
    question: str = Field(
        min_length=1,
        max_length=LONGEST_QUESTION,
        description="The question, in words as a person asks it.",
    )
    history: list[_PastTurn] = Field(
        [],
        max_length=MOST_TURNS,
        description="The turns of this conversation before the question, oldest first; needed "
        "only when the question leans on them.",
    )


class _Search(_Filtered):
    query: str = Field(
        min_length=1,
        max_length=LONGEST_QUESTION,
        description="What to look for: a question, or words.",
    )
    limit: int = Field(10, ge=1, le=MOST_HITS, description="The most passages to return.")


class _Check(_Arguments):
    text: str = Field(min_length=1, max_length=LONGEST_CHECKED, description="The text to judge.")
    against: list[Annotated[str, Field(max_length=LONGEST_AGAINST)]] = Field(
        min_length=1,
        max_length=MOST_AGAINST,
        description="The sources to judge it by: each the whole text of one.",
    )


class _ListDocuments(_Arguments):
    filter: str = Field(
        "", description="Only documents whose source or title holds these words (any case)."
    )
    limit: int = Field(50, ge=1, le=1000, description="The most documents to return.")
    offset: int = Field(0, ge=0, description="How many of those that match to pass over.")


def ask(assistant: Assistant, given: _Ask) -> tuple[Payload, str]:
    """Answer; stops if the client has gone away, even while a language model is silent."""
    history = [Turn(turn.question, turn.answer) for turn in given.history]
    answer: Answer | None = None
    with closing(assistant.stream(given.question, history=history, **given.filters)) as events:
        for event in events:
            anyio.from_thread.check_cancelled()
            if isinstance(event, Answer):
                answer = event
    assert answer is not None
    return answer_payload(answer), tool_texts.answered(answer)


def search(assistant: Assistant, given: _Search) -> tuple[Payload, str]:
    """Find passages."""
    hits = assistant.search(given.query, limit=given.limit, **given.filters)
    payload = {"query": given.query, "hits": [hit_payload(hit) for hit in hits]}
    return payload, tool_texts.found(hits)


def check(assistant: Assistant, given: _Check) -> tuple[Payload, str]:
    """Judge a text."""
    names = [f"against[{number}]" for number in range(len(given.against))]
    verdicts = assistant.check(given.text, against=given.against)
    payload = {"sentences": [verdict_payload(verdict, sources=names) for verdict in verdicts]}
    return payload, tool_texts.judged(verdicts, names)


def list_documents(assistant: Assistant, given: _ListDocuments) -> tuple[Payload, str]:
    """List documents."""
    status = assistant.status()
    words = given.filter.split()
    matching = [document for document in status.documents if document.has(words)]
    page = matching[given.offset : given.offset + given.limit]
    counts = status.counts
    payload = {
        "counts": {
            "documents": counts.documents,
            "passages": counts.passages,
            "failures": counts.failures,
        },
        "matching": len(matching),
        "offset": given.offset,
        "documents": [plain(document) for document in page],
    }
    return payload, tool_texts.listed(page, matching=len(matching), total=counts.documents)


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool.

    Attributes:
        title: Its name for people.
        description: What other models are told of it.
        arguments: What it takes.
        run: What it does, blocking; returns its result as data and as text.
        returns: The fields of the data, with their JSON types.
    """

    title: str
    description: str
    arguments: type[_Arguments]
    run: Callable[[Assistant, Any], tuple[Payload, str]]
    returns: dict[str, str]

    def call(self, assistant: Assistant, given: Payload) -> tuple[Payload, str]:
        """Run it with arguments as they came.

        Raises:
            pydantic.ValidationError: The arguments are not what it takes.
            AssistantError: As the facade's method.
        """
        return self.run(assistant, self.arguments.model_validate(given))

    @property
    def input_schema(self) -> Payload:
        """JSON Schema of the arguments."""
        return _schema(self.arguments)

    @property
    def output_schema(self) -> Payload:
        """JSON Schema of the data."""
        properties = {key: {"type": kind} for key, kind in self.returns.items()}
        return {"type": "object", "properties": properties, "required": list(self.returns)}


_ANSWER = {
    "question": "string",
    "search_query": "string",
    "text": "string",
    "refused": "boolean",
    "confidence": "number",
    "sentences": "array",
    "citations": "array",
    "choices": "array",
    "unclear": "string",
    "closest": "array",
    "model": "string",
    "timings": "object",
    "searches": "array",
    "model_calls": "integer",
    "notice": "string",
}
_LISTED = {"counts": "object", "matching": "integer", "offset": "integer", "documents": "array"}
TOOLS = {
    "ask": Offered("Ask the documents", ASK, _Ask, ask, _ANSWER),
    "search": Offered(
        "Search the documents", SEARCH, _Search, search, {"query": "string", "hits": "array"}
    ),
    "check": Offered("Check a text against sources", CHECK, _Check, check, {"sentences": "array"}),
    "list_documents": Offered(
        "List the documents", LIST_DOCUMENTS, _ListDocuments, list_documents, _LISTED
    ),
}


def _schema(model: type[BaseModel]) -> Payload:
    """JSON Schema of arguments, each in its place: some clients follow no reference."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, list):
            return [inlined(item) for item in value]
        if not isinstance(value, dict):
            return value
        if reference := value.get("$ref"):
            return inlined(definitions[reference.removeprefix("#/$defs/")])
        # A title only says the name again, and no default here is null but by not being given.
        dropped = {"title"} | ({"default"} if value.get("default", "") is None else set())
        return {key: inlined(item) for key, item in value.items() if key not in dropped}

    found: Payload = inlined(schema)
    return found
