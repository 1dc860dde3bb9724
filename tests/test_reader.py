"""The reader: which sentence of a passage answers a question, and whether one does."""

import hashlib
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from assistant.answering.reader import FILE, SHA256, UNREAD, Reader, reader, unread
from assistant.errors import EmbeddingError
from evals.reader import load, measure

STAFF = (
    "Staff list",
    [
        "Name: Ana Brill; Post: Skipper of the Tern; Based at: North Quay; Since: 2014",
        "Name: Ole Marsh; Post: Harbour master; Based at: Customs House; Since: 2019",
    ],
)
TREATY = (
    "The treaty of the lakes",
    [
        "The two countries signed the treaty in Orsel on 3 May.",
        "It is meant to last for twenty years.",
        "Minister Falk denied that it is aimed at anybody.",
    ],
)


def best(question: str, passage: tuple[str, list[str]]) -> int:
    return int(reader().read(question, [passage])[0].answers.argmax())


@pytest.mark.parametrize(
    ("question", "passage", "sentence"),
    [
        ("Who runs the port?", STAFF, 1),
        ("since when has Ana Brill had her job", STAFF, 0),
        ("For how long will the agreement be in force?", TREATY, 1),
        ("Where was it signed?", TREATY, 0),
        ("Is the treaty directed against a third country?", TREATY, 2),
    ],
)
def test_the_sentence_that_answers_in_other_words_is_found(
    question: str, passage: tuple[str, list[str]], sentence: int
) -> None:
    assert best(question, passage) == sentence


@pytest.mark.parametrize(
    ("answered", "near", "passage"),
    [
        ("Who is harbour master?", "Who was harbour master before Ole Marsh?", STAFF),
        ("Where is Ana Brill based?", "How old is Ana Brill?", STAFF),
        ("When was the treaty signed?", "How much did the treaty cost?", TREATY),
        ("What did Falk deny?", "Where was Minister Falk born?", TREATY),
    ],
)
def test_a_near_miss_is_told_from_a_question_that_is_answered(
    answered: str, near: str, passage: tuple[str, list[str]]
) -> None:
    margins = [reader().read(question, [passage])[0].margin for question in (answered, near)]
    assert margins[0] > margins[1] + 1


def test_it_does_well_on_passages_that_it_was_not_trained_on() -> None:
    held_out = [passage for passage in load() if passage.held_out]
    figures = measure(held_out[::4])
    assert figures["questions"] > 300
    assert figures["auroc"] >= 0.83, figures
    assert figures["best"] >= 0.8, figures


def test_passages_read_together_are_read_as_each_by_itself() -> None:
    together = reader().read("Who runs the port?", [STAFF, TREATY, STAFF])
    alone = Reader(threads=1).read("Who runs the port?", [STAFF, TREATY])
    for one, other in zip(together, [*alone, alone[0]], strict=True):
        np.testing.assert_array_equal(one.answers, other.answers)
        assert one.none == other.none


def test_what_is_beyond_the_window_is_unread() -> None:
    sentences = [f"The lamp of house {number} burns all night long." for number in range(60)]
    found = reader().read("Which lamp burns?", [("Lamps", sentences)])[0]
    assert len(found.answers) == 60
    assert found.answers[0] != UNREAD
    assert found.answers[-1] == UNREAD
    assert unread(3).answers.tolist() == [UNREAD] * 3


@pytest.mark.parametrize(
    "passage", [("", []), ("", [""]), ("Title", ["\ud800 half a pair", "x" * 100_000])]
)
def test_odd_passages_and_questions_are_read(passage: tuple[str, list[str]]) -> None:
    for question in ("", "?" * 5000, "\udfff who?"):
        found = reader().read(question, [passage])[0]
        assert len(found.answers) == len(passage[1])
        assert np.isfinite(found.answers).all()
        assert np.isfinite(found.margin)


def test_several_threads_get_the_same() -> None:
    wanted = reader().read("Where was it signed?", [TREATY])[0].answers.tolist()
    found: list[list[float]] = []

    def ask() -> None:
        found.append(reader().read("Where was it signed?", [TREATY])[0].answers.tolist())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 8


def test_the_file_is_the_one_that_was_measured() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA256
    assert (FILE.parent / "NOTICE").exists()


def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    damaged = tmp_path / "reader.onnx"
    shutil.copyfile(FILE, damaged)
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(EmbeddingError, match="install the package anew"):
        Reader(damaged).read("Who?", [STAFF])


class TestTheSet:
    def test_it_is_well_formed_and_as_large_as_told(self) -> None:
        passages = load()
        questions = [places for passage in passages for _, places in passage.questions]
        told = (Path(__file__).parents[1] / "evals" / "reading" / "README.md").read_text()
        assert f"{len(passages):,} passages with {len(questions):,} questions" in told
        assert 0.35 < sum(not places for places in questions) / len(questions) < 0.45

    def test_no_question_of_an_eval_set_is_in_it(self) -> None:
        from assistant.evaluation import cases

        asked = {question for passage in load() for question, _ in passage.questions}
        folder = Path(__file__).parents[1] / "evals" / "cases"
        for name in ("seeds", "harbour", "workplace", "station", "software"):
            held = {case.question for case in cases.load(folder / f"{name}.jsonl")}
            # Short ones may be alike by chance ("What is SWIFT?" is not).
            assert not {question for question in asked & held if len(question.split()) > 4}

    @pytest.mark.parametrize(
        "lines", ["1 No title.", "# A\n2 Not the first.", "# A\n1 Yes.\n? 2 Who?", "# A\nplain"]
    )
    def test_a_broken_line_is_named(self, lines: str, tmp_path: Path) -> None:
        (tmp_path / "broken.txt").write_text(lines)
        with pytest.raises(ValueError, match=r"broken\.txt"):
            load(tmp_path)
