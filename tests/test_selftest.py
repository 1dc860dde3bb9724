"""`assistant eval --self-test`: a metric that cannot tell good from bad is found out."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant import Assistant, Document
from assistant.cli import main
from assistant.evaluation.cases import Case, dump, load
from assistant.evaluation.judging import Text
from assistant.evaluation.perturbing import invented, names_in, perturb, rearranged
from assistant.evaluation.selftest import (
    ANOTHER,
    FALSE,
    HARMLESS,
    INVENTED,
    RIGHT,
    TRUST,
    Outcome,
    results,
    self_test,
)
from assistant.grounding import Verdict

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "evals/cases/seeds.jsonl"
PORT = (
    "The port of Velmar was opened in 1911. It may close for two years. At least 40 ships moored "
    "there on Monday, and the pilot Ada Holm guided more of them than Otto Brandt. The keeper does "
    "not sleep in the tower. In winter, the port of Velmar covers the needs of Sundholm."
)
MILL = (
    "The mill stands above the village of Sundholm. It grinds 60 sacks of rye a day, more than any "
    "other. The miller Elsa Quist bought it in 1948. She will not sell it to Otto Brandt."
)


def some_cases() -> list[Case]:
    """Cases of the half that may be tuned on, of several documents."""
    found = [case for case in load(CASES) if case.half == 0 and not case.history and case.answers]
    return found[::4]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)


# The rules.


@pytest.mark.parametrize(
    ("sentence", "kind", "wanted"),
    [
        ("The port of Velmar was opened in 1911.", "negation added", "was not opened"),
        ("The keeper does not sleep in the tower.", "negation removed", "does sleep"),
        ("It may close for two years.", "modality", "will close"),
        ("It may close for two years.", "unit", "two months"),
        ("The pilot guided more of them.", "comparative", "guided less"),
        ("We met the pilot Ada Holm there.", "name", "the pilot Otto Brandt there"),
        ("At least 40 ships moored there.", "number", "ships moored"),
        ("It was opened in 1911.", "date", "It was opened in "),
    ],
)
def test_each_rule_makes_a_sentence_false(sentence: str, kind: str, wanted: str) -> None:
    names = ["Ada Holm", "Otto Brandt"]
    made = {one.kind: one for one in perturb(sentence, sentence, names=names)}
    assert wanted in made[kind].sentence
    old, new = made[kind].changed
    assert old in sentence
    assert new in made[kind].sentence


def test_a_limit_is_only_moved_to_where_it_is_false() -> None:
    for number in range(20, 60):
        sentence = f"At most {number} houses near the river burned down."
        made = [one for one in perturb(sentence, sentence) if one.kind == "number"]
        assert made
        assert all(float(one.changed[1]) < number for one in made)


def test_names_are_what_is_never_in_lower_case() -> None:
    texts = [PORT, "The Harbour Office and the Office of Ada Holm opened; an office in a harbour."]
    names = names_in(texts)
    assert {"Velmar", "Ada Holm", "Otto Brandt", "Sundholm"} <= set(names)
    assert not {"Office", "Harbour Office", "Monday", "The", "It"} & set(names)


def test_a_name_takes_the_place_of_a_name_only() -> None:
    sentence = "We met the pilot Ada Holm near the Long Pier."
    made = perturb(sentence, PORT, names=["Ada Holm", "Elsa Quist", "Otto Brandt"])
    assert [one.changed for one in made if one.kind == "name"] == [("Ada Holm", "Elsa Quist")]


def test_an_invented_sentence_is_about_the_matter_and_nowhere() -> None:
    made = invented("The pilot was called Ada Holm by everybody.")
    assert "Ada Holm" in made.sentence
    assert made.sentence not in PORT
    assert invented("it rained.").sentence


def test_rearranged_sentences_say_the_same() -> None:
    assert rearranged("On Monday, the port was closed.") == "The port was closed on Monday."
    assert rearranged("However, the port was closed.") == "The port was closed."


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PORT.split(), "\ud800", "", "[1]", "3.5", "$20", "‮", "(", "Ä"]),
        max_size=25,
    )
)
def test_any_text_is_perturbed_the_same_way_each_time(words: list[str]) -> None:
    text = " ".join(words)
    first = list(perturb(text, PORT, names=["Ada Holm", "Otto Brandt", "Velmar"]))
    assert first == list(perturb(text, PORT, names=["Ada Holm", "Otto Brandt", "Velmar"]))
    assert all(one.sentence != text for one in first)
    assert invented(text) == invented(text)


# What comes of it.


def outcome(kind: str, before: float, after: float, metric: str = "faithfulness") -> Outcome:
    return Outcome("answers", kind, "a", "good", "bad", {metric: before}, {metric: after})


def test_what_did_not_fall_was_not_seen() -> None:
    rows = [outcome("number", 1, 0)] * 19 + [outcome("name", 1, 1)]
    told = results(rows)["faithfulness"]
    assert (told.apart.value, told.apart.cases) == (0.95, 20)
    assert told.kinds["name"].value == 0
    assert told.problem == ""
    assert "80.0% of 5 bad answers" in results(rows[-5:])["faithfulness"].problem
    assert results(rows)["accepted"].apart.value is None


def test_what_takes_good_for_bad_is_found_out() -> None:
    bad = [outcome("number", 1, 0.2)] * 20
    slightly, wholly = (outcome(HARMLESS, 1, after) for after in (0.9, 0.1))
    assert results([*bad, *[slightly] * 10])["faithfulness"].problem == ""
    problem = results([*bad, *[slightly] * 8, wholly, wholly])["faithfulness"].problem
    assert "takes good for bad: 20.0% of 10" in problem


def test_a_changed_word_need_not_be_seen_by_accepted_answers() -> None:
    rows = [outcome("negation", 1, 1, "accepted"), outcome(ANOTHER, 1, 0, "accepted")]
    told = results(rows)["accepted"]
    assert (told.apart.value, told.apart.cases, told.problem) == (1.0, 1, "")
    assert told.kinds["negation"].value == 0


# With the documents.


def test_the_shipped_metrics_tell_good_from_bad(seeds_index: Path) -> None:
    with Assistant.open(seeds_index) as assistant:
        outcomes = self_test(assistant, some_cases(), sentences=40)
    found = results(outcomes)
    assert {one.origin for one in outcomes} == {"answers", "documents", "accepted"}
    assert {one.kind for one in outcomes} >= {"number", "name", "date", "negation", INVENTED}
    for name in (*TRUST, *RIGHT):
        assert found[name].problem == "", name
        assert found[name].before.value == pytest.approx(1.0, abs=0.02)
    assert found["faithfulness"].apart.cases > 100
    for kind in ("number", "name", "negation", INVENTED):
        told = found["faithfulness"].kinds[kind]
        assert told.value is not None
        assert told.value >= 0.9, kind


def test_a_judge_that_only_looks_for_words_is_found_out(seeds_index: Path) -> None:
    def by_words(statement: str, texts: Sequence[Text]) -> Verdict:
        there = {word for item in texts for word in item.text.casefold().split()}
        words = statement.casefold().split()
        share = sum(word in there for word in words) / max(1, len(words))
        label: Any = "supported" if share >= 0.7 else "unsupported"
        return Verdict(statement, label, share, (), "")

    with Assistant.open(seeds_index) as assistant:
        outcomes = self_test(assistant, some_cases()[:8], sentences=30, judge=by_words)
    found = results(outcomes)
    for name in ("faithfulness", "citation_recall", "citation_precision"):
        assert "does not tell good from bad" in found[name].problem
    told = found["faithfulness"].kinds["negation"]
    assert told.value is not None
    assert told.value < 0.2


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Two short documents."""
    with Assistant.open(tmp_path / "index") as assistant:
        assistant.add(
            Document.from_text(text, source=f"{name}.txt")
            for name, text in (("port", PORT), ("mill", MILL))
        )
    return tmp_path / "index"


def test_the_command_tells_it(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = (
        ("When was the port of Velmar opened?", "in 1911", "port.txt"),
        ("How many sacks of rye does the mill grind?", "60 sacks", "mill.txt"),
    )
    cases = [
        Case(source, question, answerable=True, answers=((answer,),), sources=(source,))
        for question, answer, source in questions
    ]
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(dump(case) + "\n" for case in cases), encoding="utf-8")
    code = main(["eval", str(file), "--self-test", "--index", str(index)])
    told = capsys.readouterr()
    for word in ("faithfulness", "cit. recall", "accepted", "q. likeness", "false alarms"):
        assert word in told.out
    for kind in ("number", "name", "date", "negation", INVENTED, ANOTHER):
        assert f"\n  {kind} " in told.out
    assert "good ones' score" in told.out
    assert "without cases" not in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert code == (1 if "tell good from bad" in told.err else 0)


def test_a_corpus_without_cases_is_tested_by_its_sentences(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["eval", "--self-test", "--json", "--index", str(index)])
    told = json.loads(capsys.readouterr().out)
    faithful = told["metrics"]["faithfulness"]
    assert faithful["before"]["value"] == 1.0
    assert faithful["apart"]["cases"] >= 15
    assert faithful["apart"]["value"] >= 0.95
    assert set(faithful["kinds"]) <= {*FALSE, INVENTED}
    # What could not be tried is not told apart, and is no failure.
    assert told["metrics"]["accepted"]["apart"]["value"] is None
    assert (code, told["problems"]) == (0, [])
    for one in told["missed"]:
        assert one["good"] != one["bad"]


def test_nothing_to_try_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Assistant.open(tmp_path / "index") as assistant:
        assistant.add([Document.from_text("A heading", source="short.txt")])
    assert main(["eval", "--self-test", "--index", str(tmp_path / "index")]) == 1
    assert "nothing could be tried" in capsys.readouterr().err


def test_a_report_cannot_be_asked_for_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["eval", "--self-test", "--out", "now.json"])
    assert left.value.code == 2
    assert "leave out --out" in capsys.readouterr().err
