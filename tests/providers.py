"""A server on loopback that speaks OpenAI's, Ollama's and Anthropic's protocols, and fails at will.

    with speaking("An answer [1].") as server:
        load_model(f"openai-like:m@{server.url}/v1")  # or ollama:m@{server.url}, anthropic:m@...

What it says is given as a text, as pieces (any iterable, which may take its time), as one of the
failures below, or as a function that makes one of these from the messages, which come to it as
[{"role": ..., "content": ...}] whatever the protocol. A text is sent in small pieces.
"""

import json
import re
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MESSAGES = {
    400: "This model's maximum context length is 8192 tokens, however you requested 9000 tokens",
    401: "Incorrect API key provided",
    403: "Your key has no access to this model",
    404: "The model does not exist",
    429: "Rate limit reached",
    500: "The server had an error while processing your request",
    503: "The server is loading the model",
    529: "Overloaded",
}


class Thought(str):
    """A piece of a reply that is the model's reasoning, sent as each protocol does."""

    __slots__ = ()


@dataclass(frozen=True)
class Failure:
    """An error, with a body as the provider's own; after some words, in the stream's body.

    It comes `times` times (None is always); after that, `then` is the reply.
    """

    status: int = 500
    message: str = ""
    headers: tuple[tuple[str, str], ...] | dict[str, str] = ()
    times: int | None = None
    then: Any = "It works again."
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Silence:
    """Nothing for so many seconds, after some words; then the connection is closed."""

    seconds: float = 60.0
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Broken:
    """The connection breaks after some words; quietly, it only ends without the protocol's end."""

    after: Sequence[str] = ()
    quietly: bool = False


@dataclass(frozen=True)
class Nonsense:
    """A success that is not the protocol's."""

    body: str = "<html><body>Welcome to nginx!</body></html>"
    content_type: str = "text/html"


Reply = str | Iterable[str] | Failure | Silence | Broken | Nonsense


@dataclass
class Provider:
    """The running server.

    Attributes:
        url: Its address, without a path.
        requests: The bodies that asked for a reply, in order.
        headers: Their headers, names in lower case.
        looked_up: The paths of all other requests.
        sent: The pieces that went out, over all replies.
        hung_up: How many clients went away before their reply was complete.
        models: The models that it has; None is any that it is asked for.
        described: What /v1/models says of each beside its name.
        properties: What /props says; None is 404.
    """

    reply: Reply | Callable[[list[dict[str, str]]], Reply]
    models: Sequence[str] | None = None
    described: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] | None = None
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    hung_up: int = 0
    _failed: "Counter[int]" = field(default_factory=Counter)
    _ending: threading.Event = field(default_factory=threading.Event)

    def said_to(self, messages: list[dict[str, str]]) -> Reply:
        """The reply to these messages."""
        reply = self.reply(messages) if callable(self.reply) else self.reply
        if isinstance(reply, Failure) and reply.times is not None:
            key = hash(repr(reply))
            self._failed[key] += 1
            if self._failed[key] > reply.times:
                reply = reply.then
        return reply

    def left_within(self, seconds: float) -> bool:
        """Whether a client hangs up within so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.hung_up:
            time.sleep(0.01)
        return bool(self.hung_up)


@contextmanager
def speaking(
    reply: Reply | Callable[[list[dict[str, str]]], Reply],
    *,
    models: Sequence[str] | None = None,
    described: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
) -> Iterator[Provider]:
    """A server on a free port that answers so until the block ends."""
    provider = Provider(reply, models=models, described=described or {}, properties=properties)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.provider = provider
        provider.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="provider")
        thread.start()
        try:
            yield provider
        finally:
            provider._ending.set()
            server.shutdown()
            thread.join()
            server.hang_up()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # its threads are waited for, so that none is left to the next test
    provider: Provider

    def __init__(self, *arguments: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(*arguments)

    def hang_up(self) -> None:
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, *_: Any) -> None:
        pass  # a client that went away


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        provider = self.server.provider
        path = self.path.partition("?")[0]
        provider.looked_up.append(path)
        names = provider.models if provider.models is not None else ["any-model"]
        if path == "/v1/models":
            entries = [{"id": name, "object": "model", **provider.described} for name in names]
            self._whole(200, {"object": "list", "data": entries, "has_more": False})
        elif path == "/api/tags":
            self._whole(200, {"models": [{"name": name, "model": name} for name in names]})
        elif path == "/api/version":
            self._whole(200, {"version": "0.12.0"})
        elif path == "/props" and provider.properties is not None:
            self._whole(200, provider.properties)
        else:
            self._whole(404, {"error": {"message": f"no route {path}"}})

    def do_POST(self) -> None:
        provider = self.server.provider
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        protocol = {
            "/v1/chat/completions": _OpenAI,
            "/api/chat": _Ollama,
            "/v1/messages": _Anthropic,
        }.get(path)
        if protocol is None:
            provider.looked_up.append(path)
            if path == "/api/show":
                self._whole(200, {"details": {}, "model_info": {}, "capabilities": ["completion"]})
            else:
                self._whole(404, {"error": {"message": f"no route {path}"}})
            return
        provider.requests.append(body)
        provider.headers.append({name.lower(): value for name, value in self.headers.items()})
        speech: _Protocol = protocol(body.get("model", ""))
        reply: Any
        if provider.models is not None and body.get("model") not in provider.models:
            reply = Failure(404, f"The model `{body.get('model')}` does not exist")
        else:
            reply = provider.said_to(_messages(body))
        if isinstance(reply, Failure) and not reply.after:
            message = reply.message or MESSAGES.get(reply.status, "failed")
            self._whole(reply.status, speech.error(reply.status, message), dict(reply.headers))
        elif isinstance(reply, Nonsense):
            self._send(200, reply.body.encode(), reply.content_type, {})
        elif body.get("stream", isinstance(speech, _Ollama)):
            self._stream(speech, reply)
        elif isinstance(reply, Silence | Broken):
            self._wait(reply.seconds if isinstance(reply, Silence) else 0)
            self.close_connection = True
        else:
            self._whole(200, speech.whole(list(_pieces(reply))))

    def _stream(self, speech: "_Protocol", reply: Reply) -> None:
        provider = self.server.provider
        try:
            self.send_response(200)
            self.send_header("content-type", speech.content_type)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for data in speech.beginning():
                self._chunk(data)
            failing = isinstance(reply, Failure | Silence | Broken)
            pieces = reply.after if failing else _pieces(reply)  # type: ignore[union-attr, arg-type]
            for piece in pieces:
                if self._gone():
                    raise ConnectionResetError
                for data in speech.piece(piece):
                    self._chunk(data)
                provider.sent.append(piece)
            if isinstance(reply, Failure):
                message = reply.message or MESSAGES.get(reply.status, "failed")
                self._chunk(speech.error_in_stream(reply.status, message))
            elif isinstance(reply, Silence):
                self._wait(reply.seconds)
            elif not failing:
                for data in speech.ending():
                    self._chunk(data)
            if isinstance(reply, Silence) or (isinstance(reply, Broken) and not reply.quietly):
                self.close_connection = True
            else:
                self._chunk(b"")
        except OSError:
            provider.hung_up += 1
            self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _wait(self, seconds: float) -> None:
        """Nothing, until the time is over, the client goes away or the server ends."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.server.provider._ending.wait(0.01):
            if self._gone():
                raise ConnectionResetError

    def _gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _whole(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers or {})

    def _send(self, status: int, data: bytes, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": content_type,
            "content-length": str(len(data)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _messages(body: dict[str, Any]) -> list[dict[str, str]]:
    """The messages of a request, in one form; Anthropic's system text is the first."""
    messages = list(body.get("messages", []))
    if system := body.get("system"):
        messages.insert(0, {"role": "system", "content": system})
    return [{"role": one["role"], "content": _text(one["content"])} for one in messages]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or [])


def _pieces(reply: Any) -> Iterable[str]:
    return re.findall(r"\s*\S{1,6}|\s+$", reply) if type(reply) is str else reply


class _Protocol:
    content_type = "text/event-stream"

    def __init__(self, model: str) -> None:
        self.model = model

    def beginning(self) -> Iterator[bytes]:
        yield from ()

    def piece(self, piece: str) -> Iterator[bytes]:
        raise NotImplementedError

    def ending(self) -> Iterator[bytes]:
        yield from ()

    def whole(self, pieces: list[str]) -> dict[str, Any]:
        raise NotImplementedError

    def error(self, status: int, message: str) -> dict[str, Any]:
        raise NotImplementedError

    def error_in_stream(self, status: int, message: str) -> bytes:
        return b"data: %s\n\n" % json.dumps(self.error(status, message)).encode()


class _OpenAI(_Protocol):
    def _event(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        return b"data: %s\n\n" % json.dumps(body).encode()

    def beginning(self) -> Iterator[bytes]:
        yield self._event({"role": "assistant", "content": ""})

    def piece(self, piece: str) -> Iterator[bytes]:
        name = "reasoning_content" if isinstance(piece, Thought) else "content"
        yield self._event({name: piece})

    def ending(self) -> Iterator[bytes]:
        yield self._event({}, "stop")
        yield b"data: [DONE]\n\n"

    def whole(self, pieces: list[str]) -> dict[str, Any]:
        message = {"role": "assistant", "content": _said(pieces)}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = "invalid_request_error" if status < 500 else "server_error"
        code = {401: "invalid_api_key", 404: "model_not_found"}
        if "context length" in message:
            code[status] = "context_length_exceeded"
        return {
            "error": {"message": message, "type": kind, "param": None, "code": code.get(status)}
        }


class _Ollama(_Protocol):
    content_type = "application/x-ndjson"

    def _line(self, message: dict[str, str], **more: Any) -> dict[str, Any]:
        return {
            "model": self.model,
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": "", **message},
            "done": False,
            **more,
        }

    def piece(self, piece: str) -> Iterator[bytes]:
        name = "thinking" if isinstance(piece, Thought) else "content"
        yield json.dumps(self._line({name: piece})).encode() + b"\n"

    def ending(self) -> Iterator[bytes]:
        yield json.dumps(self.whole([])).encode() + b"\n"

    def whole(self, pieces: list[str]) -> dict[str, Any]:
        return self._line(
            {"content": _said(pieces)},
            done=True,
            done_reason="stop",
            total_duration=1,
            prompt_eval_count=1,
            eval_count=1,
        )

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": message}

    def error_in_stream(self, status: int, message: str) -> bytes:
        return json.dumps(self.error(status, message)).encode() + b"\n"


class _Anthropic(_Protocol):
    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.open = ""
        self.blocks = 0

    def _event(self, kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()

    def _message(self, content: list[dict[str, str]], stop: str | None) -> dict[str, Any]:
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }

    def beginning(self) -> Iterator[bytes]:
        yield self._event("message_start", message=self._message([], None))
        yield self._event("ping")

    def piece(self, piece: str) -> Iterator[bytes]:
        name = "thinking" if isinstance(piece, Thought) else "text"
        if self.open != name:
            yield from self._stop()
            self.open = name
            block = {"type": name, name: ""} | ({"signature": ""} if name == "thinking" else {})
            yield self._event("content_block_start", index=self.blocks, content_block=block)
        delta = {"type": f"{name}_delta", name: piece}
        yield self._event("content_block_delta", index=self.blocks, delta=delta)

    def _stop(self) -> Iterator[bytes]:
        if self.open:
            yield self._event("content_block_stop", index=self.blocks)
            self.blocks += 1
            self.open = ""

    def ending(self) -> Iterator[bytes]:
        yield from self._stop()
        yield self._event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 1},
        )
        yield self._event("message_stop")

    def whole(self, pieces: list[str]) -> dict[str, Any]:
        return self._message([{"type": "text", "text": _said(pieces)}], "end_turn")

    def error(self, status: int, message: str) -> dict[str, Any]:
        kinds = {
            400: "invalid_request_error",
            401: "authentication_error",
            403: "permission_error",
            404: "not_found_error",
            429: "rate_limit_error",
            529: "overloaded_error",
        }
        error = {"type": kinds.get(status, "api_error"), "message": message}
        return {"type": "error", "error": error}

    def error_in_stream(self, status: int, message: str) -> bytes:
        error = self.error(status, message)
        return self._event("error", error=error["error"])


def _said(pieces: list[str]) -> str:
    return "".join(piece for piece in pieces if not isinstance(piece, Thought))
