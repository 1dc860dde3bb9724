"""What people say to statements and texts, in the words of WiCE, SciFact and CLAPNQ."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from assistant.evaluation.judging import Text
from assistant.passages import Span, sentence_spans


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people say to statements and a text.

    Attributes:
        cluster: What it is not independent of; halves never tear it apart.
        kind: What the label was.
        statements: The sentences of what is judged.
        text: The text with its sentences.
        supported: Whether the text bears all of it out; None where nobody said.
        evidence: The places of the sentences that do, or contradict it; None where nobody said.
    """

    cluster: str
    kind: str
    statements: tuple[str, ...]
    text: Text
    supported: bool | None
    evidence: frozenset[int] | None


def joined(sentences: Sequence[str], *, context: str = "") -> Text:
    """A text of such sentences."""
    spans, start = [], 0
    for sentence in sentences:
        spans.append(Span(start, start + len(sentence)))
        start += len(sentence) + 1
    return Text("\n".join(sentences), context, tuple(spans))


def wice(folder: Path) -> Iterator[Labelled]:
    """Claims of Wikipedia, each with the page that it cites."""
    with gzip.open(folder / "flat_dev.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            sentences = row["doc"].split("\n")
            said = {place for group in row["supporting_sentences"] for place in group}
            filled = [place for place, one in enumerate(sentences) if one.strip()]
            yield Labelled(
                row["id"],
                row["label3"],
                (row["claim"],),
                joined([sentences[place] for place in filled]),
                row["label"] == 1,
                frozenset(number for number, place in enumerate(filled) if place in said),
            )


def scifact(folder: Path, split: str = "test") -> Iterator[Labelled]:
    """Claims, each with the abstracts that it was checked against."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as rows:
        abstracts = {str(row["_id"]): row for row in map(json.loads, rows)}
    with (folder / f"queries.{split}.jsonl").open(encoding="utf-8") as rows:
        queries = {str(row["_id"]): row for row in map(json.loads, rows)}
    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            query, abstract = queries[row["query-id"]], abstracts[row["corpus-id"]]
            said = [one for one in query["evidence"] if str(one["doc"]) == row["corpus-id"]]
            kind = said[0]["label"] if said else "NOTHING"
            yield Labelled(
                row["corpus-id"],
                kind,
                (query["text"],),
                joined(abstract["sentences"], context=abstract["title"]),
                kind == "SUPPORT",
                frozenset(place for one in said for place in one["sentences"]),
            )


def clapnq(folder: Path) -> Iterator[Labelled]:
    """Answers that people wrote, with the passage, and with its evidence and the rest apart."""
    with (folder / "clapnq_dev_answerable.jsonl").open(encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            passage = row["passages"][0]
            for output in row["output"]:
                answer, chosen = output["answer"], set(output["selected_sentences"])
                if answer != "NA" and chosen:  # the annotator found an answer
                    yield from _parts(row["id"], passage, answer, chosen)


def _parts(
    key: str, passage: dict[str, Any], answer: str, chosen: AbstractSet[str]
) -> Iterator[Labelled]:
    """An answer with its passage, with the evidence, and with the rest."""
    sentences, title = passage["sentences"], passage["title"]
    statements = tuple(answer[span.start : span.end] for span in sentence_spans(answer))
    taken = frozenset(place for place, one in enumerate(sentences) if one in chosen)
    yield Labelled(key, "passage", statements, joined(sentences, context=title), None, taken)
    for kind, use in (("evidence", True), ("rest", False)):
        part = [one for place, one in enumerate(sentences) if (place in taken) == use]
        if part:
            yield Labelled(key, kind, statements, joined(part, context=title), use, None)


LOADERS: dict[str, Callable[[Path], Iterable[Labelled]]] = {
    "wice": wice,
    "scifact": scifact,
    "scifact-train": partial(scifact, split="train"),
    "clapnq": clapnq,
}
