"""The HTTP API for asking: answers, passages, verdicts, and conversations that are kept."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Annotated, TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.routing import APIRoute

from assistant.answering import Answer, Draft, Event, Piece, Searching
from assistant.assistant import Assistant
from assistant.conversation import Conversation, Turn
from assistant.payloads import (
    Payload,
    answer_payload,
    hit_payload,
    piece_payload,
    plain,
    verdict_payload,
)
from assistant.server import examples, schemas
from assistant.server.limits import Limits
from assistant.server.responses import (
    Json,
    Told,
    documented,
    failed_event,
    in_json,
    problem,
    stream_events,
    to_json,
)

MOST_LISTED = 200
Result = TypeVar("Result")
Key = Annotated[str, Path(alias="id", description="The conversation's id.", max_length=200)]
Number = Annotated[int, Path(ge=0, description="The turn's number, from 0.")]


class Markdown(Response):
    """Markdown, as a file to keep."""

    media_type = "text/markdown"


class Lines(Response):
    """JSON, an object a line."""

    media_type = "application/jsonl"


def operation_id(route: APIRoute) -> str:
    """The name of the function: it stays the same when paths change."""
    return route.name


def router(assistant: Assistant, limits: Limits) -> APIRouter:
    """All routes, around one assistant."""
    routes = APIRouter(
        prefix="/v1",
        default_response_class=Json,
        generate_unique_id_function=operation_id,
    )
    _asking(routes, assistant, limits)
    _conversations(routes, assistant)
    _feedback(routes, assistant)
    return routes


def _asking(routes: APIRouter, assistant: Assistant, limits: Limits) -> None:
    limiter, checking = limits.asking, limits.checking

    @routes.post(
        "/ask",
        tags=["Asking"],
        summary="Ask a question",
        response_model=schemas.KeptAnswerShape,
        responses={200: examples.ANSWERED, **documented(404, 409, 422)},
    )
    async def ask(request: Request, body: schemas.Ask) -> Response:
        """Answer from the documents: every sentence is cited and checked, or it is a refusal.

        A refusal (`refused`) is an answer, too: its text says what was searched, and `closest`
        what comes closest. With `choices`, the text asks which of them is meant.

        With `"stream": true`, or where only `text/event-stream` is accepted, the answer comes as
        server-sent events: `searching` (`search_query`, `searches`), again where the first search
        was not enough; `piece` for each sentence (`text` to append, `sentence`, and the `citations`
        that no piece before it had); and at last `answer`, which is the whole and holds, whatever
        was told before; or `error`. Where a language model writes, `draft` (`text`) is what it has
        written of its next sentence so far, not checked yet: show it as such, in place of the
        draft before, until the `piece` takes its place. Closing the connection ends the work.

        If the language model fails, the documents' own sentences stand in: `model` is
        "extractive", and `notice` says why. Where somebody must act (a key that is refused, a
        model that is not there), it is an error, 503 with `model_key` and the like.
        """
        conversation = await in_thread(partial(_opened, assistant, request, body), limiter)
        if body.conversation is not None and body.history:
            return problem(409, "the conversation has a history of its own; leave out `history`")
        events = conversation.stream(
            body.question, search_query=body.search_query, **body.filters()
        )
        accepted = request.headers.get("accept", "")
        if body.stream or accepted.partition(";")[0].strip() == "text/event-stream":
            return await streamed(request, told(events, conversation), limiter)
        answer = await first(request, finished(events), limiter)
        if answer is None:
            return unread()
        return Json(answered(answer, conversation))

    @routes.post(
        "/search",
        tags=["Asking"],
        summary="Find passages",
        response_model=schemas.Hits,
        responses=documented(409, 422),
    )
    def search(body: schemas.Search) -> Response:
        """The passages that fit a query best, each with the reasons it was found for."""
        hits = assistant.search(body.query, limit=body.limit, **body.filters())
        return Json({"query": body.query, "hits": [hit_payload(hit) for hit in hits]})

    @routes.post(
        "/check",
        tags=["Asking"],
        summary="Check a text against sources",
        response_model=schemas.Verdicts,
        responses=documented(422),
    )
    async def check(body: schemas.Check) -> Response:
        """Judge each sentence of any text by the texts given; no index is needed.

        A verdict is `quoted`, `supported`, `weak` or `unsupported`, with the words that decide.
        """
        work = partial(assistant.check, body.text, against=body.against)
        verdicts = await in_thread(work, checking)
        names = [f"against[{number}]" for number in range(len(body.against))]
        return Json({"verdicts": [verdict_payload(found, sources=names) for found in verdicts]})


def _conversations(routes: APIRouter, assistant: Assistant) -> None:
    def kept(request: Request, key: str) -> Conversation:
        return assistant.chat(id=key, owner=request.state.owner)

    @routes.get(
        "/conversations",
        tags=["Conversations"],
        summary="List conversations",
        response_model=schemas.ConversationList,
        responses=documented(409, 422),
    )
    def list_conversations(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED, description="The most to list.")] = 50,
        offset: Annotated[int, Query(ge=0, description="How many to leave out first.")] = 0,
    ) -> Response:
        """Your conversations, those changed last first."""
        found = assistant.conversations(owner=request.state.owner)
        listed = [plain(item) for item in found[offset : offset + limit]]
        for item in listed:
            del item["owner"]
        return Json({"total": len(found), "conversations": listed})

    @routes.post(
        "/conversations",
        tags=["Conversations"],
        summary="Begin a conversation",
        status_code=201,
        response_model=schemas.KeptConversation,
        response_description="It is kept from now on; `Location` is its path.",
        responses=documented(409, 422),
    )
    def create_conversation(request: Request, body: schemas.NewConversation) -> Response:
        """Keep a conversation, empty or with what was said; ask in it with `POST /v1/ask`."""
        conversation = assistant.chat(history=turns(body.history), owner=request.state.owner)
        key = conversation.save(body.title)
        shown = conversation_payload(conversation, assistant)
        return Json(shown, 201, {"Location": f"/v1/conversations/{key}"})

    @routes.get(
        "/conversations/{id}",
        tags=["Conversations"],
        summary="Open a conversation",
        response_model=schemas.KeptConversation,
        responses=documented(404, 409, 422),
    )
    def read_conversation(request: Request, key: Key) -> Response:
        """All its turns, and which of their citations are no longer in their documents."""
        return Json(conversation_payload(kept(request, key), assistant))

    @routes.patch(
        "/conversations/{id}",
        tags=["Conversations"],
        summary="Rename a conversation",
        response_model=schemas.KeptConversation,
        responses=documented(404, 409, 422),
    )
    def rename_conversation(request: Request, key: Key, body: schemas.Renamed) -> Response:
        """Give it another title."""
        conversation = kept(request, key)
        conversation.save(body.title)
        return Json(conversation_payload(conversation, assistant))

    @routes.delete(
        "/conversations/{id}",
        tags=["Conversations"],
        summary="Delete a conversation",
        status_code=204,
        response_class=Response,
        response_description="It is gone, with the ratings of its answers.",
        responses=documented(404, 409, 422),
    )
    def delete_conversation(request: Request, key: Key) -> Response:
        """Delete it with all its turns."""
        kept(request, key).delete()
        return Response(status_code=204)

    @routes.get(
        "/conversations/{id}/export",
        tags=["Conversations"],
        summary="Export a conversation",
        response_class=Markdown,
        responses={200: examples.EXPORTED, **in_json(documented(404, 409, 422))},
    )
    def export_conversation(request: Request, key: Key) -> Response:
        """The conversation as a Markdown file, its citations as footnotes."""
        conversation = kept(request, key)
        return Markdown(
            schemas.readable(conversation.markdown()),
            headers={"Content-Disposition": attachment(conversation.title, ".md")},
        )


def _feedback(routes: APIRouter, assistant: Assistant) -> None:
    @routes.put(
        "/conversations/{id}/turns/{number}/feedback",
        tags=["Feedback"],
        summary="Rate an answer",
        response_model=schemas.FeedbackShape,
        responses=documented(404, 409, 422),
    )
    def rate_answer(request: Request, key: Key, number: Number, body: schemas.Rating) -> Response:
        """Say whether an answer is good, in place of what was said of it before."""
        conversation = assistant.chat(id=key, owner=request.state.owner)
        conversation.rate(number, good=body.good, comment=body.comment)
        feedback = conversation.history[number].feedback
        assert feedback is not None
        return Json(plain(feedback))

    @routes.delete(
        "/conversations/{id}/turns/{number}/feedback",
        tags=["Feedback"],
        summary="Take a rating back",
        status_code=204,
        response_class=Response,
        response_description="The answer is not rated.",
        responses=documented(404, 409, 422),
    )
    def delete_rating(request: Request, key: Key, number: Number) -> Response:
        """Take back what was said of an answer; that nothing was is fine."""
        assistant.chat(id=key, owner=request.state.owner).rate(number, good=None)
        return Response(status_code=204)

    @routes.get(
        "/feedback",
        tags=["Feedback"],
        summary="Export rated answers as an eval set",
        response_class=Lines,
        responses={200: examples.CASES, **in_json(documented(409, 422))},
    )
    def export_feedback(request: Request) -> Response:
        """Your rated answers as cases of an eval set: JSON, an object a line."""
        cases = assistant.feedback(owner=request.state.owner)
        return Lines(
            "".join(f"{to_json(case)}\n" for case in cases),
            headers={"Content-Disposition": attachment("feedback", ".jsonl")},
        )


# What the routes have in common.


def turns(history: list[schemas.Exchange]) -> list[Turn]:
    """What was said before, as the facade takes it."""
    return [Turn(exchange.question, exchange.answer) for exchange in history]


def _opened(assistant: Assistant, request: Request, body: schemas.Ask) -> Conversation:
    owner = request.state.owner
    if body.conversation is not None:
        return assistant.chat(id=body.conversation, owner=owner)
    return assistant.chat(history=turns(body.history), owner=owner)


async def in_thread(work: Callable[[], Result], limiter: CapacityLimiter) -> Result:
    """What a function returns that takes long, when its turn has come."""
    return await run_sync(work, limiter=limiter)


async def first(
    request: Request, events: Iterator[Result | None], limiter: CapacityLimiter
) -> Result | None:
    """The first event that is not None, made in a thread.

    None if the client went away before, which ends the work.
    """
    gone = threading.Event()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    def work() -> Result | None:
        for event in events:
            if event is not None:
                return event
            if gone.is_set():
                break
        events.close()  # type: ignore[attr-defined]
        return None

    watching = asyncio.create_task(watch())
    try:
        return await in_thread(work, limiter)
    finally:
        watching.cancel()


def finished(events: Iterator[Event]) -> Iterator[Answer | None]:
    """The answer; before it None for each event, when its work can be ended."""
    answer = None
    with closing(events):  # type: ignore[type-var]
        for event in events:
            yield None
            answer = event if isinstance(event, Answer) else None
    yield answer


def unread() -> Response:
    """The response to a client that went away."""
    return Response(status_code=499)


async def streamed(
    request: Request,
    events: Iterator[Told],
    limiter: CapacityLimiter,
    *,
    failed: Callable[[Exception], tuple[str, Payload | str]] = failed_event,
) -> Response:
    """Server-sent events; an error before the first is raised and gets a status."""
    begun = await first(request, events, limiter)
    if begun is None:
        return unread()
    return stream_events(events, first=begun, failed=failed, limiter=limiter)


def told(events: Iterator[Event], conversation: Conversation) -> Iterator[Told]:
    """The events of an answer by name, as data; a draft only where it is another."""
    draft = ""
    with closing(events):  # type: ignore[type-var]
        for event in events:
            if isinstance(event, Searching):
                yield "searching", plain(event)
            elif isinstance(event, Draft):
                yield None if event.text == draft else ("draft", plain(event))
                draft = event.text
            elif isinstance(event, Piece):
                draft = ""
                yield "piece", piece_payload(event)
            elif isinstance(event, Answer):
                yield "answer", answered(event, conversation)


def answered(answer: Answer, conversation: Conversation) -> Payload:
    """An answer, and where it is kept."""
    kept: Payload = {"conversation": conversation.id, "turn": None, "problem": None}
    if conversation.id is not None:
        kept |= {"turn": len(conversation.history) - 1, "problem": conversation.problem}
    return answer_payload(answer) | kept


def conversation_payload(conversation: Conversation, assistant: Assistant) -> Payload:
    """A kept conversation with its turns."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "turns": [
            turn_payload(number, turn, assistant)
            for number, turn in enumerate(conversation.history)
        ],
    }


def turn_payload(number: int, turn: Turn, assistant: Assistant) -> Payload:
    """A turn, and which of its citations are no longer as they were."""
    answer = None if isinstance(turn.answer, str) else turn.answer
    states = {} if answer is None else assistant.changed(answer.citations)
    return {
        "number": number,
        "question": turn.question,
        "text": turn.text,
        "answer": None if answer is None else answer_payload(answer),
        "changed": [key for key, state in states.items() if state in ("changed", "gone")],
        "feedback": None if turn.feedback is None else plain(turn.feedback),
    }


def attachment(title: str, suffix: str) -> str:
    """A `Content-Disposition` that names a file to keep, whatever the title is (RFC 6266)."""
    name = " ".join(re.sub(r"[^\w.,()-]+", " ", title).split()).strip(". ")[:80] or "conversation"
    plainly = re.sub(r"[^A-Za-z0-9.,()_-]+", "-", name).strip("-.") or "conversation"
    encoded = quote(name + suffix, safe="", errors="replace")
    return f"attachment; filename=\"{plainly}{suffix}\"; filename*=UTF-8''{encoded}"
