"""The default corpus and the cases asked of it agree, and the binary documents are reproducible."""

import json
import re
import sys
from collections import Counter
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from assistant.documents import Document, parse
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"
CASES = [
    json.loads(line)
    for line in (ROOT / "evals/cases/seeds.jsonl").read_text(encoding="utf-8").splitlines()
]
TAGS = {
    *("lookup", "numbers", "who-said-what", "combine", "negative", "yes-no", "date"),
    *("false-premise", "unanswerable", "misspelt"),
}

sys.path.insert(0, str(ROOT / "evals"))
import make_seeds  # noqa: E402  (evals is a folder of scripts, not a package)


@cache
def document(source: str) -> Document:
    return parse(SEEDS / source, source=source, settings=Settings())


def flat(text: str) -> str:
    """Lower case, every run of white space one blank: how an accepted answer is looked for."""
    return " ".join(text.lower().split())


def test_the_corpus_has_every_shape() -> None:
    names = [path.name for path in SEEDS.iterdir()]
    types = {path.suffix for path in SEEDS.iterdir()}
    assert types >= {".md", ".html", ".pdf", ".docx", ".txt", ".csv", ".xlsx", ".eml"}
    assert len(names) == len(types)
    assert sum(len(document(name).text.split()) for name in names) >= 2_500


@pytest.mark.parametrize("name", make_seeds.WRITERS)
def test_binary_seeds_are_what_the_script_writes(name: str, tmp_path: Path) -> None:
    written = make_seeds.WRITERS[name]()
    assert written == make_seeds.WRITERS[name]()
    (tmp_path / name).write_bytes(written)
    fresh = parse(tmp_path / name, source=name, settings=Settings())
    assert fresh.text == document(name).text
    library, release = make_seeds.WRITTEN_WITH[name]
    if version(library) == release:
        assert written == (SEEDS / name).read_bytes()


def test_a_paragraph_of_the_pdf_runs_over_a_page_end() -> None:
    background = document("background.pdf")
    assert max(block.page_end or 0 for block in background.blocks) >= 3
    across = [block for block in background.blocks if block.page != block.page_end]
    assert any(block.kind == "paragraph" for block in across)


def test_cases_are_well_formed() -> None:
    assert [case["id"] for case in CASES] == [f"seeds-{n:03}" for n in range(1, len(CASES) + 1)]
    assert max(Counter(flat(case["question"]) for case in CASES).values()) == 1
    for case in CASES:
        assert set(case) == {"id", "question", "answerable", "answers", "sources", "tags"}, case
        assert case["question"] == case["question"].strip() != "", case
        assert case["tags"], case
        assert set(case["tags"]) <= TAGS, case
        assert case["answerable"] is (("unanswerable" in case["tags"]) is False), case
        assert bool(case["answers"]) is bool(case["sources"]) is case["answerable"], case
    answerable = sum(case["answerable"] for case in CASES)
    assert answerable >= 45
    assert len(CASES) - answerable >= 25


@pytest.mark.parametrize("case", [c for c in CASES if c["answerable"]], ids=lambda case: case["id"])
def test_accepted_answers_stand_in_the_named_sources(case: dict[str, list[str]]) -> None:
    texts = {source: flat(document(source).text) for source in case["sources"]}
    for answer in case["answers"]:
        word = re.compile(rf"(?<!\w){re.escape(flat(answer))}(?!\w)")
        assert any(word.search(text) for text in texts.values()), answer
    for source, text in texts.items():
        assert any(flat(answer) in text for answer in case["answers"]), source


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_every_kind_of_question_is_asked(tag: str) -> None:
    assert any(tag in case["tags"] for case in CASES)
