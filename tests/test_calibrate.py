"""`assistant calibrate`: confidence and refusals are fitted to cases, kept, used and forgotten."""

import json
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.base.embeddings.base import BaseEmbedding

from assistant import Assistant
from assistant.bundled import shipped
from assistant.catalog import Calibration, open_catalog
from assistant.catalog.calibration import log_odds
from assistant.cli import main
from assistant.errors import EvaluationError
from assistant.evaluation.calibration import (
    Observed,
    calibrate,
    folds,
    require_enough,
    threshold_for,
    tried,
)
from assistant.evaluation.cases import Case, dump, load
from assistant.evaluation.maps import applied, fit

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "evals/cases/seeds.jsonl"


def some_cases() -> list[Case]:
    """36 cases of the half that may be tuned on, a third of which cannot be answered."""
    found = [case for case in load(CASES) if case.half == 0 and not case.history]
    able = [case for case in found if case.answerable]
    return [*able[:24], *[case for case in found if case.answerable is False][:12]]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def index(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the seeds that this file may write to."""
    return Path(shutil.copytree(seeds_index, tmp_path_factory.mktemp("calibrated") / "index"))


@pytest.fixture(scope="module")
def fitted(index: Path) -> Calibration:
    """What the command fits to some cases, and keeps."""
    file = index.parent / "cases.jsonl"
    file.write_text("".join(dump(case) + "\n" for case in some_cases()), encoding="utf-8")
    assert main(["calibrate", str(file), "--index", str(index), "--false-refusals", "0.2"]) == 0
    with open_catalog(index) as catalog:
        kept = catalog.manifest().calibration
    assert kept is not None
    return kept


@pytest.fixture
def kept(index: Path, fitted: Calibration) -> Iterator[Calibration]:
    """The same, put back after a test."""
    with Assistant.open(index) as assistant:
        assistant.calibrate(fitted)
    yield fitted
    with Assistant.open(index) as assistant:
        assistant.calibrate(fitted)


def observed(
    confidences: list[float], answerable: list[bool], clusters: list[str] | None = None
) -> list[Observed]:
    names = clusters or [str(place) for place in range(len(confidences))]
    rows = zip(confidences, answerable, names, strict=True)
    return [Observed(one, able, False, name) for one, able, name in rows]


def drawn(slope: float, offset: float, many: int) -> tuple[Any, Any]:
    """Confidences, and truths that come true as this slope and offset of their odds say."""
    random = np.random.default_rng(7)
    raw = random.uniform(0.02, 0.98, many)
    chances = [1 / (1 + math.exp(-(slope * log_odds(x) + offset))) for x in raw]
    return raw, random.uniform(size=many) < chances


# The maps.


def test_platt_finds_the_line_that_was_drawn_from() -> None:
    ((slope, offset),) = fit("Platt", *drawn(1.6, -0.8, 20_000))
    assert slope == pytest.approx(1.6, abs=0.07)
    assert offset == pytest.approx(-0.8, abs=0.07)


def test_platt_never_turns_the_order_round() -> None:
    ((slope, offset),) = fit("Platt", *drawn(-2.0, 0.0, 500))
    assert slope == 0.0
    assert abs(offset) < 0.5


def test_steps_pool_neighbours_that_are_out_of_order() -> None:
    raw = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.95])
    able = np.array([False, True, False, False, True, True])
    knots = fit("isotonic", raw, able)
    assert [x for x, _ in knots] == pytest.approx([0.1, 0.3, 0.925])
    assert [y for _, y in knots] == pytest.approx([1 / 8, 1 / 3, 7 / 8], abs=1e-5)
    # Between two steps there is a line, beyond the ends there is none.
    values = applied("isotonic", knots, np.array([0.0, 0.2, 1.0]))
    assert values.tolist() == pytest.approx([1 / 8, (1 / 8 + 1 / 3) / 2, 7 / 8], abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=4, max_size=60))
def test_every_map_rises_and_stays_a_probability(pairs: list[tuple[float, bool]]) -> None:
    raw = np.array([x for x, _ in pairs])
    able = np.array([truth for _, truth in pairs])
    if able.all() or not able.any():
        return
    for method in ("as it is", "Platt", "isotonic"):
        values = applied(method, fit(method, raw, able), np.linspace(0, 1, 41))  # type: ignore[arg-type]
        assert (np.diff(values) >= -1e-12).all()
        assert values.min() >= 0
        assert values.max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=4, max_size=60), st.floats(0, 1)
)
def test_no_more_are_refused_than_may_be(pairs: list[tuple[float, bool]], share: float) -> None:
    confidences = [round(x, 3) for x, _ in pairs]
    cases = observed(confidences, [truth for _, truth in pairs])
    threshold = threshold_for(np.array(confidences), cases, false_refusals=share)
    able = [one.confidence for one in cases if one.answerable]
    assert sum(x < threshold for x in able) <= share * len(able) + 1e-9
    # A higher one that would part the cases otherwise refuses too many.
    if threshold < 1:
        above = min(x for x in confidences if x >= threshold)
        assert sum(x <= above for x in able) > share * len(able) - 1e-9


def test_whole_clusters_are_held_out_and_each_case_once() -> None:
    clusters = [f"document {place % 7}" for place in range(60)]
    cases = observed([0.5] * 60, [place % 3 > 0 for place in range(60)], clusters)
    parts = list(folds(cases))
    assert len(parts) == 5
    assert (np.sum(parts, axis=0) == 1).all()
    for part in parts:
        inside = {one.cluster for one, held in zip(cases, part, strict=True) if held}
        outside = {one.cluster for one, held in zip(cases, part, strict=True) if not held}
        assert inside
        assert not inside & outside


def test_a_bent_confidence_becomes_a_probability_on_cases_not_fitted_to() -> None:
    raw, able = drawn(2.5, -1.5, 1200)
    cases = observed(raw.tolist(), able.tolist())
    method, after = tried(cases, false_refusals=0.1)
    assert method in ("Platt", "isotonic")
    error = after.figures["calibration_error"]
    assert error.value is not None
    assert error.value < 0.05
    assert after.figures["false_refusals"].value == pytest.approx(0.1, abs=0.03)
    assert after.figures["log_loss"].cases == 1200


def test_a_good_confidence_is_left_as_it_is() -> None:
    raw, able = drawn(1.0, 0.0, 150)
    before = tried(observed(raw.tolist(), able.tolist()), false_refusals=0.1)[1]
    # Nothing fitted to so few cases may do harm.
    assert (before.figures["calibration_error"].value or 1) < 0.15


# Too little, and wrong.


@pytest.mark.parametrize(("able", "unable"), [(20, 9), (40, 7), (7, 40), (0, 0)])
def test_too_few_cases_say_how_many_are_needed(able: int, unable: int) -> None:
    cases = [Case("a", "?", answerable=True)] * able + [Case("b", "?", answerable=False)] * unable
    with pytest.raises(EvaluationError, match="at least 30 are needed, 8 or more of each") as error:
        require_enough(cases)
    assert f"{able} answerable and {unable} unanswerable" in str(error.value)


def test_labels_that_the_confidence_contradicts_are_told(index: Path) -> None:
    turned = [replace(case, answerable=not case.answerable) for case in some_cases()]
    with (
        Assistant.open(index) as assistant,
        pytest.raises(EvaluationError, match="`answerable` is right in each"),
    ):
        calibrate(assistant, turned)


# In the index.


def test_answers_make_use_of_what_was_fitted(index: Path, kept: Calibration) -> None:
    assert (kept.cases, kept.unanswerable, kept.wanted) == (36, 12, 0.2)
    questions = [case.question for case in some_cases()[::6]]
    with Assistant.open(index) as assistant, assistant.as_shipped() as plain:
        assert assistant.calibration == kept
        assert plain.calibration is None
        for question in questions:
            answer, before = assistant.ask(question), plain.ask(question)
            assert answer.confidence == pytest.approx(kept(before.confidence), abs=2e-3)
            if not answer.choices and abs(answer.confidence - kept.threshold) > 2e-3:
                assert answer.refused == (answer.confidence < kept.threshold)


def test_a_threshold_that_is_set_goes_before(index: Path, kept: Calibration) -> None:
    able = next(case for case in some_cases() if case.answerable)
    with Assistant.open(index, refusal_threshold=1.0) as assistant:
        answer = assistant.ask(able.question)
        assert answer.refused
        assert answer.confidence < 1
    with Assistant.open(index, refusal_threshold=0.0) as assistant:
        assert not assistant.ask(able.question).refused


def test_status_and_doctor_show_it(
    index: Path, kept: Calibration, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--index", str(index)]) == 0
    assert "below 0." in " ".join(capsys.readouterr().out.split())
    assert main(["status", "--json", "--index", str(index)]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["manifest"]["calibration"]["cases_hash"] == kept.cases_hash
    assert status["calibrated"] is True
    with Assistant.open(index) as assistant:
        assert {one.name: one.ok for one in assistant.doctor()}["refusals"]
        assistant.calibrate(replace(kept, model="another"))
        assert assistant.calibration is None
        assert not assistant.status().calibrated
        wrong = [one for one in assistant.doctor() if not one.ok]
        assert [one.name for one in wrong] == ["refusals"]
        assert "run assistant calibrate again" in wrong[0].detail


def test_what_cannot_be_read_is_not_used(index: Path, kept: Calibration) -> None:
    for text in ("", "{}", "[1]", kept.text().replace(f'"{kept.method}"', '"new"'), "[" * 200_000):
        assert Calibration.read(text) is None
    assert Calibration.read(kept.text()) == kept
    with open_catalog(index) as catalog:
        with catalog.transaction() as transaction:
            transaction.describe(calibration="{}")
        assert catalog.manifest().calibration is None


def test_a_sync_keeps_it_and_another_embedding_drops_it(
    index: Path, kept: Calibration, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(index, tmp_path / "copy"))
    folder = tmp_path / "documents"
    shutil.copytree(shipped("seeds"), folder)
    (folder / "new.txt").write_text("A page about lighthouses.", encoding="utf-8")
    with Assistant.open(copy) as assistant:
        report = assistant.sync(folder, rebuild=True)
        assert (report.added, report.notice) == (1, "")
        assert assistant.calibration == kept
    with Assistant.open(copy, embedding=Letters()) as assistant:
        report = assistant.sync(folder, rebuild=True)
        assert "assistant calibrate" in report.notice
        assert assistant.status().manifest.calibration is None


class Letters(BaseEmbedding):
    """A real model that is not the embedded one: how often each letter stands in a text."""

    def _get_text_embedding(self, text: str) -> list[float]:
        counts = [text.lower().count(chr(ord("a") + place)) + 1.0 for place in range(26)]
        norm = math.sqrt(sum(count * count for count in counts))
        return [count / norm for count in counts]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


# The command.


def test_a_dry_run_keeps_nothing(
    seeds_index: Path, index: Path, kept: Calibration, capsys: pytest.CaptureFixture[str]
) -> None:
    file = index.parent / "cases.jsonl"
    code = main(["calibrate", str(file), "--dry-run", "--json", "--index", str(seeds_index)])
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["kept"] is False
    assert told["calibration"]["wanted"] == 0.1
    for trial in (told["as_shipped"], told["calibrated"]):
        assert trial["figures"]["false_refusals"]["cases"] == 24
        assert trial["figures"]["refusal_recall"]["cases"] == 12
        assert sum(one["cases"] for one in trial["reliability"]) == 36
    with open_catalog(seeds_index) as catalog:
        assert catalog.manifest().calibration is None


def test_it_can_be_forgotten(
    index: Path, kept: Calibration, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--forget", "--index", str(index)]) == 0
    assert "as shipped again" in capsys.readouterr().out
    with Assistant.open(index) as assistant, assistant.as_shipped() as plain:
        assert assistant.calibration is None
        question = some_cases()[0].question
        assert assistant.ask(question).confidence == plain.ask(question).confidence
    assert main(["calibrate", "--forget", "--json", "--index", str(index)]) == 0
    assert json.loads(capsys.readouterr().out) == {"forgotten": False}


def test_a_threshold_in_the_way_is_told(
    index: Path,
    kept: Calibration,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ASSISTANT_REFUSAL_THRESHOLD", "0.3")
    file = index.parent / "cases.jsonl"
    assert main(["calibrate", str(file), "--dry-run", "--index", str(index)]) == 0
    told = capsys.readouterr()
    assert "refusal_threshold is set to 0.3" in told.err
    lines = told.out.splitlines()
    assert any(line.startswith("calibration error") for line in lines)
    assert sum(line[3:7] == " to " and " case" in line for line in lines) == 10
    assert "nothing is kept" in told.out


def test_too_few_cases_are_an_error_before_any_is_asked(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "few.jsonl"
    file.write_text("".join(dump(case) + "\n" for case in some_cases()[:20]), encoding="utf-8")
    assert main(["calibrate", str(file), "--index", str(index)]) == 1
    told = capsys.readouterr().err
    assert "20 answerable and 0 unanswerable" in told
    assert "asking" not in told
