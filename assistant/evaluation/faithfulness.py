"""Whether an answer says what the texts say, and its citations show it.

Whether a text bears a statement out is for the caller to tell: `entails(statement, texts)` looks
at all the texts together. Here the product's own check does (`judging`); it is measured by itself
against people's judgements, see `evals.wice`.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from assistant.embedding.embedding import Vectors

Text = TypeVar("Text")
Entails = Callable[[str, Sequence[Text]], bool]
# A statement of an answer, and the texts that it cites.
Cited = tuple[str, Sequence[Text]]


def faithfulness(supported: Sequence[bool]) -> float | None:
    """The share of an answer's claims that the retrieved text supports; None without claims.

    RAGAS (Es et al., 2023, arXiv 2309.15217). It has a model split the answer into claims; here a
    claim is a sentence.
    """
    return sum(supported) / len(supported) if supported else None


def groundedness(scores: Sequence[float]) -> float | None:
    """The mean over the sentences of how well each is supported, from 0 to 1; None without any.

    The "groundedness" of TruLens's RAG triad, whose scores a language model gives.
    """
    return sum(scores) / len(scores) if scores else None


def citation_recall(answer: Sequence[Cited[Text]], entails: Entails[Text]) -> float | None:
    """The share of statements that are cited, and entailed by their citations together.

    ALCE: Gao et al., "Enabling Large Language Models to Generate Text with Citations" (2023,
    arXiv 2305.14627), section 4.2. None for an answer without statements.
    """
    if not answer:
        return None
    return sum(bool(texts) and entails(said, texts) for said, texts in answer) / len(answer)


def citation_precision(answer: Sequence[Cited[Text]], entails: Entails[Text]) -> float | None:
    """The share of citations that are of use (ALCE, as above).

    A citation counts if its statement is entailed by its citations together, and either it
    entails the statement alone, or the others do not without it. None for an answer without
    citations, where ALCE's script writes 0: `citation_recall` is 0 there already.
    """
    useful = []
    for said, texts in answer:
        whole = bool(texts) and entails(said, texts)
        for place, text in enumerate(texts):
            others = [*texts[:place], *texts[place + 1 :]]
            useful.append(
                whole and (not others or entails(said, [text]) or not entails(said, others))
            )
    return sum(useful) / len(useful) if useful else None


def question_likeness(question: Vectors, sentences: Vectors) -> float | None:
    """The cosine of a question with the likest sentence of its answer; None without sentences.

    A proxy of answer relevancy, hence the other name: RAGAS compares the question with questions
    that a language model draws from the answer. It says whether the answer is about the matter,
    not whether it is right. Vectors have length 1; `sentences` has shape (sentences, dimensions).
    """
    return float(np.max(sentences @ question)) if len(sentences) else None
