"""What a language model writes, and what the check says to it: of what it passes, how much holds?

    python -m evals.fluent [--lexical] [--list]

The sentences of `cases/fluent.jsonl` were written by the small model of the tests (SmolLM2 135M)
about the shipped documents, and about ten short ones that the file holds; whether the passages
that it was given bear them out was judged by hand. The precision of "supported" is the share of
truly supported sentences among those that are quoted or supported, recall the share of the truly
supported that are. What the check was improved by is the tuning half.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assistant.bundled import shipped
from assistant.documents import read_documents
from assistant.embedding import Embedding, load_embedding
from assistant.embedding.embedding import Vectors
from assistant.errors import DocumentError
from assistant.grounding import Evidence, Verdict, ground
from assistant.passages import Span, split
from assistant.settings import Settings
from evals import half

CASES = Path(__file__).parent / "cases" / "fluent.jsonl"
FINE = ("quoted", "supported")


class Outcome(NamedTuple):
    """A sentence, whether it is truly supported, and the verdict."""

    sentence: str
    supported: bool
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether it is shown as supported."""
        return self.verdict.label in FINE


def passages(folder: Path, embedding: Embedding | None) -> Iterator[tuple[str, Evidence]]:
    """The passages of a folder's documents as evidence, each under "document#position"."""
    settings = Settings()
    files = [(path, path.name) for path in sorted(folder.iterdir())]
    for document in read_documents(files, settings=settings):
        if isinstance(document, DocumentError):
            raise document
        for passage in split(document, max_tokens=settings.chunk_tokens):
            start = passage.start
            spans = [Span(a - start, b - start) for a, b in passage.sentences]
            vectors = None
            if embedding is not None:
                vectors = embedding.encode([passage.text], [spans])[0].sentences
            name = f"{passage.source}#{passage.position}"
            yield name, Evidence.from_passage(passage, vectors=vectors)


def verdict(sentence: str, evidence: Sequence[Evidence], vector: Vectors | None) -> Verdict:
    """By the one passage that says it best, or else by all of them, as answers are checked."""
    alone = [ground(sentence, [item], vector=vector) for item in evidence]
    fine = [one for one in alone if one.label in FINE]
    return max(fine, key=lambda one: one.score, default=ground(sentence, evidence, vector=vector))


def judge(rows: Sequence[Mapping[str, Any]], embedding: Embedding | None) -> Iterator[Outcome]:
    """Check every sentence of the file."""
    known = dict(passages(shipped("seeds"), embedding))
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            if "document" in row:
                (Path(folder) / row["document"]).write_text(row["text"], encoding="utf-8")
        known.update(passages(Path(folder), embedding))
    for row in rows:
        if "sentence" in row:
            sentence, evidence = row["sentence"], [known[name] for name in row["passages"]]
            vector = embedding.encode([sentence])[0].vector if embedding is not None else None
            yield Outcome(sentence, row["supported"], verdict(sentence, evidence, vector))


def line(name: str, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""
    passed = [one for one in outcomes if one.passed]
    right = sum(one.supported for one in passed)
    supported = sum(one.supported for one in outcomes)
    precision = f"{100 * right / len(passed):9.1f}" if passed else f"{'-':>9}"
    recall = f"{100 * right / supported:7.1f}" if supported else f"{'-':>7}"
    return f"{name:10}{len(outcomes):6}{supported:10}{len(passed):8}{precision}{recall}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--lexical", action="store_true", help="no sentence vectors")
    parser.add_argument("--list", action="store_true", help="what was told wrong when tuning")
    arguments = parser.parse_args()
    embedding = None if arguments.lexical else load_embedding("embedded")
    rows = [json.loads(text) for text in CASES.read_text("utf-8").splitlines()]
    outcomes = list(judge(rows, embedding))
    tuning, reporting = ([o for o in outcomes if half(o.sentence) == part] for part in (0, 1))
    if arguments.list:
        for one in tuning:
            if one.passed != one.supported:
                kind = "passed" if one.passed else one.verdict.label
                print(f"{kind:12}{one.sentence}  ({one.verdict.reason})")
    print(f"{'half':10}{'n':>6}{'supported':>10}{'passed':>8}{'precision':>9}{'recall':>7}")
    for name, part in (("tuning", tuning), ("reporting", reporting), ("both", outcomes)):
        print(line(name, part))


if __name__ == "__main__":
    main()
