"""INSCIT: is a question in the midst of a conversation answered, and the right passage found?

    python -m evals.inscit FILE [--index DIR] [--part answers|recall|both] [--show N]

FILE is the development set (`dev.json.gz`, arXiv 2207.00746). Its distinct passages are indexed
each as a document. Conversations are split in halves by the hash of their id; what was tuned was
tuned on the first.

Answers: every turn is asked in the light of the turns before it (with the human replies), and the
answer's unigram F1 taken with the likest of the one or two human ones, as the set's own script and
ChatQA's do; the mean over all turns, also those that ask back or find nothing. A refusal counts
with the words that it shows. The published figures are of systems that searched all of Wikipedia
or were given the five passages found for them; here 996 passages are searched, which is easier.

Recall: every turn that has gold passages is searched in three ways: with the last turn alone, with
the whole history in one, and with the follow-up made self-contained. Recall@5 is the share of a
turn's gold passages among the first five, over all turns, first ones included.

It is measured with the assistant's search, which is sound enough to find most passages by the
last turn alone, and with BM25 alone, by which the figures below were published. "One phrase,
chosen by gold" is no method but the most that one could gain: the best of the last turn and of
the last turn with any one phrase of the earlier questions.
"""

import argparse
import gzip
import json
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from assistant import Answer, Assistant, Document, Settings
from assistant.catalog import open_catalog
from assistant.conversation import Turn
from assistant.conversation.followups import standalone
from assistant.conversation.phrases import phrases
from assistant.evaluation.answers import token_f1
from assistant.indexes import LexicalIndex
from evals import half

DEPTH = 5
LEXICAL = "BM25 alone"
# Recall@5 by BM25, over the same passages.
GIVEN = {"last turn alone": 0.706, "whole history": 0.465}
# Unigram F1 over all turns of the development set.
PUBLISHED = {"GPT-4": 36.3, "Llama-3-70B": 36.2, "Command-R+": 35.8, "ChatQA-1.5-8B": 30.1}
WEAKER = """By a weaker protocol than the published: ours searched the passages of this set alone,
theirs came out of all of Wikipedia. {refused:.0%} of our answers are refusals, which count with the
words that they show; above is what they come to counting 0."""
KINDS = ("directAnswer", "clarification", "noAnswerButRelevantInfo", "noAnswerNoRelevantInfo")

Search = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn: what was said before it, the question, the sources that answer it, and the replies.

    `kind` is what the first of the human replies is: an answer, a question back, or neither.
    """

    conversation: str
    history: tuple[Turn, ...]
    question: str
    gold: frozenset[str]
    replies: tuple[str, ...]
    kind: str

    @property
    def half(self) -> int:
        """0 for tuning, 1 for reporting."""
        return half(self.conversation)


def load(path: Path) -> tuple[list[Asked], dict[str, Document]]:
    """The turns, and the distinct passages by id."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        conversations = json.load(file)
    asked, pool = [], {}
    for key, conversation in conversations.items():
        for turn in conversation["turns"]:
            gold = [part for label in turn["labels"] for part in label["evidence"]]
            for part in [*gold, *(part for group in turn["prevEvidence"] for part in group)]:
                pool[part["passage_id"]] = Document.from_text(
                    part["passage_text"],
                    source=part["passage_id"],
                    title=" > ".join(part["passage_titles"]),
                )
            *before, question = turn["context"]
            history = tuple(
                Turn(user, agent) for user, agent in zip(before[::2], before[1::2], strict=True)
            )
            sources = frozenset(part["passage_id"] for part in gold)
            replies = tuple(label["response"] for label in turn["labels"])
            kind = turn["labels"][0]["responseType"]
            asked.append(Asked(key, history, question, sources, replies, kind))
    return asked, pool


def searches(assistant: Assistant) -> Iterator[tuple[str, Search]]:
    """The assistant's search, and BM25 alone."""
    catalog = open_catalog(assistant.settings.index)
    lexical = LexicalIndex(catalog)

    def whole(query: str) -> list[str]:
        return _first(hit.source for hit in assistant.retrieve(query).hits)

    def words(query: str) -> list[str]:
        ids = [key for key, _ in lexical.search(query, 2 * DEPTH)]
        sources = {item.id: item.passage.source for item in catalog.passages(ids)}
        return _first(sources[key] for key in ids)

    with catalog:
        yield "the assistant's search", cache(whole)
        yield LEXICAL, cache(words)


def _first(sources: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(sources))[:DEPTH]


def recall(search: Search, turn: Asked, query: str) -> float:
    """The share of the gold passages that are among the first five."""
    return len(turn.gold & set(search(query))) / len(turn.gold)


def report(name: str, turns: Sequence[Asked], found: Sequence[float]) -> None:
    """Print the figures of a method in a line."""

    def mean(chosen: Iterable[bool]) -> float:
        return statistics.mean(value for value, use in zip(found, chosen, strict=True) if use)

    print(
        f"  {name:30}{mean(turn.half == 0 for turn in turns):8.3f}"
        f"{mean(turn.half == 1 for turn in turns):11.3f}{statistics.mean(found):8.3f}"
        f"{mean(bool(turn.history) for turn in turns):12.3f}"
        f"{statistics.mean(value > 0 for value in found):11.3f}"
    )


def answers(index: str, turns: Sequence[Asked]) -> None:
    """Print the unigram F1 of the answers, in the ways that an answer can be given."""
    print(f"{'unigram F1':36}{'tuning':>8}{'reporting':>11}{'both':>8}{'refused':>10}{'words':>8}")
    default = Settings()
    ways = [
        ("as shipped", default.answer_sentences, default.refusal_threshold, True),
        ("the last turn alone", default.answer_sentences, default.refusal_threshold, False),
        *(
            (f"sentences, at most: {most}", most, default.refusal_threshold, True)
            for most in (1, 2)
        ),
        ("never refusing", default.answer_sentences, 0.0, True),
    ]
    for name, most, threshold, remembers in ways:
        with Assistant.open(index, answer_sentences=most, refusal_threshold=threshold) as assistant:
            given = [
                assistant.ask(turn.question, history=turn.history if remembers else ())
                for turn in turns
            ]
        if name == "as shipped":
            shipped = given
        found = _scores(turns, given)
        refused = statistics.mean(answer.refused for answer in given)
        words = statistics.mean(len(_said(answer).split()) for answer in given)
        print(f"  {name:34}{_halves(found, turns)}{refused:10.3f}{words:8.1f}")
    worthless = [
        0.0 if answer.refused else score
        for answer, score in zip(shipped, _scores(turns, shipped), strict=True)
    ]
    print(f"  {'as shipped, a refusal counting 0':34}{_halves(worthless, turns)}")
    for kind in KINDS:
        chosen = [(t, answer) for t, answer in zip(turns, shipped, strict=True) if t.kind == kind]
        some, given = [turn for turn, _ in chosen], [answer for _, answer in chosen]
        refused = statistics.mean(answer.refused for answer in given)
        name = f"{kind} ({len(some)})"
        print(f"  {name:34}{_halves(_scores(some, given), some)}{refused:10.3f}")
    for name, value in PUBLISHED.items():
        print(f"  {name + ', published':34}{value:27.1f}")
    print(WEAKER.format(refused=statistics.mean(answer.refused for answer in shipped)))


def _said(answer: Answer) -> str:
    """What the answer says, without its marks."""
    return " ".join(one.text for one in answer.sentences) if answer.sentences else answer.text


def _scores(turns: Sequence[Asked], given: Sequence[Answer]) -> list[float]:
    return [
        100 * (token_f1(_said(answer), turn.replies) or 0.0)
        for turn, answer in zip(turns, given, strict=True)
    ]


def _halves(found: Sequence[float], turns: Sequence[Asked]) -> str:
    """The means of the tuning half, the reporting half, and both."""
    means = [
        statistics.mean(score for score, turn in zip(found, turns, strict=True) if turn.half in use)
        for use in ({0}, {1}, {0, 1})
    ]
    return f"{means[0]:8.1f}{means[1]:11.1f}{means[2]:8.1f}"


def retrieval(assistant: Assistant, turns: Sequence[Asked], *, show: int) -> None:
    """Print the recall of the ways to search."""
    ours = [standalone(turn.question, turn.history, rarity=assistant.rarity) for turn in turns]
    later = [(turn, text) for turn, text in zip(turns, ours, strict=True) if turn.history]
    changed = [(turn, text) for turn, text in later if text != turn.question]
    print(f"left alone: {1 - len(changed) / len(later):.1%} of the follow-ups")
    judged = [(turn, text) for turn, text in zip(turns, ours, strict=True) if turn.gold]
    asked = [turn for turn, _ in judged]
    for name, search in searches(assistant):
        print(f"{name:32}{'tuning':>8}{'reporting':>11}{'both':>8}{'follow-ups':>12}{'any':>11}")
        report("last turn alone", asked, [recall(search, t, t.question) for t in asked])
        report("whole history", asked, [recall(search, t, _history(t)) for t in asked])
        report("self-contained", asked, [recall(search, t, text) for t, text in judged])
        report("(one phrase, chosen by gold)", asked, [_most(search, t) for t in asked])
        for way, value in GIVEN.items() if name == LEXICAL else ():
            print(f"  {way + ', given':30}{value:27.3f}")
    # Those of the reporting half are not for reading.
    for turn, text in [pair for pair in changed if pair[0].half == 0][:show]:
        print(f"{turn.history[-1].question}\n  {turn.question}\n  > {text}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--index", help="keep the index here, and use it again")
    parser.add_argument("--part", choices=("answers", "recall", "both"), default="both")
    parser.add_argument("--show", type=int, default=0, help="print so many changed questions")
    arguments = parser.parse_args()
    turns, pool = load(arguments.file)
    place = nullcontext(arguments.index) if arguments.index else tempfile.TemporaryDirectory()
    with place as index:
        with Assistant.open(index) as assistant:
            assistant.add(pool.values())
            later = sum(bool(turn.history) for turn in turns)
            print(f"{len(pool)} passages; {len(turns)} turns, {later} of them follow-ups")
            if arguments.part != "answers":
                retrieval(assistant, turns, show=arguments.show)
        if arguments.part != "recall":
            answers(str(index), turns)


def _history(turn: Asked) -> str:
    said = [part for before in turn.history for part in (before.question, before.text)]
    return " ".join([*said, turn.question])


def _most(search: Search, turn: Asked) -> float:
    said = {phrase.text for before in turn.history for phrase in phrases(before.question)}
    queries = [turn.question, *(f"{turn.question} ({phrase})" for phrase in sorted(said))]
    return max(recall(search, turn, query) for query in queries)


if __name__ == "__main__":
    main()
