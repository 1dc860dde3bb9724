"""The product's own check as the judge of statements: does this text bear it out?"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from assistant.embedding import Embedding
from assistant.embedding.embedding import Vectors
from assistant.grounding import Evidence, Verdict, ground
from assistant.grounding.verdict import encodable
from assistant.passages import Passage, Span, sentence_spans

# Texts and statements are judged several times each: with others, and alone.
REMEMBERED = 4096


class Text(NamedTuple):
    """A text that may bear a statement out.

    Attributes:
        text: What it says.
        context: What its reader knows beside it (title, headings); it supports nothing by itself.
        sentences: Where its sentences are, if somebody knows better than a guess by its marks,
            as of the rows of a table.
    """

    text: str
    context: str = ""
    sentences: tuple[Span, ...] = ()

    @classmethod
    def of(cls, passage: Passage) -> "Text":
        """A passage of the index."""
        evidence = Evidence.from_passage(passage)
        return cls(evidence.text, evidence.context, evidence.sentences)


# What the texts, looked at together, say to a statement.
Judge = Callable[[str, Sequence[Text]], Verdict]


def supported(verdict: Verdict) -> bool:
    """Whether it is borne out: `weak` is not."""
    return verdict.label in ("quoted", "supported")


def grounding_judge(embedding: Embedding) -> Judge:
    """`assistant.grounding` with an embedding model that pools late: the embedded one."""

    @lru_cache(REMEMBERED)
    def evidence(item: Text) -> Evidence:
        spans = item.sentences or tuple(sentence_spans(item.text))
        return Evidence(item.text, spans, context=item.context)

    @lru_cache(REMEMBERED)
    def encoded(item: Text) -> Evidence:
        plain = evidence(item)
        (code,) = embedding.encode([encodable(item.text)], [plain.sentences])
        return Evidence(plain.text, plain.sentences, code.sentences, plain.context)

    @lru_cache(REMEMBERED)
    def vector(statement: str) -> Vectors:
        return embedding.encode([encodable(statement)])[0].vector

    @lru_cache(REMEMBERED)
    def verdict_on(statement: str, texts: tuple[Text, ...]) -> Verdict:
        # What is there word for word needs no vectors, and that is most of an extractive answer.
        verdict = ground(statement, [evidence(item) for item in texts])
        if verdict.label == "quoted" or not texts:
            return verdict
        return ground(statement, [encoded(item) for item in texts], vector=vector(statement))

    return lambda statement, texts: verdict_on(statement, tuple(texts))
