"""Train the reader of `assistant.answering.reader`, and build the file that the package carries.

    python -m evals.reader train UPSTREAM weights.npz [--epochs 3] [--from earlier.npz]
    python -m evals.reader build weights.npz
    python -m evals.reader measure

UPSTREAM is the folder of the published `model.safetensors` of all-MiniLM-L6-v2; `train` needs the
packages torch and onnx, `build` onnx and onnxruntime. What it learns from is `evals/reading/`:
passages whose sentences are numbered, with questions and the numbers of the sentences that answer
them, or none. One passage in twelve is held out, by a checksum of its title; `measure` reads those
with the package's own file.

The shipped file was trained in two steps, on two processor cores without a GPU: three epochs at
1.2e-4 over the sets that had been written by then (11,557 questions: daily, history, news, offices
and science), and from there two at 8e-5 over all (17,503).
"""

import argparse
import math
import random
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from assistant.answering.reader import (
    QUESTION_PIECES,
    TITLE_PIECES,
    WINDOW,
    reader,
)

FOLDER = Path(__file__).parent / "reading"
TOKENIZER = Path(__file__).parents[1] / "assistant" / "embedding" / "model" / "tokenizer.json"
HELD_OUT = 12
LAYERS, HEADS, DIMENSIONS = 6, 12, 384
BATCH = 16
LAYER_DECAY = 0.9
WARM_UP = 0.06
# Of the examples: a question about another passage, misspelt, in lower case without a mark, with a
# part of the passage only, with sentences of another passage beside it, without its title.
ELSEWHERE, MISSPELT, LOWER, CUT, JOINED, UNTITLED = 0.3, 0.12, 0.1, 0.4, 0.15, 0.15


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage and questions about it.

    Attributes:
        origin: The file that it stands in.
        title: Title and headings.
        sentences: Its sentences.
        questions: Each with the places of the sentences that answer it, the best one first.
    """

    origin: str
    title: str
    sentences: tuple[str, ...]
    questions: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def held_out(self) -> bool:
        """Whether it is kept for measuring."""
        return zlib.crc32(self.title.encode()) % HELD_OUT == 0


class Example(NamedTuple):
    """One question to one passage, as the reader gets it."""

    ids: list[int]
    kinds: list[int]
    spans: list[tuple[int, int]]
    answers: list[int]


def load(folder: Path = FOLDER) -> list[Passage]:
    """Read all passages.

    Raises:
        ValueError: A line is not in the format; it names file and line.
    """
    passages = []
    for path in sorted(folder.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            if block.strip():
                passages.append(_passage(path.name, block.strip().split("\n")))
    return passages


def _passage(origin: str, lines: Sequence[str]) -> Passage:
    title, *rest = lines
    if not title.startswith("# "):
        raise ValueError(f"{origin}: {title!r} is no title")
    sentences: list[str] = []
    questions: list[tuple[str, tuple[int, ...]]] = []
    for line in rest:
        if asked := re.fullmatch(r"\? (-|\d+(?:, ?\d+)*) (.+)", line):
            places = tuple(int(number) - 1 for number in re.findall(r"\d+", asked[1]))
            if any(not 0 <= place < len(sentences) for place in places):
                raise ValueError(f"{origin}: {line!r} names a sentence that is not there")
            questions.append((asked[2].strip(), places))
        elif (told := re.fullmatch(r"(\d+) (.+)", line)) and int(told[1]) == len(sentences) + 1:
            sentences.append(told[2].strip())
        else:
            raise ValueError(f"{origin}: {line!r} is neither the next sentence nor a question")
    return Passage(origin, title[2:].strip(), tuple(sentences), tuple(questions))


def examples(
    passages: Sequence[Passage], chance: random.Random
) -> Iterator[tuple[str, str, list[str], list[int]]]:
    """An epoch's questions, each with a title, sentences and the places of those that answer."""
    beside: dict[str, list[Passage]] = {}
    for passage in passages:
        beside.setdefault(passage.origin, []).append(passage)
    for passage in passages:
        for asked, places in passage.questions:
            question, answers = asked, list(places)
            if chance.random() < MISSPELT:
                question = misspell(question, chance)
            elif chance.random() < LOWER:
                question = question.lower().rstrip("?")
            title = "" if chance.random() < UNTITLED else passage.title
            sentences = list(passage.sentences)
            if chance.random() < CUT and len(sentences) > 3:
                first = chance.randrange(len(sentences) - 1)
                last = chance.randrange(first + 1, len(sentences)) + 1
                if not answers or first <= answers[0] < last:
                    answers = [place - first for place in answers if first <= place < last]
                    sentences = sentences[first:last]
            elif chance.random() < JOINED:
                other = chance.choice(beside[passage.origin])
                if other is not passage:
                    more = list(other.sentences[: chance.randrange(1, 5)])
                    if chance.random() < 0.5:
                        sentences = more + sentences
                        answers = [place + len(more) for place in answers]
                    else:
                        sentences += more
            yield question, title, sentences, answers
            if chance.random() < ELSEWHERE:
                near = beside[passage.origin] if chance.random() < 0.6 else passages
                other = chance.choice(near)
                if other is not passage:
                    yield question, other.title, list(other.sentences), []


def misspell(question: str, chance: random.Random) -> str:
    """The question with one or two errors of the hand: a letter left out, doubled, or swapped."""
    words = question.split()
    for _ in range(1 if chance.random() < 0.6 else 2):
        at = chance.randrange(len(words))
        word = words[at]
        if len(word) > 3:
            place, kind = chance.randrange(1, len(word) - 1), chance.random()
            before, letter, after = word[:place], word[place], word[place + 1 :]
            if kind < 0.35:
                words[at] = before + after
            elif kind < 0.65:
                words[at] = before + after[0] + letter + after[1:]
            elif kind < 0.85:
                words[at] = before + letter * 2 + after
            else:
                words[at] = before + chance.choice("aeiourstln") + after
    return " ".join(words)


class Network:
    """The reader in torch: MiniLM's layers, a score for each sentence, and one for none."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        import torch

        self.weights = {
            name: torch.nn.Parameter(torch.tensor(value), requires_grad=name != "words")
            for name, value in weights.items()
        }

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """Parameters with their rates: the lower a layer, the slower it learns; words do not."""
        groups = []
        for name, weight in self.weights.items():
            if name == "words":
                continue
            if name.startswith("head."):
                factor = 5.0
            else:
                depth = int(name.split(".")[1]) + 1 if name.startswith("layer.") else 0
                factor = LAYER_DECAY ** (LAYERS - depth)
            decay = 0.01 if weight.dim() > 1 else 0.0
            groups.append({"params": [weight], "base": rate * factor, "weight_decay": decay})
        return groups

    def read(self, ids: Any, kinds: Any, mask: Any, shares: Any) -> tuple[Any, Any]:
        """The log-odds of each sentence, shape (texts, sentences), and of none, (texts,)."""
        import torch
        from torch.nn import functional as F  # noqa: N812  its own documentation's name

        get = self.weights

        def linear(x: Any, name: str) -> Any:
            return F.linear(x, get[f"{name}.weight"], get[f"{name}.bias"])

        def norm(x: Any, name: str) -> Any:
            gain, bias = get[f"{name}.weight"], get[f"{name}.bias"]
            return F.layer_norm(x, (DIMENSIONS,), gain, bias, 1e-12)

        texts, tokens = ids.shape
        x = F.embedding(ids, get["words"]) + get["places"][:tokens]
        x = norm(x + F.embedding(kinds, get["kinds"]), "norm")
        bias = torch.zeros(mask.shape, dtype=torch.bfloat16).masked_fill(~mask, -1e4)
        bias = bias[:, None, None, :]
        size = DIMENSIONS // HEADS
        for layer in range(LAYERS):
            name = f"layer.{layer}"
            query, key, value = (
                linear(x, f"{name}.{part}").view(texts, tokens, HEADS, size).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            shares_of = torch.matmul(query * size**-0.5, key.transpose(2, 3)) + bias
            y = torch.matmul(torch.softmax(shares_of, -1), value)
            y = linear(y.transpose(1, 2).reshape(texts, tokens, DIMENSIONS), f"{name}.attended")
            x = norm(x + y, f"{name}.attended.norm")
            y = linear(F.gelu(linear(x, f"{name}.inner")), f"{name}.outer")
            x = norm(x + y, f"{name}.outer.norm")
        whole = x[:, 0]
        sentences = torch.bmm(shares.to(x.dtype), x)
        both = torch.cat([sentences, whole[:, None].expand_as(sentences)], -1)
        answers = linear(F.gelu(linear(both, "head.inner")), "head.answers").squeeze(-1)
        return answers, linear(whole, "head.none").squeeze(-1)


def published(upstream: Path) -> dict[str, np.ndarray]:
    """The weights of all-MiniLM-L6-v2 by the names used here, and a head that knows nothing."""
    from assistant.embedding.model.build import read_weights

    found = read_weights(upstream / "model.safetensors")
    first = "embeddings."
    kinds = found[f"{first}token_type_embeddings.weight"]
    weights = {
        "words": found[f"{first}word_embeddings.weight"],
        "places": found[f"{first}position_embeddings.weight"],
        "kinds": np.stack([kinds[0], kinds[0]]),
        "norm.weight": found[f"{first}LayerNorm.weight"],
        "norm.bias": found[f"{first}LayerNorm.bias"],
    }
    names = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attended": "attention.output.dense",
        "attended.norm": "attention.output.LayerNorm",
        "inner": "intermediate.dense",
        "outer": "output.dense",
        "outer.norm": "output.LayerNorm",
    }
    for layer in range(LAYERS):
        for own, theirs in names.items():
            for part in ("weight", "bias"):
                weights[f"layer.{layer}.{own}.{part}"] = found[
                    f"encoder.layer.{layer}.{theirs}.{part}"
                ]
    chance = np.random.RandomState(0)
    for name, rows, columns in (
        ("inner", DIMENSIONS, 2 * DIMENSIONS),
        ("answers", 1, DIMENSIONS),
        ("none", 1, DIMENSIONS),
    ):
        bound = columns**-0.5
        weights[f"head.{name}.weight"] = chance.uniform(-bound, bound, (rows, columns))
        weights[f"head.{name}.bias"] = np.zeros(rows)
    return {name: np.array(value, np.float32) for name, value in weights.items()}


def example(
    tokenizer: Any, question: str, title: str, sentences: Sequence[str], answers: Sequence[int]
) -> Example:
    """A question and a passage as wordpieces, as `Reader` makes them."""

    def pieces(text: str, most: int) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return ids[: max(0, most)]

    ids = [101, *pieces(question, QUESTION_PIECES), 102]
    kinds = [0] * len(ids)
    ids += pieces(f"{title}.", TITLE_PIECES) if title else []
    spans = []
    for sentence in sentences:
        start = len(ids)
        ids += pieces(sentence, WINDOW - 1 - start)
        if len(ids) > start:
            spans.append((start, len(ids)))
    ids.append(102)
    kinds += [1] * (len(ids) - len(kinds))
    return Example(ids, kinds, spans, [place for place in answers if place < len(spans)])


def batch(chosen: Sequence[Example]) -> tuple[Any, ...]:
    """Examples as tensors: ids, kinds, mask, shares, which sentences there are, which answer.

    Few shapes, so that what is compiled for one is used again.
    """
    import torch

    tokens = math.ceil(max(len(one.ids) for one in chosen) / 32) * 32
    most = max(len(one.spans) for one in chosen)
    sentences = 12 if most <= 12 else math.ceil(most / 40) * 40
    ids = torch.zeros(len(chosen), tokens, dtype=torch.long)
    kinds = torch.zeros_like(ids)
    mask = torch.zeros(len(chosen), tokens, dtype=torch.bool)
    shares = torch.zeros(len(chosen), sentences, tokens)
    there = torch.zeros(len(chosen), sentences, dtype=torch.bool)
    wanted = torch.zeros(len(chosen), sentences)
    for row, one in enumerate(chosen):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        kinds[row, : len(one.ids)] = torch.tensor(one.kinds)
        mask[row, : len(one.ids)] = True
        for place, (start, end) in enumerate(one.spans):
            shares[row, place, start:end] = 1 / (end - start)
            there[row, place] = True
        for rank, place in enumerate(one.answers):
            wanted[row, place] = 0.5 if rank else 1
    return ids, kinds, mask, shares, there, wanted


def loss(answers: Any, none: Any, there: Any, wanted: Any) -> Any:
    """Cross entropy over the sentences and none, and of each sentence by itself."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    answers = answers.float().masked_fill(~there, -30.0)
    found = F.log_softmax(torch.cat([none.float()[:, None], answers], 1), 1)
    aim = torch.cat([(wanted.sum(1) == 0).float()[:, None], wanted], 1)
    aim = aim / aim.sum(1, keepdim=True)
    each = F.binary_cross_entropy_with_logits(answers[there], (wanted[there] > 0).float())
    return each - (aim * found).sum(1).mean()


def train(
    weights: dict[str, np.ndarray], passages: Sequence[Passage], *, epochs: int, rate: float
) -> dict[str, np.ndarray]:
    """Train; progress is printed."""
    import tokenizers
    import torch

    torch.manual_seed(0)
    chance = random.Random(0)
    tokenizer = tokenizers.Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    network = Network(weights)
    optimiser = torch.optim.AdamW(network.groups(rate), lr=rate, betas=(0.9, 0.98))
    batches = []
    for _ in range(epochs):
        all_of_it = [example(tokenizer, *one) for one in examples(passages, chance)]
        chance.shuffle(all_of_it)
        epoch = []
        for start in range(0, len(all_of_it), BATCH * 20):
            alike = sorted(all_of_it[start : start + BATCH * 20], key=lambda one: len(one.ids))
            epoch += [alike[first : first + BATCH] for first in range(0, len(alike), BATCH)]
        chance.shuffle(epoch)
        batches += epoch
    started, total = time.monotonic(), 0.0
    for step, chosen in enumerate(batches):
        share = min(1.0, step / (WARM_UP * len(batches))) * (1 - step / len(batches))
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * share
        ids, kinds, mask, shares, there, wanted = batch(chosen)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answers, none = network.read(ids, kinds, mask, shares)
        error = loss(answers, none, there, wanted)
        optimiser.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(
            [weight for group in optimiser.param_groups for weight in group["params"]], 1.0
        )
        optimiser.step()
        total += error.item()
        if step % 100 == 99:
            seconds = time.monotonic() - started
            print(f"{step + 1} of {len(batches)}: loss {total / 100:.3f}, {seconds:.0f} s")
            total = 0.0
    return {name: weight.detach().numpy() for name, weight in network.weights.items()}


def measure(passages: Sequence[Passage]) -> dict[str, float]:
    """How well the package's reader does on passages.

    Returns:
        `auroc` of its margin for whether a question is answered, and `best`, the share of the
        answered questions whose best sentence is one that answers.
    """
    answered, margins, best = [], [], []
    for passage in passages:
        for question, places in passage.questions:
            found = reader().read(question, [(passage.title, passage.sentences)])[0]
            answered.append(bool(places))
            margins.append(found.margin)
            if places:
                best.append(int(found.answers.argmax()) in places)
    order = np.argsort(margins)
    ranks = np.empty(len(order))
    ranks[order] = np.arange(len(order)) + 1
    right = np.array(answered)
    able, unable = int(right.sum()), int((~right).sum())
    auroc = (ranks[right].sum() - able * (able + 1) / 2) / (able * unable)
    return {"questions": len(order), "auroc": float(auroc), "best": float(np.mean(best))}


def main() -> None:
    """Train, build or measure, as asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    training = steps.add_parser("train")
    training.add_argument("upstream", type=Path)
    training.add_argument("weights", type=Path)
    training.add_argument("--from", dest="earlier", type=Path)
    training.add_argument("--epochs", type=int, default=3)
    training.add_argument("--rate", type=float, default=1.2e-4)
    steps.add_parser("build").add_argument("weights", type=Path)
    steps.add_parser("measure")
    arguments = parser.parse_args()
    passages = load()
    held_out = [passage for passage in passages if passage.held_out]
    if arguments.step == "train":
        weights = published(arguments.upstream)
        if arguments.earlier:
            with np.load(arguments.earlier) as file:
                weights = {name: file[name] for name in file.files}
        rest = [passage for passage in passages if not passage.held_out]
        found = train(weights, rest, epochs=arguments.epochs, rate=arguments.rate)
        np.savez(arguments.weights, **found)  # type: ignore[arg-type]
    elif arguments.step == "build":
        from evals.reader_file import build

        with np.load(arguments.weights) as file:
            build({name: file[name] for name in file.files}, held_out)
    else:
        figures = measure(held_out)
        print(
            f"{figures['questions']:.0f} questions held out: answered or not, AUROC "
            f"{figures['auroc']:.3f}; best sentence right {100 * figures['best']:.1f} %"
        )


if __name__ == "__main__":
    main()
