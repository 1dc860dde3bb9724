"""The default corpus has every shape, and its binary documents are reproducible."""

import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from assistant.documents import Document, parse
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"

sys.path.insert(0, str(ROOT / "evals"))
import make_seeds  # noqa: E402  (evals is a folder of scripts, not a package)


@cache
def document(source: str) -> Document:
    return parse(SEEDS / source, source=source, settings=Settings())


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
