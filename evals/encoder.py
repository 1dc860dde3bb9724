"""How fast the embedded encoder is, and how true to the float model it was made from.

    python -m evals.encoder [--upstream DIR | --float MODEL.onnx] [--scifact DIR] [--threads N]

The peer is the float32 twin of the same graph (built from the published weights in DIR when
asked), run by the same code: one text at a time on each thread, which measured faster for it than
padded batches. Rates are the best of several rounds in which both take turns, so that other work
on the machine hits both. `--scifact` takes BEIR's folder (`corpus.jsonl.gz`,
`queries.test.jsonl`, `qrels/test.tsv`) and adds nDCG@10 of dense retrieval alone.
"""

import argparse
import csv
import gzip
import json
import math
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.minilm import MODEL_FOLDER, MiniLM

PASSAGE_TOKENS = 120
ROUNDS = 5

Array = NDArray[np.float32]


def load(model_file: Path, *, threads: int) -> MiniLM:
    """The same encoder with other weights."""

    class Peer(MiniLM):
        pass

    Peer.model_file = model_file
    return Peer(threads=threads)


def passages(encoder: MiniLM, *, count: int) -> list[str]:
    """Texts of `PASSAGE_TOKENS` wordpieces ([CLS] and [SEP] included), cut from the licence."""
    text = (MODEL_FOLDER / "LICENSE").read_text(encoding="utf-8")
    words = " ".join(text.split())
    _, starts = encoder.tokens(words)
    length = PASSAGE_TOKENS - 2
    firsts = np.linspace(0, len(starts) - length - 1, count).astype(int)
    return [words[starts[first] : starts[first + length]].strip() for first in firsts]


def matrix(encoder: MiniLM, texts: list[str]) -> Array:
    """The vectors of the texts, one a row."""
    return np.stack([encoded.vector for encoded in encoder.encode(texts)])


def rates(encoders: dict[str, MiniLM], texts: list[str]) -> dict[str, tuple[float, float]]:
    """Passages a second, and processor milliseconds a passage, of each encoder at its best."""
    best = dict.fromkeys(encoders, (0.0, float("inf")))
    for _ in range(ROUNDS):
        for name, encoder in encoders.items():
            wall, processor = time.perf_counter(), time.process_time()
            encoder.encode(texts)
            rate = len(texts) / (time.perf_counter() - wall)
            cost = 1000 * (time.process_time() - processor) / len(texts)
            best[name] = max(best[name][0], rate), min(best[name][1], cost)
    return best


def query_milliseconds(encoder: MiniLM) -> float:
    """The median time for a question of twelve words."""
    question = "Which parts of the agreement between both countries came into force last year?"
    times = []
    for _ in range(50):
        start = time.perf_counter()
        encoder.encode_query(question)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def scifact(folder: Path) -> tuple[list[str], list[str], Callable[[Array, Array], float]]:
    """The corpus, the test queries, and a function from both's vectors to nDCG@10."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        corpus = [json.loads(line) for line in lines]
    texts = (folder / "queries.test.jsonl").read_text(encoding="utf-8").splitlines()
    queries = {str(query["_id"]): query["text"] for query in map(json.loads, texts)}
    place = {str(document["_id"]): index for index, document in enumerate(corpus)}
    relevant: dict[str, dict[int, int]] = defaultdict(dict)
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            relevant[row["query-id"]][place[row["corpus-id"]]] = int(row["score"])
    judged = [name for name in queries if name in relevant]

    def score(documents: Array, questions: Array) -> float:
        gains = []
        for name, similarities in zip(judged, questions @ documents.T, strict=True):
            ranking = np.argsort(-similarities, kind="stable")[:10]
            found = discounted([relevant[name].get(int(index), 0) for index in ranking])
            gains.append(found / discounted(sorted(relevant[name].values(), reverse=True)[:10]))
        return float(np.mean(gains))

    texts = [f"{document['title']} {document['text']}" for document in corpus]
    return texts, [queries[name] for name in judged], score


def discounted(gains: list[int]) -> float:
    """Discounted cumulative gain."""
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def report(encoders: dict[str, MiniLM], *, folder: Path | None) -> Iterator[str]:
    """Measure, and tell line by line."""
    texts = passages(encoders["int8"], count=128)
    load_average = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    yield f"{len(texts)} passages of {PASSAGE_TOKENS} tokens, best of {ROUNDS}; {load_average}"
    measured = rates(encoders, texts)
    for name, (rate, cost) in measured.items():
        yield f"{name:6} {rate:7.1f} passages/s   {cost:6.2f} processor ms a passage"
    yield f"int8   {query_milliseconds(encoders['int8']):7.2f} ms a question of 12 words"
    if "float" in encoders:
        rate, cost = (a / b for a, b in zip(measured["int8"], measured["float"], strict=True))
        yield f"int8 / float: {rate:.2f} times the rate at {cost:.2f} of the processor time"
        cosines = (matrix(encoders["int8"], texts) * matrix(encoders["float"], texts)).sum(axis=1)
        yield f"cosine to float: mean {cosines.mean():.5f}, least {cosines.min():.5f}"
    if folder:
        corpus, questions, score = scifact(folder)
        scores, vectors = {}, {}
        for name, encoder in encoders.items():
            vectors[name] = matrix(encoder, corpus)
            scores[name] = score(vectors[name], matrix(encoder, questions))
            yield f"SciFact test, dense alone: nDCG@10 {scores[name]:.4f} {name}"
        if "float" in encoders:
            yield f"int8 - float: {scores['int8'] - scores['float']:+.4f}"
            cosines = (vectors["int8"] * vectors["float"]).sum(axis=1)
            yield (
                f"cosine to float over {len(corpus)} abstracts: "
                f"mean {cosines.mean():.5f}, least {cosines.min():.5f}"
            )


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--upstream", type=Path, help="folder with the published model.safetensors")
    parser.add_argument("--float", type=Path, help="the float32 model, from build.py --float")
    parser.add_argument("--scifact", type=Path, help="BEIR's SciFact folder")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        start = time.perf_counter()
        encoders = {"int8": MiniLM(threads=arguments.threads)}
        encoders["int8"].encode_query("The model is loaded for the first text.")
        print(f"loaded in {time.perf_counter() - start:.2f} s, onnxruntime's import included")
        peer = arguments.float
        if arguments.upstream:
            from assistant.embedding.model.build import build_float

            peer = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "float.onnx"
            build_float(arguments.upstream, peer)
        if peer:
            encoders["float"] = load(peer, threads=arguments.threads)
        for line in report(encoders, folder=arguments.scifact):
            print(line, flush=True)


if __name__ == "__main__":
    main()
