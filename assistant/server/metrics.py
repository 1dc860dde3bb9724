"""What the server counts, for Prometheus; no label ever holds what a user wrote."""

import time
from collections.abc import Callable
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.answering import Answer, Draft, Events, Piece
from assistant.errors import ModelError
from assistant.grounding import Label

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "assistant_http_requests",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "assistant_http_request_seconds",
            "Time until the whole answer was sent.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.answers = Counter(
            "assistant_answers",
            "Questions answered, by what came of them.",
            ("outcome",),
            registry=self.registry,
        )
        for outcome in ("answered", "refused", "clarified", "stopped", "failed"):
            self.answers.labels(outcome)
        self.written = Counter(
            "assistant_answers_written",
            "Answers with sentences, by what wrote them.",
            ("by",),
            registry=self.registry,
        )
        for writer in ("documents", "model"):
            self.written.labels(writer)
        self.sentences = Counter(
            "assistant_sentences",
            "Sentences of answers, by what their check found.",
            ("verdict",),
            registry=self.registry,
        )
        for label in get_args(Label):
            self.sentences.labels(label)
        self.model_calls = Counter(
            "assistant_model_calls",
            "How often the language model was asked, for answers that were made.",
            registry=self.registry,
        )
        self.model_failures = Counter(
            "assistant_model_failures",
            "Questions for which the language model failed.",
            registry=self.registry,
        )
        self.first_words = Histogram(
            "assistant_first_words_seconds",
            "Time until the first words of an answer, checked or not, are there.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.asking = Gauge(
            "assistant_questions_in_progress",
            "Questions being answered now.",
            registry=self.registry,
        )
        self.documents = Gauge(
            "assistant_documents", "Documents in the index.", registry=self.registry
        )
        self.passages = Gauge(
            "assistant_passages", "Passages in the index.", registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def text(self) -> Response:
        """All of it, in Prometheus's text format."""
        return Response(
            generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        )

    def watched(self, events: Events) -> Events:
        """The same events of a question, counted by how it ends."""
        outcome = "failed"
        asked: float | None = time.perf_counter()
        with self.asking.track_inprogress():
            try:
                for event in events:
                    if isinstance(event, Draft | Piece) and event.text and asked is not None:
                        self.first_words.observe(time.perf_counter() - asked)
                        asked = None
                    if isinstance(event, Answer):
                        outcome = _outcome(event)
                        self._count(event)
                    yield event
            except GeneratorExit:
                outcome = "stopped" if outcome == "failed" else outcome
                raise
            except ModelError:
                self.model_failures.inc()
                raise
            finally:
                self.answers.labels(outcome).inc()
                events.close()

    def _count(self, answer: Answer) -> None:
        by_model = answer.model != "extractive"
        if answer.sentences:
            self.written.labels("model" if by_model else "documents").inc()
        for sentence in answer.sentences:
            self.sentences.labels(sentence.verdict).inc()
        self.model_calls.inc(answer.model_calls)
        if answer.notice and not by_model:
            self.model_failures.inc()


def _outcome(answer: Answer) -> str:
    if answer.refused:
        return "refused"
    return "clarified" if answer.choices else "answered"


class MetricsMiddleware:
    """Counts requests and their time by the route's template, never by its path."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, template: Callable[[Scope], str]) -> None:
        """Wrap an application; `template` names what answered a request."""
        self._app = app
        self._metrics = metrics
        self._template = template

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = "none"  # the client went away before there was an answer
        started = time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = self._template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)
