"""How the server holds up: many people asking at once, and its memory over many requests.

    python -m evals.server [--passages 10000] [--people 50] [--requests 20] [--memory 10000]

A real server (`assistant serve`) in a process of its own, asked over HTTP by this one, on the same
machine: what this process takes of the processors is printed, too. The texts are generated
(`evals.generated`). Two measurements, each skipped with 0: `--people` who ask all at once
`--requests` questions each, one after the other, against one person alone on the same server; and
the server's memory over `--memory` requests of all kinds, in which at first the bounded caches of
words and the allocator's slack grow. `--index` takes a built index, of which
a copy is used. The targets are for two cores and nothing else running; the load is printed.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from evals.generated import sentences, vocabulary
from evals.speed import CASES, build, fresh, load

TOKENS = 200  # of a passage
ALONE = 60  # questions of the one person
WARMING = 40  # requests before anything is measured
AT_ONCE = 8  # requests under way while memory is watched
SAMPLES = 10
TIMEOUT = 120.0
FOLLOW_UPS = ("Why?", "How old is it?", "And {word}?", "What about {word}?")
JSON = {"Content-Type": "application/json"}

Question = dict[str, Any]


class Server(NamedTuple):
    """A server that answers."""

    url: str
    process: int

    def memory(self) -> tuple[float, float]:
        """The memory that is resident, and what of it belongs to no file, in MB (Linux)."""
        status = Path(f"/proc/{self.process}/status").read_text(encoding="ascii")
        return tuple(  # type: ignore[return-value]
            int(status.partition(f"{name}:")[2].split()[0]) / 1e3 for name in ("VmRSS", "RssAnon")
        )

    def processor_seconds(self) -> float:
        """What the process took of the processors until now (Linux)."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2]
        return sum(int(field) for field in fields.split()[11:13]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(index: Path) -> Iterator[Server]:
    """A server of this index on a free port of this machine, until the block ends.

    Raises:
        SystemExit: It cannot answer; its own log says why.
    """
    command = [sys.executable, "-m", "assistant", "serve", "--index", str(index), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise SystemExit("the server did not start")
            server = Server(url.rstrip("/"), process.pid)
            until = time.monotonic() + TIMEOUT
            while httpx.get(f"{server.url}/readyz", timeout=TIMEOUT).status_code != 200:
                if time.monotonic() > until:
                    raise SystemExit("the server does not become ready")
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()


@contextmanager
def copied(index: Path | None, *, passages: int) -> Iterator[Path]:
    """A copy of the index, or a new one of generated texts, that may be written to."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "index")
        if index is None:
            print(f"building {passages:,} passages; {load()}", flush=True)
            fresh(build, copy, passages, TOKENS)
        else:
            shutil.copytree(index, copy)
        yield copy


def questions(seed: int) -> Iterator[Question]:
    """Questions without end, all different: with an answer in the texts, without, follow-ups."""
    chance = random.Random(seed)
    words, _ = vocabulary()
    lines = CASES.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines]
    before = ""
    for number, text in enumerate(sentences(seed)):
        several = [word.strip(",.;:()\"'") for word in text.split()]
        word = chance.choice(words[2000:])
        match number % 5:
            case 0:
                question = f"{chance.choice(asked)[:-1]} {chance.choice(several)}?"
            case 1 | 2:
                question = f"What is said about {' '.join(chance.sample(several, 5))}?"
            case 3:
                question = f"What does {word} have to do with {chance.choice(words[5000:])}?"
            case _:
                history = [{"question": before, "answer": text}]
                question = chance.choice(FOLLOW_UPS).format(word=word)
                yield {"question": question, "history": history}
                continue
        before = question
        yield {"question": question}


# Many people at once.


class Asked(NamedTuple):
    """What came of some questions: seconds each, the kinds of answers, what failed, and how."""

    seconds: list[float]
    kinds: Counter[str]
    failures: list[str]
    wall: float


async def person(client: httpx.AsyncClient, asking: Sequence[Question], into: Asked) -> None:
    """Ask one question after the other."""
    for question in asking:
        start = time.perf_counter()
        try:
            response = await client.post("/v1/ask", json=question)
            answer = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            into.failures.append(f"{type(error).__name__}: {error}")
            continue
        into.seconds.append(time.perf_counter() - start)
        choices = "asked back" if answer["choices"] else "answered"
        into.kinds["refused" if answer["refused"] else choices] += 1


async def ask(url: str, people: Sequence[Sequence[Question]]) -> Asked:
    """Let people ask at the same time, each over a connection of their own."""
    clients = [httpx.AsyncClient(base_url=url, timeout=TIMEOUT) for _ in people]
    asked = Asked([], Counter(), [], 0.0)
    start = time.perf_counter()
    try:
        await asyncio.gather(
            *(person(c, own, asked) for c, own in zip(clients, people, strict=True))
        )
        return asked._replace(wall=time.perf_counter() - start)
    finally:
        for client in clients:
            await client.aclose()


def people(server: Server, options: argparse.Namespace) -> Iterator[str]:
    """One person alone, then many at once."""
    count, each = options.people, options.requests
    asyncio.run(ask(server.url, [list(islice(questions(1), WARMING))]))
    yield f"people: {count} at once, {each} questions each; {load()}"
    many = [list(islice(questions(100 + number), each)) for number in range(count)]
    for name, group in (
        ("one alone", [list(islice(questions(2), ALONE))]),
        (f"{count} people", many),
    ):
        ours, theirs = time.process_time(), server.processor_seconds()
        asked = asyncio.run(ask(server.url, group))
        ours, theirs = time.process_time() - ours, server.processor_seconds() - theirs
        taken = sorted(asked.seconds)
        done, total = len(taken), sum(len(own) for own in group)
        kinds = ", ".join(f"{number} {kind}" for kind, number in asked.kinds.most_common())
        yield f"  {name}: {total} questions, {len(asked.failures)} failed; {kinds}"
        if taken:
            yield (
                f"    p50 {taken[done // 2]:.3f} s   p95 {taken[done * 95 // 100]:.3f} s   "
                f"max {taken[-1]:.3f} s   {done / asked.wall:.1f} requests/s"
            )
            yield (
                f"    processor time a question: server {1000 * theirs / done:.1f} ms, "
                f"this client {1000 * ours / done:.1f} ms"
            )
        for failure, number in Counter(asked.failures).most_common(5):
            yield f"    {number} x {failure}"
    yield f"  targets for {count} people: none fails, p95 under 2 s; {load()}"


# Memory.


async def several(client: httpx.AsyncClient, number: int, question: Question) -> int:
    """One round of what programs and the page ask for; the number of requests that it took."""
    match number % 10:
        case 0 | 1 | 2 | 3 | 4:
            (await client.post("/v1/ask", json=question)).raise_for_status()
            return 1
        case 5 | 6:
            query = {"query": question["question"], "limit": 10}
            (await client.post("/v1/search", json=query)).raise_for_status()
            return 1
        case 7:
            (await client.post("/v1/ask", json=question | {"stream": True})).raise_for_status()
            return 1
        case 8:
            # A reader who goes away after the first words.
            body = question | {"stream": True}
            async with client.stream("POST", "/v1/ask", json=body) as response:
                response.raise_for_status()
                async for _ in response.aiter_bytes():
                    break
            return 1
    made = (await client.post("/v1/conversations", json={})).raise_for_status().json()["id"]
    path = f"/v1/conversations/{made}"
    asked = {"question": question["question"], "conversation": made}
    (await client.post("/v1/ask", json=asked)).raise_for_status()
    (await client.post("/v1/ask", json=asked | {"question": "Why?"})).raise_for_status()
    (await client.get(path)).raise_for_status()
    (await client.get("/v1/conversations")).raise_for_status()
    (await client.delete(path)).raise_for_status()
    return 6


async def work(url: str, count: int, *, seed: int) -> int:
    """About so many requests of all kinds, some at a time; how many rounds of them failed."""
    supply, numbers, done, failed = questions(seed), cycle(range(10)), 0, 0

    async def worker(client: httpx.AsyncClient) -> None:
        nonlocal done, failed
        while done < count:
            try:
                taken = await several(client, next(numbers), next(supply))
            except httpx.HTTPError as error:
                taken, failed = 1, failed + 1
                print(f"  {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            done += taken

    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT) as client:
        await asyncio.gather(*(worker(client) for _ in range(AT_ONCE)))
    return failed


def memory(server: Server, options: argparse.Namespace) -> Iterator[str]:
    """The server's memory while it answers, and how fast it still grows at the end."""
    step = max(1, options.memory // SAMPLES)
    failed = asyncio.run(work(server.url, WARMING, seed=3))
    kept = [server.memory()]
    yield f"memory: {options.memory:,} requests of all kinds, {AT_ONCE} at once; {load()}"
    yield f"  {0:7,} requests: {kept[0][0]:7.1f} MB, {kept[0][1]:7.1f} of no file"
    for number in range(1, SAMPLES + 1):
        start = time.perf_counter()
        failed += asyncio.run(work(server.url, step, seed=1000 + number))
        kept.append(server.memory())
        rate = step / (time.perf_counter() - start)
        resident, own = kept[-1]
        yield (
            f"  {number * step:7,} requests: {resident:7.1f} MB, {own:7.1f} of no file "
            f"({rate:.0f} requests/s)"
        )
    half = range(SAMPLES // 2, SAMPLES + 1)
    late = statistics.linear_regression([n * step / 1000 for n in half], [kept[n][0] for n in half])
    yield f"  {failed} failed; over the second half {late.slope:+.2f} MB per 1,000 requests"
    yield f"  targets: none fails, memory flat; {load()}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--requests", type=int, default=20, help="of each person")
    parser.add_argument("--memory", type=int, default=10_000, help="requests")
    parser.add_argument("--index", type=Path, help="a built index, in place of generated texts")
    options = parser.parse_args()
    with copied(options.index, passages=options.passages) as index, served(index) as server:
        if options.people:
            for line in people(server, options):
                print(line, flush=True)
        if options.memory:
            for line in memory(server, options):
                print(line, flush=True)


if __name__ == "__main__":
    main()
