"""The HTTP API for asking: a real server, real clients."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from serving import serving

from assistant import Assistant, Document
from assistant.embedding import load_embedding
from assistant.payloads import Payload
from assistant.server import examples, schemas
from assistant.server.access import BROWSER_COOKIE, Access
from assistant.server.api import attachment
from assistant.server.app import create_app
from assistant.server.openai import CompletionShape

BROKEN = "names/\udcff.txt"  # a file's name that is no UTF-8
DOCUMENTS = {
    "rivers/amber.txt": (
        "The Amber River rises in the Holm Hills and is 412 kilometres long. It flows into the "
        "Grey Sea at Port Lasse.\n\nSalmon return to the Amber River every autumn. Pike live in "
        "its lower course."
    ),
    "rivers/bridge.txt": (
        "The old bridge over the Amber River was built in 1887 by the engineer Clara Holm. "
        "It has eleven arches of granite.\n\nThe bridge was closed to lorries in 1974."
    ),
    "council/march.txt": (
        "The council voted to spend 3.2 million crowns on the harbour wall. Councillor Marta Ruiz "
        "opposed the plan.\n\n<script>alert('boo')</script>"
    ),
    BROKEN: "The lighthouse keeper was called Ines Fall, and kept bees.",
}
BRIDGE = "Who built the old bridge, and when?"
UNKNOWN = "Which yeast makes the best sourdough pancakes?"
SETTLED = 10  # seconds within which what must happen has happened


def filled(assistant: Assistant) -> Assistant:
    report = assistant.add(
        Document.from_text(text, source=source) for source, text in DOCUMENTS.items()
    )
    assert not report.failed
    return assistant


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ExitStack() as stack:
        index = tmp_path_factory.mktemp("api") / "index"
        assistant = filled(stack.enter_context(Assistant.open(index)))
        app = create_app(assistant, access=Access.open(), page=False)
        yield stack.enter_context(serving(app))


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """A program, that is: without a cookie."""
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def browser(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60, cookies={BROWSER_COOKIE: "a" * 32}) as client:
        yield client


@pytest.fixture
def chat(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def got(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    assert response.content.isascii()
    return response.json()


def events(text: str) -> list[tuple[str, Payload]]:
    """The server-sent events of a stream."""
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# Asking.


def test_an_answer_is_cited_and_has_the_documented_fields(client: httpx.Client) -> None:
    answer = got(client.post("/v1/ask", json={"question": f"  {BRIDGE}\n"}))
    assert answer["question"] == BRIDGE
    assert "1887" in answer["text"]
    assert "Clara Holm" in answer["text"]
    assert not answer["refused"]
    assert answer["conversation"] is answer["turn"] is answer["problem"] is None
    cited = answer["citations"][0]
    text = DOCUMENTS[cited["source"]]
    assert text[cited["start"] : cited["end"]] == cited["quote"]
    assert answer["sentences"][0]["verdict"] == "quoted"
    assert set(answer) == set(schemas.KeptAnswerShape.model_fields)
    assert set(cited) == set(schemas.CitationShape.model_fields)
    assert set(answer["sentences"][0]) == set(schemas.SentenceShape.model_fields)


def test_a_refusal_is_an_answer_that_shows_what_comes_closest(client: httpx.Client) -> None:
    answer = got(client.post("/v1/ask", json={"question": UNKNOWN}))
    assert answer["refused"]
    assert answer["sentences"] == answer["citations"] == []
    assert UNKNOWN in answer["text"]
    assert answer["closest"]
    assert set(answer["closest"][0]) == set(schemas.HitShape.model_fields)


@pytest.mark.parametrize("asked_by", ["field", "header"])
def test_a_stream_tells_the_search_then_the_pieces_then_the_whole(
    client: httpx.Client, asked_by: str
) -> None:
    body: Payload = {"question": "What is said of the Amber River and its fish?"}
    headers = {"Accept": "text/event-stream"} if asked_by == "header" else {}
    if asked_by == "field":
        body["stream"] = True
    response = client.post("/v1/ask", json=body, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    (first, searching), *pieces, (last, answer) = events(response.text)
    assert (first, last) == ("searching", "answer")
    assert searching["search_query"] == body["question"]
    assert set(searching) == {"search_query", "searches"}
    assert {name for name, _ in pieces} == {"piece"}
    assert "".join(piece["text"] for _, piece in pieces) == answer["text"]
    assert [piece["sentence"] for _, piece in pieces] == answer["sentences"]
    told = [citation for _, piece in pieces for citation in piece["citations"]]
    assert told == answer["citations"]
    assert set(answer) == set(schemas.KeptAnswerShape.model_fields)


def test_a_refusal_streams_without_pieces(client: httpx.Client) -> None:
    response = client.post("/v1/ask", json={"question": UNKNOWN, "stream": True})
    assert [name for name, _ in events(response.text)] == ["searching", "answer"]


def test_a_follow_up_is_searched_with_what_it_is_about(client: httpx.Client) -> None:
    history = [{"question": "When was the old bridge built?", "answer": "It was built in 1887."}]
    body = {"question": "How many arches does it have?", "history": history}
    answer = got(client.post("/v1/ask", json=body))
    assert "bridge" in answer["search_query"]
    assert "eleven arches" in answer["text"]


def test_another_query_can_be_searched(client: httpx.Client) -> None:
    body = {"question": "And the fish?", "search_query": "Which fish live in the Amber River?"}
    answer = got(client.post("/v1/ask", json=body))
    assert answer["question"] == body["question"]
    assert answer["search_query"] == body["search_query"]
    assert "Pike" in answer["text"]


def test_filters_choose_the_documents(client: httpx.Client) -> None:
    within = got(client.post("/v1/ask", json={"question": BRIDGE, "within": ["council/"]}))
    assert within["refused"]
    query = {"query": "bridge", "types": ["pdf"]}
    assert got(client.post("/v1/search", json=query))["hits"] == []
    query = {"query": "bridge", "since": "2999-12-31"}
    assert got(client.post("/v1/search", json=query))["hits"] == []


def test_search_gives_hits_with_their_reasons(client: httpx.Client) -> None:
    found = got(client.post("/v1/search", json={"query": "granite arches", "limit": 2}))
    assert found["query"] == "granite arches"
    assert len(found["hits"]) == 2
    assert found["hits"][0]["source"] == "rivers/bridge.txt"
    assert "matches" in found["hits"][0]["why"]
    assert set(found["hits"][0]) == set(schemas.HitShape.model_fields)


def test_check_judges_a_text_by_texts(client: httpx.Client) -> None:
    text = "The bridge has eleven arches. It was built in 1901."
    against = ["Nothing of it.", "The bridge was built in 1887. It has eleven arches of granite."]
    first, second = got(client.post("/v1/check", json={"text": text, "against": against}))[
        "verdicts"
    ]
    assert first["verdict"] == "supported"
    assert first["supports"][0]["source"] == "against[1]"
    assert second["verdict"] == "unsupported"
    assert "1901" in second["reason"]
    assert set(first) == set(schemas.VerdictShape.model_fields)
    assert set(first["supports"][0]) == set(schemas.SupportShape.model_fields)


def test_a_long_question_is_answered_and_a_longer_one_told(client: httpx.Client) -> None:
    long = (f"{BRIDGE} " * 200)[:5000]
    assert "1887" in got(client.post("/v1/ask", json={"question": long}))["text"]
    error = got(client.post("/v1/ask", json={"question": "x" * 20_001}), 422)["error"]
    assert "question" in error["message"]
    assert "20000" in error["message"]


def test_lone_surrogates_break_nothing(client: httpx.Client) -> None:
    body = '{"question": "Who was the lighthouse keeper, and what did she keep? \\ud800"}'
    answer = got(client.post("/v1/ask", content=body, headers={"content-type": "application/json"}))
    assert "\ufffd" in answer["question"]
    assert answer["citations"][0]["source"] == BROKEN
    assert "Ines Fall" in answer["text"]
    within = json.dumps({"query": "keeper", "within": [BROKEN]})
    found = client.post("/v1/search", content=within, headers={"content-type": "application/json"})
    assert {hit["source"] for hit in got(found)["hits"]} == {BROKEN}
    stream = client.post(
        "/v1/ask", json={"question": "Who was the lighthouse keeper?", "stream": True}
    )
    assert events(stream.text)[-1][1]["citations"][0]["source"] == BROKEN


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ask", {"question": BRIDGE}),
        ("ask", {"question": BRIDGE, "stream": True}),
        ("search", {"query": BRIDGE}),
    ],
)
def test_days_of_which_none_is_both_are_refused(
    client: httpx.Client, path: str, body: Payload
) -> None:
    days = {"since": "2025-01-02", "until": "2025-01-01"}
    error = got(client.post(f"/v1/{path}", json=body | days), 422)["error"]
    assert error["type"] == "invalid_request"
    assert error["message"] == "since is 2025-01-02, which is after until (2025-01-01); swap them"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ask", "{"),
        ("ask", ""),
        ("ask", "[]"),
        ("ask", "null"),
        ("ask", "\xff"),
        ("ask", "[" * 100_000),
        ("ask", '{"question": ' + "9" * 5_000 + "}"),
        ("ask", '{"question": NaN}'),
        ("ask", '{"question": " \\t "}'),
        ("ask", '{"question": 5}'),
        ("ask", '{"question": "x", "within": "rivers"}'),
        ("ask", '{"question": "x", "since": 5}'),
        ("ask", '{"question": "x", "since": "2024-02-30"}'),
        ("ask", '{"question": "x", "stream": 1}'),
        ("ask", '{"question": "x", "typse": ["pdf"]}'),
        ("ask", '{"question": "x", "history": [{"question": "y"}]}'),
        ("search", '{"query": "x", "limit": 0}'),
        ("search", '{"query": "x", "limit": 101}'),
        ("search", '{"query": "x", "limit": "5"}'),
        ("check", '{"text": "x", "against": []}'),
        ("check", '{"text": "x", "against": "y"}'),
        ("conversations", '{"title": ""}'),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_shape(
    client: httpx.Client, path: str, body: str
) -> None:
    response = client.post(
        f"/v1/{path}",
        content=body.encode("latin-1"),
        headers={"content-type": "application/json"},
    )
    assert response.status_code in (400, 422), response.text
    error = response.json()["error"]
    assert set(error) == {"type", "message"}
    assert error["message"]


def test_before_anything_is_indexed_the_error_says_what_to_do(tmp_path: Path) -> None:
    with (
        Assistant.open(tmp_path / "none") as assistant,
        serving(create_app(assistant, access=Access.open(), page=False)) as address,
    ):
        for body in ({"question": BRIDGE}, {"question": BRIDGE, "stream": True}):
            error = got(httpx.post(f"{address}/v1/ask", json=body), 409)["error"]
            assert error["type"] == "index_missing"
            assert "assistant sync" in error["message"]
        chat = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        for stream in (False, True):
            with pytest.raises(openai.ConflictError, match="assistant sync"):
                chat.chat.completions.create(
                    model="assistant", messages=[user(BRIDGE)], stream=stream
                )


# Conversations.


def test_a_conversation_is_kept_with_its_answers(browser: httpx.Client) -> None:
    made = browser.post("/v1/conversations", json={})
    conversation = got(made, 201)
    path = made.headers["location"]
    assert path == f"/v1/conversations/{conversation['id']}"
    asked = {"conversation": conversation["id"]}
    first = got(browser.post("/v1/ask", json=asked | {"question": BRIDGE}))
    assert (first["conversation"], first["turn"]) == (conversation["id"], 0)
    second = browser.post(
        "/v1/ask", json=asked | {"question": "How many arches does it have?", "stream": True}
    )
    answer = events(second.text)[-1][1]
    assert answer["turn"] == 1
    assert "eleven arches" in answer["text"]
    read = got(browser.get(path))
    assert [turn["text"] for turn in read["turns"]] == [first["text"], answer["text"]]
    kept = read["turns"][0]
    assert set(kept) == set(schemas.KeptTurn.model_fields)
    assert kept["answer"]["citations"] == first["citations"]
    assert kept["changed"] == []
    assert got(browser.patch(path, json={"title": "Bridges"}))["title"] == "Bridges"
    listed = got(browser.get("/v1/conversations", params={"limit": 1}))
    assert [line["title"] for line in listed["conversations"]] == ["Bridges"]
    assert set(listed["conversations"][0]) == set(schemas.ConversationLine.model_fields)
    assert browser.delete(path).status_code == 204
    assert got(browser.get(path), 404)["error"]["type"] == "conversation"
    gone = browser.post("/v1/ask", json=asked | {"question": BRIDGE})
    assert got(gone, 404)["error"]["type"] == "conversation"


def test_a_conversation_can_begin_with_what_was_said_elsewhere(browser: httpx.Client) -> None:
    history = [{"question": BRIDGE, "answer": "Clara Holm did."}]
    made = got(browser.post("/v1/conversations", json={"title": "Old", "history": history}), 201)
    assert [(turn["text"], turn["answer"]) for turn in made["turns"]] == [("Clara Holm did.", None)]
    body = {"conversation": made["id"], "question": "Why?", "history": history}
    assert "history" in got(browser.post("/v1/ask", json=body), 409)["error"]["message"]


def test_nobody_sees_another_s_conversation(
    address: str, client: httpx.Client, browser: httpx.Client
) -> None:
    made = got(browser.post("/v1/conversations", json={"title": "Mine"}), 201)
    path = f"/v1/conversations/{made['id']}"
    got(browser.post("/v1/ask", json={"conversation": made["id"], "question": BRIDGE}))
    with httpx.Client(base_url=address, cookies={BROWSER_COOKIE: "b" * 32}) as other:
        for stranger in (other, client):
            attempts = [
                stranger.get(path),
                stranger.patch(path, json={"title": "Yours"}),
                stranger.delete(path),
                stranger.get(f"{path}/export"),
                stranger.put(f"{path}/turns/0/feedback", json={"good": False}),
                stranger.delete(f"{path}/turns/0/feedback"),
                stranger.post("/v1/ask", json={"conversation": made["id"], "question": BRIDGE}),
            ]
            assert [attempt.status_code for attempt in attempts] == [404] * len(attempts)
            listed = got(stranger.get("/v1/conversations"))
            assert made["id"] not in [line["id"] for line in listed["conversations"]]
    read = got(browser.get(path))
    assert (read["title"], len(read["turns"])) == ("Mine", 1)


def test_an_export_is_a_file_with_footnotes(browser: httpx.Client) -> None:
    title = '../etc/"pässe"\r\nX: y'
    made = got(browser.post("/v1/conversations", json={"title": title}), 201)
    got(browser.post("/v1/ask", json={"conversation": made["id"], "question": BRIDGE}))
    response = browser.get(f"/v1/conversations/{made['id']}/export")
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    disposition = response.headers["content-disposition"]
    assert disposition == attachment(title, ".md")
    assert "etc-p-sse-X-y.md" in disposition
    assert "filename*=UTF-8''etc%20p%C3%A4sse%20X%20y.md" in disposition
    assert "[^1]" in response.text
    assert "rivers/bridge.txt" in response.text


@pytest.mark.parametrize("title", ["", "..", "/", "💶", "\udcff", "a" * 500, "con\0x"])
def test_whatever_the_title_the_file_has_a_plain_name(title: str) -> None:
    disposition = attachment(title, ".md")
    assert disposition.isascii()
    assert disposition.isprintable()
    name = disposition.partition('filename="')[2].partition('"')[0]
    assert name.removesuffix(".md").strip(".")
    assert len(name) < 100
    assert not set(name) & set('/\\";')


def test_ratings_become_cases(browser: httpx.Client, client: httpx.Client) -> None:
    made = got(browser.post("/v1/conversations", json={}), 201)
    path = f"/v1/conversations/{made['id']}"
    got(browser.post("/v1/ask", json={"conversation": made["id"], "question": BRIDGE}))
    rating = f"{path}/turns/0/feedback"
    body = {"good": True, "comment": "Right."}
    rated = got(browser.put(rating, json=body))
    assert set(rated) == set(schemas.FeedbackShape.model_fields)
    assert got(browser.get(path))["turns"][0]["feedback"] == rated
    exported = browser.get("/v1/feedback")
    assert exported.headers["content-type"] == "application/jsonl"
    (case,) = [json.loads(line) for line in exported.text.splitlines()]
    assert (case["question"], case["comment"], case["answerable"]) == (BRIDGE, "Right.", True)
    assert client.get("/v1/feedback").text == ""
    assert browser.delete(rating).status_code == 204
    assert browser.get("/v1/feedback").text == ""
    assert got(browser.put(f"{path}/turns/7/feedback", json=body), 404)
    assert got(browser.put(f"{path}/turns/-1/feedback", json=body), 422)


# A client that goes away.


class Slow(BaseEmbedding):
    """The embedded model behind a gate, as a service that takes long would be."""

    def __init__(self) -> None:
        super().__init__(model_name="slow")
        self._model = load_embedding("embedded")
        self._gate, self._waiting = threading.Event(), threading.Event()
        self._gate.set()

    def _get_query_embedding(self, query: str) -> list[float]:
        self._waiting.set()
        assert self._gate.wait(60)
        return [float(value) for value in self._model.encode_query(query)]

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(value) for value in self._model.encode_query(text)]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("stays", [True, False], ids=["stays", "goes"])
def test_a_client_that_goes_away_ends_the_work(tmp_path: Path, stream: bool, stays: bool) -> None:
    embedding = Slow()
    with (
        Assistant.open(tmp_path / "index", embedding=embedding) as assistant,
        serving(create_app(filled(assistant), access=Access.open(), page=False)) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        assistant.ask(BRIDGE)
        made = got(client.post("/v1/conversations", json={}), 201)
        body = {"question": BRIDGE, "conversation": made["id"], "stream": stream}
        embedding._gate.clear()
        embedding._waiting.clear()
        left = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=address, timeout=60) as asking:
                request = asking.build_request("POST", "/v1/ask", json=body)
                if stays:
                    asking.send(request)
                else:
                    request.extensions["timeout"]["read"] = 0.3
                    with pytest.raises(httpx.ReadTimeout):
                        asking.send(request)
            left.set()

        asker = threading.Thread(target=ask)
        asker.start()
        assert embedding._waiting.wait(SETTLED)
        if not stays:
            assert left.wait(SETTLED)
            time.sleep(0.1)  # until the server has seen it
        embedding._gate.set()
        asker.join(SETTLED)
        assert left.is_set()
        path = f"/v1/conversations/{made['id']}"
        time.sleep(0 if stays else 0.5)  # in which the answer would have been made
        assert len(got(client.get(path))["turns"]) == (1 if stays else 0)


# The official client of OpenAI.


def user(content: str | list[Any]) -> Any:
    return {"role": "user", "content": content}


def part(text: str) -> Any:
    return {"type": "text", "text": text}


def test_the_openai_client_holds_a_conversation(chat: openai.OpenAI) -> None:
    messages = [{"role": "system", "content": "Answer in verse."}, user(BRIDGE)]
    first = chat.chat.completions.create(
        model="whatever", messages=messages, temperature=0.7, seed=1
    )
    assert first.model == "whatever"
    (choice,) = first.choices
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert "Clara Holm" in (choice.message.content or "")
    assert first.usage is not None
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens
    assert first.usage.completion_tokens > 5
    assert first.model_extra is not None
    extra = first.model_extra["assistant"]
    assert extra["citations"][0]["source"] == "rivers/bridge.txt"
    assert extra["sentences"][0]["verdict"] == "quoted"
    assert not extra["refused"]
    messages += [
        {"role": "assistant", "content": choice.message.content},
        user("How many arches does it have?"),
    ]
    second = chat.chat.completions.create(model="assistant", messages=messages)
    assert "eleven arches" in (second.choices[0].message.content or "")
    assert second.id != first.id
    CompletionShape.model_validate(second.model_dump(exclude_unset=True))


def test_the_openai_client_streams(chat: openai.OpenAI) -> None:
    chunks = list(
        chat.chat.completions.create(
            model="assistant",
            messages=[user(BRIDGE)],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *told, usage = chunks
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.completion_tokens > 5
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert told[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in told[:-1]] == [None] * (len(told) - 1)
    assert told[-1].choices[0].finish_reason == "stop"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in told)
    assert "Clara Holm" in text
    assert told[-1].model_extra is not None
    answer = told[-1].model_extra["assistant"]
    assert answer["text"] == text
    assert answer["citations"]


def test_a_stream_ends_as_openai_s_does(client: httpx.Client) -> None:
    body = {"model": "assistant", "messages": [user(UNKNOWN)], "stream": True}
    response = client.post("/v1/chat/completions", json=body)
    *chunks, done = response.text.split("\n\n")[:-1]
    assert done == "data: [DONE]"
    told = [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]
    assert all("usage" not in chunk for chunk in told)
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in told)
    assert text == told[-1]["assistant"]["text"]
    assert told[-1]["assistant"]["refused"]


def test_messages_may_come_in_parts_and_in_any_order(chat: openai.OpenAI) -> None:
    messages: Any = [
        {"role": "assistant", "content": "Hello! What would you like to know?"},
        user("Something about bridges, please."),
        user(
            [
                {"type": "text", "text": "Who built the old bridge,"},
                {"type": "text", "text": "and when?"},
            ]
        ),
        {"role": "assistant", "content": None, "tool_calls": []},
    ]
    answer = chat.chat.completions.create(model="assistant", messages=messages)
    assert "1887" in (answer.choices[0].message.content or "")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "Hello"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:,"}}],
                    }
                ]
            },
            "messages",
        ),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages"),
        ({"n": 2}, "n"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_errors_are_openai_s(chat: openai.OpenAI, wrong: Any, named: str) -> None:
    body = {"model": "assistant", "messages": [user(BRIDGE)]} | wrong
    with pytest.raises(openai.BadRequestError) as caught:
        chat.chat.completions.create(**body)
    assert caught.value.type == "invalid_request_error"
    assert (caught.value.param or "").startswith(named)
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}


def test_the_models_are_listed(chat: openai.OpenAI) -> None:
    assert [model.id for model in chat.models.list()] == ["assistant"]
    assert chat.models.retrieve("assistant").owned_by == "cited-assistant"
    with pytest.raises(openai.NotFoundError) as caught:
        chat.models.retrieve("gpt-4o")
    assert caught.value.code == "model_not_found"


# What the description shows.


def test_the_examples_are_as_described() -> None:
    schemas.KeptAnswerShape.model_validate(examples.ANSWER, strict=False)
    CompletionShape.model_validate(examples.COMPLETION)
    assert set(examples.ANSWER) == set(schemas.KeptAnswerShape.model_fields)
    cited = examples.CITATION
    assert set(cited) == set(schemas.CitationShape.model_fields)
    start = cited["start"] - cited["passage_start"]
    assert cited["passage"][start : start + cited["end"] - cited["start"]] == cited["quote"]
