"""The programs in evals/ that read outside sets, on tiny made-up files of the same formats."""

import gzip
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant import Document
from assistant.evaluation.agreement import auroc, balanced_accuracy, best_threshold, kappa
from evals import agreement, clapnq, half, inscit, scifact, wice
from evals.labelled import LOADERS

# Each text with a claim that it bears out, one that it contradicts, and the evidence's place.
TEXTS = (
    (
        "Lighthouse of Orm",
        (
            "Many ships were lost on the reef of Orm.",
            "The lighthouse of Orm was built in 1871 by the engineer Paula Renk.",
            "Its lamp burned oil at first.",
        ),
        "The engineer Paula Renk built the lighthouse of Orm in 1871.",
        "The engineer Paula Renk built the lighthouse of Orm in 1893.",
        1,
    ),
    (
        "Tellow bridge",
        (
            "The bridge of Tellow spans 320 metres over the river Aune.",
            "It was closed for repairs during one summer.",
            "Cyclists use it every day.",
        ),
        "The bridge of Tellow over the river Aune spans 320 metres.",
        "The bridge of Tellow over the river Aune spans 450 metres.",
        0,
    ),
    (
        "Bakers of Drill",
        (
            "Bread was dear in those years.",
            "The town of Drill is known for its fairs.",
            "The bakers of Drill formed a guild in 1622 to keep the price of rye low.",
        ),
        "In 1622 the bakers of Drill formed a guild to keep the price of rye low.",
        "In 1655 the bakers of Drill formed a guild to keep the price of rye low.",
        2,
    ),
    (
        "Glacier of Skarn",
        (
            "Skarn is a glacier in the north.",
            "Surveyors saw that the glacier of Skarn lost 12 metres of ice between 1990 and 2005.",
            "Two huts stand beside it.",
        ),
        "The glacier of Skarn lost 12 metres of ice between 1990 and 2005.",
        "The glacier of Skarn lost 40 metres of ice between 1990 and 2005.",
        1,
    ),
)


def keys(part: int) -> Iterable[str]:
    """Names that fall into a half."""
    return (name for number in range(1000) if half(name := f"key{number}") == part)


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")


def named() -> list[str]:
    """A name for each text, half of them in each half."""
    first, second = iter(keys(0)), iter(keys(1))
    return [next(first if place % 2 else second) for place in range(len(TEXTS))]


def wice_files(folder: Path, *, swapped: bool = False) -> Path:
    rows = []
    for name, (_, sentences, true, false, place) in zip(named(), TEXTS, strict=True):
        # A blank line, which is none of the sentences, moves the places of those behind it.
        page = "\n".join([sentences[0], "", *sentences[1:]])
        there = place + (place > 0)
        for claim, good in ((true, True), (false, False)):
            label = good != swapped
            rows.append(
                {
                    "id": name,
                    "doc": page,
                    "claim": claim,
                    "label": int(label),
                    "label3": "supported" if label else "not_supported",
                    "supporting_sentences": [[there]] if good else [[]],
                }
            )
    write(folder / "flat_dev.jsonl.gz", rows)
    return folder


def scifact_files(folder: Path) -> Path:
    names = named()
    write(
        folder / "corpus.jsonl.gz",
        [
            {"_id": name, "title": title, "text": " ".join(sentences), "sentences": sentences}
            for name, (title, sentences, *_) in zip(names, TEXTS, strict=True)
        ],
    )
    queries, judged = [], ["query-id\tcorpus-id\tscore"]
    for number, (name, (*_, true, false, place)) in enumerate(zip(names, TEXTS, strict=True)):
        for claim, label in ((true, "SUPPORT"), (false, "CONTRADICT")):
            key = str(len(queries))
            evidence = {"doc": name, "label": label, "sentences": [place]}
            queries.append({"_id": key, "text": claim, "evidence": [evidence]})
            judged.append(f"{key}\t{name}\t1")
        key, other = str(len(queries)), names[number - 1]
        queries.append({"_id": key, "text": true, "evidence": []})
        judged.append(f"{key}\t{other}\t1")
    queries.append({"_id": "unjudged", "text": "Nobody looked for this.", "evidence": []})
    for split in ("train", "test"):
        write(folder / f"queries.{split}.jsonl", queries)
        (folder / "qrels").mkdir(exist_ok=True)
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(judged) + "\n", encoding="utf-8")
    return folder


def clapnq_files(folder: Path) -> Path:
    able, unable = [], []
    for name, (title, sentences, true, _, place) in zip(named(), TEXTS, strict=True):
        text = "\u2028".join(sentences)
        passage = {"title": title, "text": text, "sentences": list(sentences)}
        chosen = [sentences[place]]
        outputs = [
            {"answer": true, "selected_sentences": chosen},
            {"answer": "NA", "selected_sentences": list(sentences)},
            {"answer": true, "selected_sentences": chosen},
        ]
        question = f"what is known about {title}: {sentences[place].rstrip('.').lower()}"
        able.append({"id": name, "input": question, "passages": [passage], "output": outputs})
        empty = [{"answer": "", "selected_sentences": []}]
        asked = "who won the football championship in brazil"
        unable.append({"id": name + "-un", "input": asked, "passages": [passage], "output": empty})
    # Either half has to have some that cannot be answered.
    for part, row in zip((0, 1), unable[:2], strict=True):
        row["id"] = "un" + next(name for name in keys(part) if half("un" + name) == part)
    write(folder / "clapnq_dev_answerable.jsonl", able)
    write(folder / "clapnq_dev_unanswerable.jsonl", unable[:2])
    return folder


def inscit_file(path: Path) -> Path:
    conversations = {}
    for part in (0, 1):
        turns, said = [], []
        for kind, (title, sentences, true, *_) in zip(inscit.KINDS, TEXTS, strict=True):
            said.append(f"What do you know of the {title}?")
            passage = {
                "passage_id": f"{title}:0",
                "passage_text": " ".join(sentences),
                "passage_titles": [title, "History"],
            }
            found = [] if kind == "noAnswerNoRelevantInfo" else [passage]
            label = {"responseType": kind, "response": true, "evidence": found}
            turns.append({"context": list(said), "prevEvidence": [[passage]], "labels": [label]})
            said.append(true)
        conversations[next(iter(keys(part)))] = {"turns": turns}
    path.write_bytes(gzip.compress(json.dumps(conversations).encode()))
    return path


Printed = Callable[..., str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a program prints."""

    def of(main: Callable[[], None], *arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
        main()
        return capsys.readouterr().out

    return of


def figures(text: str, title: str) -> list[float]:
    """The numbers of the first line that begins so, those of intervals left out."""
    line = next(line for line in text.splitlines() if line.strip().startswith(title))
    bare = re.sub(r"\[.*?\]", "", line.strip().removeprefix(title))
    return [float(number) for number in re.findall(r"-?\d*\.\d+|-?\d+", bare)]


def test_wice_agreement_is_whole_where_people_are_plain(tmp_path: Path, printed: Printed) -> None:
    wice_files(tmp_path / "wice")
    said = printed(agreement.main, tmp_path, "--sets", "wice")
    borne_out, evidence = said.split("which sentences")
    assert figures(borne_out, "the judge, as shipped") == [1.0, 1.0, 1.0]
    assert figures(evidence, "in order by the judge's score") == [1.0, 1.0, 4.0]
    assert "4 of 12 sentences of 4 texts" in evidence
    assert figures(borne_out, "Bespoke-MiniCheck-7B") == [0.83]


def test_wice_agreement_is_none_where_people_say_the_contrary(
    tmp_path: Path, printed: Printed
) -> None:
    wice_files(tmp_path / "wice", swapped=True)
    said = printed(agreement.main, tmp_path, "--sets", "wice")
    assert figures(said, "the judge, as shipped") == [0.0, -1.0, 0.0]


def test_scifact_agreement_tells_supported_from_contradicted_and_unrelated(
    tmp_path: Path, printed: Printed
) -> None:
    scifact_files(tmp_path / "scifact")
    said = printed(agreement.main, tmp_path, "--sets", "scifact")
    assert "12 cases: SUPPORT 4 (judged supported: 1.000), CONTRADICT 4 (judged supported: " in said
    assert figures(said, "AUROC against CONTRADICT")[0] == 1.0
    assert figures(said, "AUROC against NOTHING") == [1.0, 1.0]
    # Rationales of what contradicts a claim are evidence, too; the unrelated have none.
    assert "8 of 24 sentences of 8 texts" in said
    assert "scifact-train" in LOADERS
    assert len(list(LOADERS["scifact-train"](tmp_path / "scifact"))) == 12


def test_clapnq_agreement_tells_the_evidence_from_the_rest(
    tmp_path: Path, printed: Printed
) -> None:
    clapnq_files(tmp_path / "clapnq")
    said = printed(agreement.main, tmp_path, "--sets", "clapnq")
    assert "16 cases: evidence 8" in said  # an answer "NA" is none
    assert figures(said, "the judge, as shipped") == [1.0, 1.0, 1.0]
    assert figures(said, "one person and another, kappa") == [1.0, 4.0]


def test_the_features_of_wice_are_weighed_anew(tmp_path: Path, printed: Printed) -> None:
    wice_files(tmp_path)
    said = printed(wice.main, tmp_path)
    assert "8 claims, 4 supported" in said
    assert figures(said, "shipped verdicts") == [100.0, 100.0, 100.0]
    assert figures(said, "SummaC-ZS, published, test") == [62.8]
    assert "By a weaker protocol" in said


def test_scifact_search(tmp_path: Path, printed: Printed) -> None:
    folder = scifact_files(tmp_path / "scifact")
    said = printed(scifact.main, folder)
    assert "nDCG@10 on test, 12 claims" in said
    # Eight claims have their own text first; for four only another's counts, second to fourth.
    assert (
        (8 + 4 / np.log2(5)) / 12 <= figures(said, "ours, shipped")[0] <= (8 + 4 / np.log2(3)) / 12
    )
    (claim, *_) = scifact.claims(folder, "test")
    (right,) = claim.relevant
    assert scifact.gain(claim, ["x", right]) == pytest.approx(1 / np.log2(3))
    assert figures(said, "bge-small, published") == [0.713]


def test_clapnq_answers(tmp_path: Path, printed: Printed) -> None:
    folder = clapnq_files(tmp_path / "clapnq")
    cases = clapnq.load(folder)
    # An answer "NA" is none. The texts have line separators, which end no line of the file.
    assert [len(case.references) for case in cases] == [2, 2, 2, 2, 0, 0]
    said = printed(clapnq.main, folder)
    assert "6 questions, 4 answerable" in said
    composed = figures(said, "ROUGE-L as composed, none refused")
    assert composed[2] == pytest.approx((composed[0] + composed[1]) / 2, abs=0.1)
    assert composed[2] > 50
    counted, refused = figures(said, "ours, a refusal counting 0")
    assert counted == figures(said, "ROUGE-L, a refusal counting 0")[2]
    assert refused == figures(said, "unanswerable refused, %")[2]
    assert figures(said, "Mistral-7B, published") == [39.0, 18.6]
    assert "By a weaker protocol" in said


def test_clapnq_figures_by_hand() -> None:
    document = Document.from_text("The bridge of Tellow spans 320 metres.", source="a")

    def one(name: str, confidence: float, rouge: float | None) -> clapnq.Outcome:
        references = () if rouge is None else ("It spans 320 metres.",)
        case = clapnq.Case(name, "How long?", document, references)
        return clapnq.Outcome(case, confidence, rouge, None if rouge is None else 0.5)

    outcomes = [one("a", 0.9, 0.6), one("b", 0.5, 0.2), one("c", 0.4, 0.4), one("d", 0.1, None)]
    found = clapnq.figures(outcomes, threshold=0.5)
    assert {title: (round(each.value or 0, 6), each.cases) for title, each in found.items()} == {
        "ROUGE-L as composed, none refused": (0.4, 3),
        "ROUGE-L of the answers given": (0.4, 2),
        "ROUGE-L, a refusal counting 0": (round(0.8 / 3, 6), 3),
        "ROUGE-L of the whole passage": (0.5, 3),
        "unanswerable refused, %": (1.0, 1),
        "answerable refused, %": (round(1 / 3, 6), 3),
    }


def test_inscit(tmp_path: Path, printed: Printed) -> None:
    path = inscit_file(tmp_path / "dev.json.gz")
    said = printed(inscit.main, path)
    assert "4 passages; 8 turns, 6 of them follow-ups" in said
    assert figures(said, "last turn alone")[:3] == [1.0, 1.0, 1.0]
    assert figures(said, "as shipped")[2] > 40
    assert figures(said, "ChatQA-1.5-8B, published") == [30.1]
    assert figures(said, "whole history, given") == [0.465]
    assert "By a weaker protocol" in said


def test_agreement_measures_by_hand() -> None:
    labels = [True, True, True, False]
    # Two of three right, and the one no.
    assert balanced_accuracy([True, True, False, False], labels) == pytest.approx((2 / 3 + 1) / 2)
    # They agree on 3 of 4; by chance on .5 x .75 + .5 x .25 = .5.
    assert kappa([True, True, False, False], labels) == pytest.approx(0.5)
    # Of three pairs one is in order, one a tie, one the wrong way round.
    assert auroc([0.9, 0.5, 0.1, 0.5], labels) == pytest.approx(0.5)
    assert auroc([3, 2, 1, 0], labels) == 1.0
    assert best_threshold([0.9, 0.8, 0.2, 0.3], [True, True, True, False]) == 0.8


def test_agreement_with_one_kind_only_is_not_measured() -> None:
    assert balanced_accuracy([True, False], [True, True]) is None
    assert auroc([0.1, 0.2], [False, False]) is None
    assert auroc([], []) is None
    assert kappa([True, True], [True, True]) is None
    assert kappa([], []) is None
    assert best_threshold([0.1, 0.2], [True, True]) == float("inf")


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="scikit-learn is in the evals extra"
)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), min_size=2, max_size=30)
)
@settings(deadline=None)  # the first one imports it
def test_agreement_is_as_scikit_learn_has_it(rows: Sequence[tuple[int, bool, bool]]) -> None:
    from sklearn import metrics

    scores, said, labels = map(list, zip(*rows, strict=True))
    if len(set(labels)) == 2:
        assert auroc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores))
        expected = metrics.balanced_accuracy_score(labels, said)
        assert balanced_accuracy(said, labels) == pytest.approx(expected)
        assert kappa(said, labels) == pytest.approx(metrics.cohen_kappa_score(labels, said))
