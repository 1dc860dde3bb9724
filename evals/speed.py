"""How fast it all is, and how much memory it takes; every figure with its parts or peers.

    python -m evals.speed sync   [--passages 3000]
    python -m evals.speed resync [--files 10000] [--keep DIR]
    python -m evals.speed ask    [--passages 10000] [--tokens 200] [--keep DIR]

The texts are generated (`evals.generated`): the shipped documents' sentences with half of their
longer words replaced by others, drawn by Zipf's law from 20,000. Each measurement runs in a fresh
process. `--keep` keeps what was built in DIR and uses it again. The targets are for two cores and
nothing else running; the load is printed with the figures.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from assistant import Assistant, Document
from assistant.embedding import load_embedding
from assistant.indexes import dense
from assistant.passages import split
from assistant.sync import Step
from assistant.sync.encoding import embedded_text
from evals.generated import patterns, sentences, texts, vocabulary

PASSAGE_TOKENS = 120
PARAGRAPHS = 20  # of a document
ROUNDS = 3
CASES = Path(__file__).parent / "cases" / "seeds.jsonl"

T = TypeVar("T")


def fresh(function: Callable[..., T], *arguments: Any) -> T:
    """What the function returns, run in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def load() -> str:
    """How busy the machine is."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def peak_memory() -> float:
    """The most memory that this process has had, in GB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e6


def seconds(command: Sequence[str]) -> float:
    """How long a process takes, the quickest of `ROUNDS`."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


# Sync against the encoder alone.


def sync(options: argparse.Namespace) -> Iterator[str]:
    """What share of the encoder's own rate a sync of plain text reaches."""
    yield f"sync: {options.passages} passages of about {PASSAGE_TOKENS} tokens; {load()}"
    shares = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "files")
        folder.mkdir()
        paragraphs = list(islice(texts(tokens=PASSAGE_TOKENS), options.passages))
        for start in range(0, len(paragraphs), PARAGRAPHS):
            text = "\n\n".join(paragraphs[start : start + PARAGRAPHS])
            (folder / f"notes-{start}.txt").write_text(text, encoding="utf-8")
        for number in range(ROUNDS):
            once = fresh(sync_once, folder, Path(place, f"index-{number}"))
            shares.append(once.rate / once.encoder)
            yield (
                f"  encoder alone {once.encoder:6.1f} passages/s, sync {once.rate:6.1f}: "
                f"{shares[-1]:6.1%}, by processor time {once.processor:.1%} "
                f"({once.encoding:.1%} of the sync's time is encoding); {load()}"
            )
    yield f"  {statistics.median(shares):.1%} of the encoder's rate, the median (target 90 %)"


class Synced(NamedTuple):
    """The rates of a sync, and of the encoder before and after it, and how they compare.

    `processor` is the encoder's processor time as a share of the sync's, child processes
    included, which other work on the machine does not disturb; `encoding` is how much of the
    sync's time went by in the encoder.
    """

    rate: float
    encoder: float
    processor: float
    encoding: float


def processor_seconds() -> float:
    """The processor time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def sync_once(folder: Path, index: Path) -> Synced:
    """Sync a folder into a new index, and encode the same passages before and after."""
    embedding, spent = load_embedding("embedded"), [0.0]
    with Assistant.open(index, chunk_tokens=PASSAGE_TOKENS) as assistant:
        read = [found for found in assistant.read([folder]) if isinstance(found, Document)]
        passages = [p for found in read for p in split(found, max_tokens=PASSAGE_TOKENS)]
        inputs = [embedded_text(passage) for passage in passages]
        encode = embedding.encode

        def watched(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return encode(*arguments)
            finally:
                spent[0] += time.perf_counter() - start

        def timed(work: Callable[[], object]) -> tuple[float, float]:
            wall, processor = time.perf_counter(), processor_seconds()
            work()
            return time.perf_counter() - wall, processor_seconds() - processor

        def encoder_alone() -> None:
            encode([text for text, _ in inputs], [spans for _, spans in inputs])

        encode([inputs[0][0]])  # The model is loaded.
        before = timed(encoder_alone)
        embedding.encode = watched  # type: ignore[method-assign, assignment]
        whole = timed(lambda: assistant.sync(folder))
        after = timed(encoder_alone)
        if assistant.status().counts.passages != len(inputs):
            raise SystemExit("the sync made other passages than the encoder was measured with")
    alone, processor = ((a + b) / 2 for a, b in zip(before, after, strict=True))
    count = len(inputs)
    return Synced(count / whole[0], count / alone, processor / whole[1], spent[0] / whole[0])


# A sync that finds nothing new.


def resync(options: argparse.Namespace) -> Iterator[str]:
    """How long a sync of an unchanged folder takes, and what it reads of it."""
    folder, index = options.place / "files", options.place / "index"
    if not index.exists():
        lines = sentences(1)
        for number in range(options.files):
            path = folder / f"{number // 100:03}" / f"note-{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(next(lines), encoding="utf-8")
        with Assistant.open(index) as assistant:
            assistant.sync(folder, progress=told)
    yield f"resync: {options.files} unchanged files; {load()}"
    taken = [fresh(resync_once, folder, index) for _ in range(ROUNDS)]
    best, opened, listed = min(taken)
    yield f"  from Python, modules imported before: {best:.2f} s (target 2 s)"
    yield f"  files of the folder opened: {opened}; directories listed: {listed}"
    command = [sys.executable, "-m", "assistant", "sync", str(folder), "--index", str(index)]
    yield f"  process `assistant sync`: {seconds(command):.2f} s (target 2 s)"


def resync_once(folder: Path, index: Path) -> tuple[float, int, int]:
    """How long it takes; how many files of the folder are opened, and directories listed."""
    counted = {"open": 0, "os.scandir": 0}

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in counted and str(arguments[0]).startswith(str(folder)):
            counted[event] += 1

    with Assistant.open(index) as assistant:
        sys.addaudithook(watch)
        start = time.perf_counter()
        report = assistant.sync(folder)
        taken = time.perf_counter() - start
    if report.added or report.changed or report.removed or report.failed:
        raise SystemExit(f"the folder had changed: {report}")
    return taken, counted["open"], counted["os.scandir"]


# Questions.


def ask(options: argparse.Namespace) -> Iterator[str]:
    """How long a question takes, warm and cold, and the memory for it."""
    index = options.place / "index"
    if not index.exists():
        yield f"building {options.passages:,} passages; {load()}"
        taken, memory = fresh(build, index, options.passages, options.tokens)
        yield f"  in {taken:.0f} s, at most {memory:.2f} GB (target 1.5 GB)"
    for way in ("exact", "auto"):
        yield from fresh(ask_many, index, way)
    assistant = [sys.executable, "-m", "assistant"]
    question = [*assistant, "ask", "How long will the treaty last?", "--index", str(index)]
    yield f"cold, the quickest of {ROUNDS}; {load()}"
    yield f"  process `assistant ask`: {seconds(question):.2f} s (target 2 s)"
    yield f"  process `assistant --help`: {seconds([*assistant, '--help']):.2f} s (target 0.3 s)"


def build(index: Path, passages: int, tokens: int) -> tuple[float, float]:
    """Build an index of generated documents; the seconds and the memory that it took."""

    def documents() -> Iterator[Document]:
        supply, number, count = texts(tokens=tokens), 0, 0
        while count < passages:
            number += 1
            text = "\n\n".join(islice(supply, PARAGRAPHS))
            document = Document.from_text(text, source=f"notes/{number}", title=f"Notes {number}")
            count += len(split(document, max_tokens=tokens))
            yield document

    start = time.perf_counter()
    with Assistant.open(index, chunk_tokens=tokens) as assistant:
        assistant.add(documents(), progress=told)
    return time.perf_counter() - start, peak_memory()


def questions() -> list[str]:
    """Questions of all kinds: common words and rare ones, with an answer in the index or none."""
    chance = random.Random(2)
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    words, _ = vocabulary()
    found = [case["question"] for case in cases]
    for text in islice(sentences(0), 80):
        several = chance.sample(text.strip(".").split(), 5)
        found.append(f"What is said about {' '.join(several[:3])} and {' '.join(several[3:])}?")
    found += [f"What does {chance.choice(words[5000:])} have to do with it?" for _ in range(40)]
    chance.shuffle(found)
    return found


def ask_many(index: Path, way: str) -> list[str]:
    """Ask many questions, one by one, in a process that has answered some."""
    if way == "exact":
        dense.EXACT_IS_FASTER = sys.maxsize
    asked = questions()
    with Assistant.open(index, chunk_tokens=None) as assistant:
        count = assistant.status().counts.passages
        for question in asked[:20]:
            assistant.ask(question)
        searched = assistant._dense
        searched.wait()
        assistant.ask(asked[0])
        answered_by = searched.answers_by
        answers = [assistant.ask(question) for question in asked]
    spent = {
        part: sorted(1000 * answer.timings[part] for answer in answers)
        for part in ("total", "retrieve", "answer")
    }
    lines = [f"ask: {count:,} passages, {len(asked)} questions, dense by {answered_by}; {load()}"]
    for part, values in spent.items():
        p50, p95 = values[len(values) // 2], values[len(values) * 95 // 100]
        aim = " (target p50 20 ms at 10,000, 40 ms at 100,000)" if part == "total" else ""
        lines.append(f"  {part:9} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms{aim}")
    refused = sum(answer.refused for answer in answers)
    lines.append(f"  {refused} refused; memory at most {peak_memory():.2f} GB (target 1.5 GB)")
    return lines


def told(step: Step) -> None:
    """Progress, now and then."""
    if step.done % 500 == 0 or step.phase != "documents":
        print(f"  {step.phase}: {step.done:,} of {step.total:,}", file=sys.stderr, flush=True)


def main() -> None:
    """Print the figures asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    known = {"sync": sync, "resync": resync, "ask": ask}
    for name, function in known.items():
        command = commands.add_parser(name, help=function.__doc__)
        command.add_argument("--keep", type=Path, help="keep what is built here, and use it again")
        if name == "resync":
            command.add_argument("--files", type=int, default=10_000)
        else:
            command.add_argument("--passages", type=int, default=3000 if name == "sync" else 10_000)
        if name == "ask":
            command.add_argument("--tokens", type=int, default=200, help="of a passage")
    options = parser.parse_args()
    patterns()
    with nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as place:
        options.place = Path(place)
        for line in known[options.command](options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
