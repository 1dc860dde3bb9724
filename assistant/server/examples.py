"""Examples of answers in the OpenAPI description that no schema can show."""

from typing import Any

from assistant.server.responses import described_events, to_json

PASSAGE: dict[str, Any] = {
    "score": 0.71,
    "cosine": 0.68,
    "dense_rank": 1,
    "lexical_rank": 2,
    "lexical_score": 7.4,
    "matched": ["warranty", "lasts"],
}
CITATION: dict[str, Any] = {
    "number": 1,
    "source": "terms/warranty.pdf",
    "title": "Terms of warranty",
    "quote": "The warranty lasts three years from the day of purchase.",
    "start": 1204,
    "end": 1260,
    "page": 2,
    "page_end": 2,
    "heading": ["Duration"],
    "sheet": None,
    "row": None,
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "passage": "The warranty lasts three years from the day of purchase. Keep the receipt.",
    "passage_start": 1204,
    **PASSAGE,
    "why": "dense #1 (cosine 0.68) · lexical #2 (BM25 7.4) · matches warranty, lasts",
}
SENTENCE: dict[str, Any] = {
    "text": "The warranty lasts three years from the day of purchase.",
    "verdict": "quoted",
    "citations": [1],
    "reason": "",
    "lead": "",
}
ANSWER: dict[str, Any] = {
    "question": "How long does the warranty last?",
    "search_query": "How long does the warranty last?",
    "text": "The warranty lasts three years from the day of purchase. [1]",
    "refused": False,
    "confidence": 0.93,
    "sentences": [SENTENCE],
    "citations": [CITATION],
    "model": "ollama:qwen3:4b",
    "timings": {"retrieve": 0.021, "answer": 1.309, "total": 1.33},
    "closest": [],
    "choices": [],
    "unclear": "",
    "searches": ["How long does the warranty last?"],
    "model_calls": 1,
    "notice": "",
    "conversation": None,
    "turn": None,
    "problem": None,
}


def _streamed(*events: tuple[str, dict[str, Any]]) -> str:
    return "".join(f"event: {name}\ndata: {to_json(data)}\n\n" for name, data in events)


_NAMED = {"id": "chatcmpl-5f1c", "created": 1735689600, "model": "assistant"}
COMPLETION: dict[str, Any] = {
    **_NAMED,
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER["text"], "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 15, "total_tokens": 22},
    "assistant": {
        key: value
        for key, value in ANSWER.items()
        if key not in ("conversation", "turn", "problem")
    },
}


def _chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    chunk = {**_NAMED, "object": "chat.completion.chunk", "choices": [choice], **more}
    return f"data: {to_json(chunk)}\n\n"


# As `responses={200: ...}` of the routes.
ANSWERED: dict[str, Any] = {
    "description": "The answer, whole or as it is made.",
    "content": {
        "application/json": {"example": ANSWER},
        **described_events(
            *("searching", "draft", "piece", "answer", "error"),
            example=_streamed(
                (
                    "searching",
                    {"search_query": ANSWER["search_query"], "searches": ANSWER["searches"]},
                ),
                ("draft", {"text": "The warranty lasts"}),
                ("draft", {"text": SENTENCE["text"]}),
                (
                    "piece",
                    {"text": ANSWER["text"], "sentence": SENTENCE, "citations": [CITATION]},
                ),
                ("answer", ANSWER),
            ),
        ),
    },
}
EXPORTED: dict[str, Any] = {
    "description": "The file.",
    "content": {
        "text/markdown": {
            "schema": {"type": "string"},
            "example": "# Warranty\n\n## How long does the warranty last?\n\n"
            "The warranty lasts three years from the day of purchase.[^1]\n",
        }
    },
}
CASES: dict[str, Any] = {
    "description": "The cases.",
    "content": {
        "application/jsonl": {
            "itemSchema": {"type": "object"},
            "example": to_json(
                {
                    "id": "feedback-7",
                    "question": ANSWER["question"],
                    "answerable": True,
                    "answers": [CITATION["quote"]],
                    "sources": [CITATION["source"]],
                    "tags": ["feedback", "good"],
                    "rating": "good",
                    "comment": "",
                    "history": [],
                    "answer": ANSWER["text"],
                }
            )
            + "\n",
        }
    },
}
COMPLETED: dict[str, Any] = {
    "description": "The answer, whole or in chunks.",
    "content": {
        "application/json": {"example": COMPLETION},
        **described_events(
            example=_chunk({"role": "assistant", "content": ""})
            + _chunk({"content": ANSWER["text"]})
            + _chunk({}, "stop", assistant=COMPLETION["assistant"])
            + "data: [DONE]\n\n"
        ),
    },
}
