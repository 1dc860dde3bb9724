"""Eval sets are run against the real assistant: rows, crashes, going on, and the figures."""

import json
import resource
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Answer, Assistant, Sentence, Turn
from assistant.answering.answer import cited
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case, load
from assistant.evaluation.fields import Earlier, Evidence
from assistant.evaluation.running import Row, in_order, read_rows, run
from assistant.evaluation.scoring import Scored, Scorer
from assistant.evaluation.statistics import Figure
from assistant.evaluation.summary import compared, summary

CASES = load(Path(__file__).resolve().parent.parent / "evals/cases/seeds.jsonl")
SOME = [case for case in CASES if case.half == 0 and not case.group][:12]
TALK = [case for case in CASES if case.group == "seeds-conversation-02"]


@pytest.fixture(scope="module")
def assistant(seeds_index: Path) -> Iterator[Assistant]:
    with Assistant.open(seeds_index) as opened:
        yield opened


@pytest.fixture(scope="module")
def scorer(assistant: Assistant) -> Scorer:
    return Scorer.of(assistant)


class Counting:
    """Hands questions on to the assistant, notes them, and crashes when told to."""

    def __init__(self, assistant: Assistant, crash: str = "") -> None:
        self.asked: list[str] = []
        self._assistant = assistant
        self._crash = crash

    def __call__(self, question: str, *, history: Sequence[Turn]) -> Answer:
        self.asked.append(question)
        if question == self._crash:
            raise ConnectionError("the model is gone")
        return self._assistant.ask(question, history=history)


# Running.


def test_a_run_is_the_same_whatever_is_finished_first(assistant: Assistant, scorer: Scorer) -> None:
    def rows(threads: int) -> list[Row]:
        cases = [*SOME, *TALK]
        found = in_order(run(cases, ask=assistant.ask, score=scorer, threads=threads), cases)
        for row in found:
            assert row.answer is not None
            row.answer["timings"] = {}
        return [replace(row, seconds=0) for row in found]

    one = rows(1)
    assert [row.id for row in one] == [case.id for case in (*SOME, *TALK)]
    assert one == rows(4)
    assert one == [Row.read(row.line()) for row in one]


def test_turns_of_a_conversation_are_asked_once_and_in_order(
    assistant: Assistant, scorer: Scorer
) -> None:
    ask = Counting(assistant)
    rows = in_order(run(reversed(TALK), ask=ask, score=scorer), TALK)
    assert ask.asked == [case.question for case in TALK]
    *_, last = rows
    assert last.answer is not None
    # The history was there: "it" is not what was searched.
    assert last.answer["search_query"] != TALK[-1].question
    assert {row.cluster for row in rows} == {"seeds-conversation-02"}


def test_a_history_that_is_told_is_not_asked(assistant: Assistant, scorer: Scorer) -> None:
    told = Case(
        "told",
        "And the other one?",
        history=(Earlier("Who is Kazem Jalali?", "The ambassador."), Earlier("What is SWIFT?")),
    )
    ask = Counting(assistant)
    (row,) = run([told], ask=ask, score=scorer)
    assert not row.error
    assert ask.asked == ["What is SWIFT?", "And the other one?"]


def test_a_case_that_crashes_is_a_row(assistant: Assistant, scorer: Scorer, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    bad = SOME[3].question
    ask = Counting(assistant, crash=bad)
    rows = in_order(run(SOME, ask=ask, score=scorer, rows=file), SOME)
    assert [row.error for row in rows if row.error] == ["ConnectionError: the model is gone"]
    assert rows[3].answer is None
    assert rows[3].refused is None
    assert not rows[3].scores
    found = summary(rows).overall
    assert (found.cases, found.crashed) == (12, 1)
    assert found.figures["right"].cases == 11
    # The next run asks it again, and nothing else.
    ask = Counting(assistant)
    again = in_order(run(SOME, ask=ask, score=scorer, rows=file), SOME)
    assert ask.asked == [bad]
    assert not any(row.error for row in again)
    assert in_order(read_rows(file), SOME) == again


def test_a_score_that_crashes_is_a_row(assistant: Assistant) -> None:
    def score(case: Case, answer: Answer) -> Scored:
        raise ZeroDivisionError(case.id)

    (row,) = run(SOME[:1], ask=assistant.ask, score=score)
    assert row.error == f"ZeroDivisionError: {SOME[0].id}"


def test_an_interrupted_run_goes_on(assistant: Assistant, scorer: Scorer, tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "rows.jsonl"
    first = Counting(assistant)
    running = run(SOME, ask=first, score=scorer, rows=file, threads=1)
    for _ in range(3):
        next(running)
    running.close()
    assert 3 <= len(first.asked) < len(SOME)
    # As after a kill in the middle of a row.
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: whole.index(b"\n") // 2])
    second = Counting(assistant)
    rows = in_order(run(SOME, ask=second, score=scorer, rows=file), SOME)
    assert len(rows) == len(SOME)
    assert Counter(first.asked + second.asked) == Counter(case.question for case in SOME)
    assert [Row.read(line).id for line in file.read_text().splitlines()] != []
    # All is there: nothing is asked.
    third = Counting(assistant)
    assert in_order(run(SOME, ask=third, score=scorer, rows=file), SOME) == rows
    assert not third.asked


def test_two_runs_do_not_write_to_the_same_file(
    assistant: Assistant, scorer: Scorer, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    running = run(SOME, ask=assistant.ask, score=scorer, rows=file, threads=1)
    next(running)
    ask = Counting(assistant)
    with pytest.raises(EvaluationError, match=r"rows\.jsonl is being written to by another run"):
        list(run(SOME, ask=ask, score=scorer, rows=file))
    assert not ask.asked
    assert len(read_rows(file)) >= 1  # to look at them is no harm
    running.close()
    told: list[str] = []
    rows = list(run(SOME, ask=ask, score=scorer, rows=file, tell=told.append))
    assert len(rows) == len(SOME)
    there = len(SOME) - len(ask.asked)
    assert told == [f"going on with a run that was stopped: {there} of {len(SOME)} cases are there"]


def test_what_is_on_the_way_when_a_run_is_stopped_is_kept(
    assistant: Assistant, scorer: Scorer, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    ask = Counting(assistant)
    told: list[str] = []
    running = run(SOME, ask=ask, score=scorer, rows=file, threads=2, tell=told.append)
    next(running)
    running.close()
    assert told == ["stopping after the answers that are on the way"]
    assert sorted(row.id for row in read_rows(file)) == sorted(
        case.id for case in SOME if case.question in ask.asked
    )


def test_a_row_is_written_whole_or_not_at_all(
    assistant: Assistant, scorer: Scorer, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    list(run(SOME[:3], ask=assistant.ask, score=scorer, rows=file))
    size = file.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As on a full disk: the next row does not fit, at its end.
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        with pytest.raises(EvaluationError, match=r"rows\.jsonl .*make room"):
            list(run(SOME, ask=assistant.ask, score=scorer, rows=file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert file.stat().st_size == size
    ask = Counting(assistant)
    assert len(list(run(SOME, ask=ask, score=scorer, rows=file))) == len(SOME)
    assert len(ask.asked) == len(SOME) - 3


def test_rows_of_another_case_or_setting_are_asked_again(
    assistant: Assistant, scorer: Scorer, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    cases = SOME[:3]
    list(run(cases, ask=assistant.ask, score=scorer, rows=file, fingerprint="one"))
    changed = [replace(cases[0], answers=(("something else",),)), *cases[1:]]
    ask = Counting(assistant)
    list(run(changed, ask=ask, score=scorer, rows=file, fingerprint="one"))
    assert ask.asked == [cases[0].question]
    ask = Counting(assistant)
    list(run(changed, ask=ask, score=scorer, rows=file, fingerprint="two"))
    assert len(ask.asked) == 3
    # Where a case stands in its file is not what it is.
    ask = Counting(assistant)
    moved = [replace(case, line=case.line + 1) for case in changed]
    list(run(moved, ask=ask, score=scorer, rows=file, fingerprint="two"))
    assert not ask.asked


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"id": "x"}', '{"question": "Who?"}', "é"])
def test_a_file_of_something_else_is_not_written_to(
    line: str, assistant: Assistant, scorer: Scorer, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{line}\n", encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(EvaluationError, match=r"rows\.jsonl, line 1: this is no row"):
        list(run(SOME[:1], ask=assistant.ask, score=scorer, rows=file))
    with pytest.raises(EvaluationError, match="line 1: this is no row"):
        read_rows(file)
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_used(assistant: Assistant, scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be used"):
        read_rows(tmp_path / "missing.jsonl")
    with pytest.raises(EvaluationError, match="cannot be used"):
        list(run(SOME[:1], ask=assistant.ask, score=scorer, rows=tmp_path))


# Scoring.


def answer(assistant: Assistant, texts: Sequence[tuple[str, Sequence[int]]], query: str) -> Answer:
    """An answer that somebody else wrote, citing what was found, numbered from 1."""
    hits = assistant.retrieve(query).hits
    return Answer(
        question=query,
        search_query=query,
        text=" ".join(text for text, _ in texts),
        refused=False,
        confidence=0.8,
        sentences=tuple(Sentence(text, "weak", tuple(numbers)) for text, numbers in texts),
        citations=tuple(cited(hit, number) for number, hit in enumerate(hits, start=1)),
        model="somebody",
        timings={},
    )


def numbers_of(assistant: Assistant, query: str, words: str) -> list[int]:
    """The numbers of the passages that have these words."""
    hits = assistant.retrieve(query).hits
    return [number for number, hit in enumerate(hits, start=1) if words in hit.text]


TERM = "How long will the treaty last?"
TERM_CASE = Case(
    "term",
    TERM,
    answerable=True,
    answers=(("20 years",),),
    sources=("overview.md",),
    evidence=(Evidence("overview.md", "expected to last for 20 years or more"),),
)


def test_what_the_documents_say_is_faithful(assistant: Assistant, scorer: Scorer) -> None:
    (there,) = numbers_of(assistant, TERM, "last for 20 years")
    good = answer(
        assistant, [("The new treaty is expected to last at least 20 years.", [there])], TERM
    )
    found = scorer(TERM_CASE, good)
    for name in ("accepted", "right", "faithfulness", "citation_recall", "citation_precision"):
        assert found.scores[name] == 1, name
    assert found.scores["context_recall"] == 1
    assert found.reasons == []
    assert len(found.groundedness) == 1
    assert 0.3 < (found.scores["question_likeness"] or 0) <= 1


@pytest.mark.parametrize(
    "said",
    [
        "The new treaty is expected to last at least 25 years.",
        "The new treaty is not expected to last at least 20 years.",
        "The Chinese treaty is expected to last at least 20 years.",
        "Moreover, the treaty was praised by farmers in Tajikistan.",
    ],
)
def test_what_they_do_not_say_is_not(said: str, assistant: Assistant, scorer: Scorer) -> None:
    (there,) = numbers_of(assistant, TERM, "last for 20 years")
    good = "The new treaty is expected to last at least 20 years."
    found = scorer(TERM_CASE, answer(assistant, [(good, [there]), (said, [there])], TERM))
    for name in ("faithfulness", "citation_recall", "citation_precision"):
        assert found.scores[name] == 0.5, name
    assert found.groundedness[1] < found.groundedness[0]
    assert any(reason.startswith("sentence 2 is not borne out: ") for reason in found.reasons)


def test_a_citation_that_is_of_no_use_costs_precision(assistant: Assistant, scorer: Scorer) -> None:
    (there,) = numbers_of(assistant, TERM, "last for 20 years")
    (other,) = numbers_of(assistant, TERM, "Donald Trump is inaugurated")
    good = "The new treaty is expected to last for 20 years or more."
    found = scorer(TERM_CASE, answer(assistant, [(good, [there, other])], TERM))
    assert found.scores["citation_recall"] == 1
    assert found.scores["citation_precision"] == 0.5
    # What is not cited at all is faithful, and has no citation that could be precise.
    found = scorer(TERM_CASE, answer(assistant, [(good, [])], TERM))
    assert found.scores["faithfulness"] == 1
    assert found.scores["citation_recall"] == 0
    assert found.scores["citation_precision"] is None
    assert found.reasons == [f"sentence 1 cites nothing: “{good}”"]


def test_the_ranking_is_judged_by_evidence_or_by_documents(
    assistant: Assistant, scorer: Scorer
) -> None:
    (there,) = numbers_of(assistant, TERM, "last for 20 years")
    given = assistant.ask(TERM)
    assert scorer(TERM_CASE, given).scores["mrr"] == 1 / there
    gone = replace(TERM_CASE, evidence=(*TERM_CASE.evidence, Evidence("overview.md", "no words")))
    found = scorer(gone, given)
    assert found.scores["context_recall"] == found.scores["recall@10"] == 0.5
    assert "not found for it: overview.md, “no words”" in found.reasons
    sources = list(dict.fromkeys(hit.source for hit in assistant.retrieve(TERM).hits))
    coarse = scorer(replace(TERM_CASE, evidence=(), sources=(sources[1],)), given)
    assert coarse.scores["mrr"] == 0.5
    assert "context_recall" not in coarse.scores
    assert "mrr" not in scorer(Case("x", TERM, answerable=True, answers=(("y",),)), given).scores


def test_refusals_and_unanswerable_cases(assistant: Assistant, scorer: Scorer) -> None:
    refusal = assistant.ask("How do I make a sourdough starter?")
    assert refusal.refused
    found = scorer(Case("no", "How?", answerable=False), refusal)
    assert found.scores == {"right": 1}
    assert not found.reasons
    found = scorer(TERM_CASE, refusal)
    assert found.scores["accepted"] == found.scores["token_f1"] == 0
    assert "faithfulness" not in found.scores
    assert found.reasons[0] == "the documents say: “20 years”; it was refused"
    found = scorer(Case("no", TERM, answerable=False), assistant.ask(TERM))
    assert found.scores["right"] == 0
    assert found.reasons == ["the documents do not say; it should have been refused"]
    # Nobody has told what is right: only what needs no label is scored.
    found = scorer(Case("open", TERM), assistant.ask(TERM))
    assert found.scores["faithfulness"] == 1
    assert not {"right", "accepted", "mrr"} & found.scores.keys()


def test_a_question_back_is_right_where_it_is_asked_for(
    assistant: Assistant, scorer: Scorer
) -> None:
    back = assistant.ask("Who is the president?")
    assert back.choices
    case = Case("who", "Who is the president?", answerable=True, answers=(("Putin",),))
    found = scorer(case, back)
    assert found.scores["right"] == 0
    assert found.reasons == ["it asks back, though the question is clear"]
    assert scorer(replace(case, choices=("Putin", "Pezeshkian")), back).scores["right"] == 1
    found = scorer(replace(case, choices=("Macron", "Merkel")), back)
    assert found.scores["right"] == 0
    assert found.reasons == ["it asks back, but not for Macron or Merkel"]


def test_what_is_left_out_is_unscored(assistant: Assistant) -> None:
    found = Scorer()(TERM_CASE, assistant.ask(TERM))
    assert set(found.scores) == {"accepted", "right", "exact_match", "token_f1", "rouge_l"}


# Figures.


def row(id: str, **values: object) -> Row:
    defaults: dict[str, object] = {
        "key": "k",
        "half": 0,
        "cluster": id,
        "tags": (),
        "answerable": True,
        "refused": False,
        "confidence": 0.9,
        "answer": {},
        "scores": {"right": 1.0},
        "seconds": 1.0,
    }
    return Row(id=id, **{**defaults, **values})  # type: ignore[arg-type]


ROWS = [
    row("a", tags=("x",), scores={"right": 1.0, "faithfulness": 0.5}, seconds=3.0),
    row("b", half=1, scores={"right": 0.0, "faithfulness": None}, confidence=0.7),
    row("c", tags=("x", "y"), refused=True, scores={"right": 0.0}, confidence=0.2),
    row("d", half=1, answerable=False, refused=True, confidence=0.1),
    row("e", answerable=False, scores={"right": 0.0, "faithfulness": 1.0}, confidence=0.6),
    row("f", answerable=None, scores={"faithfulness": 1.0}, seconds=2.0),
    row("g", answer=None, refused=None, confidence=None, scores={}, error="Boom: x"),
]


def test_a_summary_by_hand() -> None:
    found = summary(ROWS)
    part = found.overall
    assert (part.cases, part.crashed, part.unlabelled) == (7, 1, 1)
    # Unscored is not zero: a, e and f have a score.
    assert part.figures["faithfulness"].value == pytest.approx(2.5 / 3)
    assert part.figures["faithfulness"].cases == 3
    assert part.figures["right"].value == 2 / 5
    assert part.figures["refusal_precision"].value == 1 / 2
    assert part.figures["refusal_recall"].value == 1 / 2
    assert part.figures["refusal_f1"].value == 1 / 2
    assert part.figures["false_refusals"].value == 1 / 3
    assert part.figures["refusal_f1"].value == part.refusals.f1
    assert part.figures["false_refusals"].value == part.refusals.false_refusals
    # Surest first: a right, b wrong, e, c wrong, d, which was rightly refused, right.
    risks = [0, 1 / 2, 2 / 3, 3 / 4, 3 / 5]
    assert [risk for _, risk in part.risk_coverage] == pytest.approx(risks)
    assert part.figures["risk_coverage_area"].value == pytest.approx(sum(risks) / 5)
    # .9 and .7 were answerable, .6 and .1 were not, .2 was.
    gaps = [0.1, 0.3, 0.6, 0.1, 0.8]
    assert part.figures["calibration_error"].value == pytest.approx(sum(gaps) / 5)
    assert part.latency is not None
    assert part.latency["p50"] == 1
    assert part.latency["max"] == 3
    assert found.halves["dev"].cases == 5
    assert found.halves["test"].figures["right"].value == 0.5
    assert list(found.tags) == ["x", "y"]
    assert found.tags["x"].cases == 2


def test_the_order_of_rows_does_not_matter() -> None:
    assert summary(reversed(ROWS)) == summary(ROWS)


def test_two_runs_by_hand() -> None:
    after = [
        replace(ROWS[0], scores={"right": 0.0, "faithfulness": 1.0}),  # worse, and better
        replace(ROWS[1], scores={"right": 1.0, "faithfulness": 1.0}),  # better, and new
        replace(ROWS[2], error="Boom: y", scores={}),
        row("new", scores={"right": 1.0, "rouge_l": 0.5}),
    ]
    found = compared(ROWS, after)
    assert (found["right"].cases, found["right"].better, found["right"].worse) == (2, 1, 1)
    assert found["right"].difference == 0
    assert (found["faithfulness"].before, found["faithfulness"].after) == (0.5, 1)
    assert found["faithfulness"].cases == 1
    assert found["rouge_l"].cases == 0
    assert found["rouge_l"].difference is None


def test_a_summary_of_nothing() -> None:
    part = summary([]).overall
    assert part.cases == 0
    assert part.latency is None
    assert part.figures["refusal_f1"] == Figure(None, 0)
    assert part.figures["calibration_error"] == Figure(None, 0)
    assert summary([ROWS[-1]]).overall.crashed == 1


def test_rows_are_plain_json() -> None:
    strange = row("s", reasons=("half \ud83d of a pair",), error="")
    line = strange.line()
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["tags"] == []
    assert Row.read(line) == strange
