"""What programs may send over HTTP, checked, and what they get back, described."""

import inspect
import re
from dataclasses import fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from assistant.answering import Answer, Citation, Sentence
from assistant.grounding import Support, Verdict
from assistant.passages import Passage
from assistant.retrieval import Hit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# In characters.
LONGEST_QUESTION = 20_000
LONGEST_ANSWER = 100_000
LONGEST_TITLE = 200
LONGEST_COMMENT = 5_000
# Checking takes about 4 s of a processor for 100,000 characters to judge by.
LONGEST_CHECKED = 20_000
LONGEST_AGAINST = 50_000
MOST_AGAINST = 10
MOST_TURNS = 200
MOST_FILTERS = 1_000
MOST_HITS = 100

_SURROGATES = re.compile(r"[\ud800-\udfff]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     +.*)*)", re.MULTILINE)


def readable(value: Any) -> Any:
    """A text without lone surrogates, which JSON can spell but which are no characters."""
    if not isinstance(value, str):
        return value
    return _SURROGATES.sub(
        lambda found: found.group().encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
        value,
    )


def _trimmed(value: Any) -> Any:
    return readable(value.strip()) if isinstance(value, str) else value


def _day(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    raise ValueError("write it like 2024-12-31")


# Texts that say something: 1 to so many characters when trimmed.
_SAYING = {"pattern": r"\S"}
Question = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_QUESTION, json_schema_extra=_SAYING),
    BeforeValidator(_trimmed),
]
Title = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_TITLE, json_schema_extra=_SAYING),
    BeforeValidator(_trimmed),
]
Checked = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_CHECKED, json_schema_extra=_SAYING),
    BeforeValidator(_trimmed),
]
Day = Annotated[date, BeforeValidator(_day)]


class Body(BaseModel):
    """What a request may hold: these fields, of exactly these types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Filtered(Body):
    """Which documents to search; all of them by default."""

    within: list[str] | None = Field(
        None,
        max_length=MOST_FILTERS,
        description='Only these sources, or folders of sources: `["reports/2024/"]`.',
    )
    types: list[str] | None = Field(
        None, max_length=MOST_FILTERS, description='Only these formats: `["pdf", "docx"]`.'
    )
    since: Day | None = Field(None, description="Only documents of this date or later.")
    until: Day | None = Field(None, description="Only documents of this date or earlier.")

    def filters(self) -> dict[str, Any]:
        """As the facade's functions take them."""
        return {name: getattr(self, name) for name in Filtered.model_fields}


class Exchange(Body):
    """A question that was asked before, and what was answered."""

    question: Question
    answer: Annotated[str, Field(max_length=LONGEST_ANSWER), BeforeValidator(readable)]


History = Annotated[
    list[Exchange], Field(max_length=MOST_TURNS, description="What was said before, oldest first.")
]


class Ask(Filtered):
    """A question, alone or in a conversation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "How long does the warranty last?"},
                {
                    "question": "And abroad?",
                    "history": [
                        {
                            "question": "How long does the warranty last?",
                            "answer": "The warranty lasts three years.",
                        }
                    ],
                    "within": ["terms/"],
                    "since": "2024-01-01",
                    "until": "2024-12-31",
                },
            ]
        }
    )

    question: Question
    history: History = []
    conversation: str | None = Field(
        None,
        description="The id of a kept conversation (`POST /v1/conversations`): its turns are the "
        "history, and this turn is kept in it.",
    )
    search_query: Question | None = Field(
        None, description="What to search, in place of what the question becomes by its history."
    )
    stream: bool = Field(default=False, description="Answer with server-sent events.")


class Search(Filtered):
    """What to search for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "warranty abroad", "limit": 5}]}
    )

    query: Question
    limit: int = Field(10, ge=1, le=MOST_HITS, description="The most hits.")


class Check(Body):
    """A text, and what it should be borne out by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "The warranty lasts five years.",
                    "against": ["The warranty lasts three years from the day of purchase."],
                }
            ]
        }
    )

    text: Checked
    against: list[Annotated[str, Field(max_length=LONGEST_AGAINST), BeforeValidator(readable)]] = (
        Field(min_length=1, max_length=MOST_AGAINST, description="The texts to judge by.")
    )


class NewConversation(Body):
    """A conversation to keep, with what was said in it so far."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Warranty"}, {"history": []}]}
    )

    title: Title | None = Field(None, description="By default, the first question.")
    history: History = []


class Renamed(Body):
    """Another title."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Warranty abroad"}]})

    title: Title


class Rating(Body):
    """What the reader thinks of an answer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"good": False, "comment": "It is five years by now."}]}
    )

    good: bool
    comment: Annotated[str, Field(max_length=LONGEST_COMMENT), BeforeValidator(_trimmed)] = ""


# What comes back. Routes answer with the payloads of assistant/payloads.py; these describe them.


def described(kind: "type[DataclassInstance]", *fields_shown: str) -> dict[str, Any]:
    """Fields of a frozen value of ours, all by default, as `create_model` takes them.

    What the value's docstring says of each goes along.
    """
    _, _, attributes = (inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")
    said = {
        key: " ".join(words.split()).replace("None", "null")
        for key, words in _ATTRIBUTE.findall(attributes)
    }
    hints = get_type_hints(kind)
    names = fields_shown or tuple(field.name for field in fields(kind))
    return {name: (hints[name], Field(description=said.get(name))) for name in names}


def _told(kind: type) -> str:
    """What a value's docstring says of it as a whole."""
    return (inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")[0]


_WHY = (str, Field(description="Why it was found, in a line."))
_PLACE = ("source", "title", "page", "page_end", "heading", "sheet", "row", "start", "end", "text")
_FOUND = tuple(field.name for field in fields(Hit) if field.name not in ("id", "passage"))
_RANKED = ("score", "cosine", "dense_rank", "lexical_rank", "lexical_score", "matched")

HitShape = create_model(
    "Hit",
    __doc__=_told(Hit),
    **described(Passage, *_PLACE),
    **described(Hit, *_FOUND),
    why=_WHY,
)
SentenceShape = create_model("Sentence", __doc__=_told(Sentence), **described(Sentence))
CitationShape = create_model(
    "Citation",
    __doc__=_told(Citation),
    **described(Citation) | described(Hit, *_RANKED),
    why=_WHY,
)
_CITATIONS = (list[CitationShape], Field(description="In order of number."))  # type: ignore[valid-type]
_ANSWER = described(Answer) | {
    "sentences": (list[SentenceShape], Field(description="In reading order.")),  # type: ignore[valid-type]
    "citations": _CITATIONS,
    "closest": (
        list[HitShape],  # type: ignore[valid-type]
        Field(description="For a refusal, what came closest, best first; not an answer."),
    ),
}
AnswerShape = create_model("Answer", __doc__=_told(Answer), **_ANSWER)
KeptAnswerShape = create_model(
    "AnswerInConversation",
    __doc__=f"{_told(Answer)} Where it was asked in a kept conversation, its place there.",
    **_ANSWER,
    conversation=(str | None, Field(None, description="The id of the conversation.")),
    turn=(int | None, Field(None, description="The number of this turn in it, from 0.")),
    problem=(str | None, Field(None, description="Why the turn could not be kept, or null.")),
)


class Hits(BaseModel):
    """What was searched, and the passages that fit it best, best first."""

    query: str
    hits: list[HitShape]  # type: ignore[valid-type]


SupportShape = create_model(
    "Support",
    __doc__=_told(Support),
    **described(Support)
    | {"source": (str, Field(description='Which of the texts it is in: "against[0]".'))},
)
VerdictShape = create_model(
    "Verdict",
    __doc__=_told(Verdict),
    text=(str, Field(description="The sentence.")),
    verdict=described(Verdict)["label"],
    **described(Verdict, "score", "reason", "start", "end"),
    supports=(
        list[SupportShape],  # type: ignore[valid-type]
        Field(description="What supports it, or what it contradicts, best first."),
    ),
)


class Verdicts(BaseModel):
    """A verdict for each sentence of the text, in order."""

    verdicts: list[VerdictShape]  # type: ignore[valid-type]


class FeedbackShape(BaseModel):
    """What the reader thought of an answer."""

    good: bool
    comment: str
    given_at: datetime


class KeptTurn(BaseModel):
    """A question of a conversation, and the answer."""

    number: int = Field(description="From 0.")
    question: str
    text: str = Field(description="The answer's text.")
    answer: AnswerShape | None = Field(  # type: ignore[valid-type]
        description="The whole answer; null for a history that was given as text."
    )
    changed: list[int] = Field(
        description="The numbers of the citations whose quote is no longer in its document."
    )
    feedback: FeedbackShape | None


class KeptConversation(BaseModel):
    """A conversation with all its turns."""

    id: str
    title: str
    turns: list[KeptTurn]


class ConversationLine(BaseModel):
    """A conversation in the list."""

    id: str
    title: str
    turns: int = Field(description="How many it has.")
    created_at: datetime
    changed_at: datetime


class ConversationList(BaseModel):
    """Conversations, those changed last first."""

    total: int = Field(description="How many there are in all.")
    conversations: list[ConversationLine]
