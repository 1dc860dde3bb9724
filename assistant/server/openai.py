"""Chat completions as OpenAI's clients know them, with the citations in a field of their own."""

import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from assistant.answering import Answer, Event, Piece, Searching
from assistant.assistant import Assistant
from assistant.conversation import Turn
from assistant.errors import AssistantError, ModelError
from assistant.payloads import Payload, answer_payload, as_text, remarked
from assistant.server.api import finished, first, in_thread, operation_id, streamed, unread
from assistant.server.examples import ANSWER, COMPLETED
from assistant.server.limits import Limits
from assistant.server.responses import UNEXPECTED, Json, Told, documented, status_and_type
from assistant.server.schemas import AnswerShape, readable
from assistant.tokens import count_tokens

MODEL = "assistant"
OWNER = "cited-assistant"
LONGEST_MESSAGE = 100_000  # characters
MOST_MESSAGES = 2_000
MOST_PARTS = 100
DONE = "[DONE]"  # after the last chunk of a stream


# What clients send. Fields that are not named here are for language models, and are left aside.

Text = Annotated[str, Field(max_length=LONGEST_MESSAGE), BeforeValidator(readable)]


class Sent(BaseModel):
    """Known fields, of exactly these types; others are left aside."""

    model_config = ConfigDict(strict=True)


class Part(Sent):
    """A part of a message; only text is read."""

    type: Literal["text"]
    text: Text


class Message(Sent):
    """A message: a question by the user, an answer by the assistant; others are left aside."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | Annotated[list[Part], Field(max_length=MOST_PARTS)] | None = None

    @property
    def text(self) -> str:
        """All of its text, trimmed."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content).strip()
        return (self.content or "").strip()


class StreamOptions(Sent):
    """How to stream."""

    include_usage: bool | None = Field(None, description="Tell the usage in a last chunk.")


_SAYING = {"type": "string", "pattern": r"\S"}
# What the types do not say: the user asks something.
_ASKING: dict[str, Any] = {
    "contains": {
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"const": "user"},
            "content": {
                "anyOf": [
                    _SAYING,
                    {
                        "type": "array",
                        "contains": {
                            "type": "object",
                            "required": ["text"],
                            "properties": {"text": _SAYING},
                        },
                    },
                ]
            },
        },
    }
}


class CompletionRequest(Sent):
    """A conversation that ends with a question."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": MODEL, "messages": [{"role": "user", "content": ANSWER["question"]}]}
            ]
        }
    )

    model: str = Field(description="Any name; it comes back in the answer.")
    messages: list[Message] = Field(
        min_length=1,
        max_length=MOST_MESSAGES,
        json_schema_extra=_ASKING,
        description="The user's last message is the question, and what stands before it the "
        "history. System messages are left aside: answers are made of the documents.",
    )
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = Field(1, description="There is one answer, always.")


# What they get.


class Said(BaseModel):
    """The answer's text, with citation marks."""

    role: Literal["assistant"]
    content: str
    refusal: None = Field(description="That the documents do not say is told by `assistant`.")


class Choice(BaseModel):
    """The one choice."""

    index: int
    message: Said
    logprobs: None
    finish_reason: Literal["stop"]


class Usage(BaseModel):
    """In tokens of cl100k_base."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionShape(BaseModel):
    """A chat completion, and beside it all of the answer."""

    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Seconds since 1970.")
    model: str
    choices: list[Choice]
    usage: Usage
    assistant: AnswerShape = Field(  # type: ignore[valid-type]
        description="The answer as `POST /v1/ask` gives it: citations, verdicts, refusal."
    )


class ModelShape(BaseModel):
    """A name to ask by."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All names; there is one."""

    object: Literal["list"]
    data: list[ModelShape]


class ChatErrorDetail(BaseModel):
    """What went wrong, in OpenAI's shape."""

    message: str
    type: str
    param: str | None
    code: str | None


class ChatError(BaseModel):
    """The body of an error."""

    error: ChatErrorDetail


def refused(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Response:
    """An error in OpenAI's shape."""
    return Json(_error(status, message, param=param, code=code), status)


def _error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Payload:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _failed(error: Exception) -> tuple[str, Payload | str]:
    """The last chunk of a stream that failed."""
    if isinstance(error, AssistantError):
        status, code = status_and_type(error)
        return "", _error(status, str(error), code=code)
    return "", _error(500, UNEXPECTED, code="internal_error")


class ChatRoute(APIRoute):
    """A route whose errors have OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own, with the errors caught."""
        respond = super().get_route_handler()

        async def respond_in_shape(request: Request) -> Response:
            try:
                return await respond(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                param = ".".join(str(step) for step in first["loc"][1:]) or None
                return refused(400, f"{param or 'the body'}: {first['msg']}", param=param)
            except HTTPException as error:
                return refused(error.status_code, str(error.detail))
            except AssistantError as error:
                status, code = status_and_type(error)
                answer = refused(status, str(error), code=code)
                if isinstance(error, ModelError) and not error.passing:
                    answer.headers["x-should-retry"] = "false"  # OpenAI's clients obey it
                return answer

        return respond_in_shape


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    told = documented(*statuses)
    return told | {status: told[status] | {"model": ChatError} for status in statuses}


class Asked(NamedTuple):
    """What the messages come to."""

    question: str
    history: list[Turn]


def asked(messages: list[Message]) -> Asked | None:
    """The user's last question, and what was said before it; None if there is no question."""
    said = [message for message in messages if message.role in ("user", "assistant")]
    while said and not (said[-1].role == "user" and said[-1].text):
        said.pop()
    if not said:
        return None
    turns: list[Turn] = []
    for message in said[:-1]:
        if message.role == "user":
            turns.append(Turn(message.text, ""))
        elif turns:  # what is said before any question is a greeting
            last = turns[-1]
            turns[-1] = Turn(last.question, f"{last.text}\n{message.text}".strip())
    return Asked(said[-1].text, [turn for turn in turns if turn.question])


def router(assistant: Assistant, limits: Limits) -> APIRouter:
    """The routes, around one assistant."""
    routes = APIRouter(
        prefix="/v1",
        tags=["OpenAI-compatible"],
        default_response_class=Json,
        route_class=ChatRoute,
        generate_unique_id_function=operation_id,
    )
    limiter = limits.asking
    started = int(time.time())
    itself = {"id": MODEL, "object": "model", "created": started, "owned_by": OWNER}

    @routes.post(
        "/chat/completions",
        summary="Chat as with OpenAI",
        response_model=CompletionShape,
        responses={200: COMPLETED, **_errors(400, 409, 422, 500, 503)},
    )
    async def create_chat_completion(request: Request, body: CompletionRequest) -> Response:
        """Answer the last message from the documents, for clients that speak to OpenAI.

        All of the answer, with its citations and verdicts, is in a field that OpenAI's answers do
        not have, `assistant`; when streaming, in the last chunk that has a choice. The text comes
        sentence by sentence, each when it has been checked; behind one that is unsupported it says
        so, and what the reader must know beside it (`notice`) is its last paragraph. Parameters
        for language models (`temperature`, `tools`, ...) are left aside, and which one writes is
        for the server to say.
        """
        wanted = asked(body.messages)
        if wanted is None:
            return refused(400, "no message of the user says anything", param="messages")
        if len(wanted.question) > LONGEST_MESSAGE:
            return refused(
                400,
                f"the question has {len(wanted.question):,} characters; "
                f"at most {LONGEST_MESSAGE:,} are read",
                param="messages",
            )
        completion = _Completion(body)
        events = assistant.stream(wanted.question, history=wanted.history)
        if body.stream:
            return await streamed(request, completion.chunks(events), limiter, failed=_failed)
        answer = await first(request, finished(events), limiter)
        if answer is None:
            return unread()
        return Json(await in_thread(partial(completion.whole, answer), limiter))

    @routes.get("/models", summary="List the models", response_model=ModelList, responses=_errors())
    async def list_models() -> Response:
        """One, by the name `assistant`; chat completions take any name."""
        return Json({"object": "list", "data": [itself]})

    @routes.get(
        "/models/{model}",
        summary="Look a model up",
        response_model=ModelShape,
        responses=_errors(404, 422),
    )
    async def read_model(model: Annotated[str, Path(description="Its name.")]) -> Response:
        """The model `assistant`."""
        if model != MODEL:
            message = f"there is no model {model!r}; there is {MODEL!r}"
            return refused(404, message, param="model", code="model_not_found")
        return Json(itself)

    return routes


class _Completion:
    """One completion as it is written out."""

    def __init__(self, body: CompletionRequest) -> None:
        self._body = body
        self._named = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": body.model,
        }

    def whole(self, answer: Answer) -> Payload:
        """The answer in one piece."""
        message = {"role": "assistant", "content": as_text(answer), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._named,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(answer),
            "assistant": answer_payload(answer),
        }

    def chunks(self, events: Iterator[Event]) -> Iterator[Told]:
        """The answer in pieces; what was sent cannot be taken back, so that no drafts are."""
        begun, written = False, ""
        with closing(events):  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Searching) and not begun:
                    begun = True
                    yield self._chunk({"role": "assistant", "content": ""})
                elif isinstance(event, Piece):
                    text = remarked(event.sentence)
                    written += text
                    yield self._chunk({"content": text})
                elif isinstance(event, Answer):
                    if rest := as_text(event).removeprefix(written):
                        yield self._chunk({"content": rest})
                    yield self._chunk({}, reason="stop", assistant=answer_payload(event))
                    if self._wants_usage:
                        yield self._chunk(None, usage=self._usage(event))
                else:
                    yield None
        yield "", DONE

    def _chunk(
        self, delta: Payload | None, *, reason: str | None = None, **more: Any
    ) -> tuple[str, Payload]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self._wants_usage else {}
        return "", {
            **self._named,
            "object": "chat.completion.chunk",
            "choices": [] if delta is None else [choice],
            **usage,
            **more,
        }

    @property
    def _wants_usage(self) -> bool:
        options = self._body.stream_options
        return options is not None and bool(options.include_usage)

    def _usage(self, answer: Answer) -> Payload:
        prompt = sum(count_tokens(message.text) for message in self._body.messages)
        completion = count_tokens(as_text(answer))
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
