"""The search indexes through their public API, with the real Chroma and tantivy."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_catalog import DIMENSIONS, as_nobody, document, put, unit

from assistant.catalog import Catalog, WriteLock, open_catalog
from assistant.indexes import (
    DenseIndex,
    LexicalIndex,
    chroma,
    doctor,
    lexical,
    mend_for_reading,
    terms,
    update,
)

SUBJECTS = ("treaties", "energy", "payments", "railways", "grain", "satellites", "visas", "ports")


def fill(catalog: Catalog, count: int = 60) -> None:
    for number in range(count):
        subject = SUBJECTS[number % len(SUBJECTS)]
        put(
            catalog,
            document(
                f"{number}.txt",
                f"Paper {number} is about {subject} and nothing else.",
                f"It was written in the year {1900 + number}.",
                title=f"On {subject}",
            ),
        )


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled") / "index"
    with open_catalog(folder, create=True) as catalog:
        fill(catalog)
        update(catalog)
        catalog.settle()
    return folder


@pytest.fixture
def catalog(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "index")
    with open_catalog(tmp_path / "index") as catalog:
        yield catalog


def texts(catalog: Catalog, ranking: list[tuple[int, float]]) -> list[str]:
    return [hit.passage.text for hit in catalog.passages([key for key, _ in ranking])]


def true_ranking(catalog: Catalog, vector: np.ndarray, limit: int) -> list[tuple[int, float]]:
    """Written apart from the code under test: every dot product, sorted."""
    vectors = catalog.vectors(catalog.passage_ids())
    scored = [
        (key, round(float(own.astype(np.float64) @ vector.astype(np.float64)), 6))
        for key, (own, _) in vectors.items()
    ]
    return sorted(scored, key=lambda hit: (-hit[1], hit[0]))[:limit]


# Lexical.


def test_words_are_found_whatever_their_form(catalog):
    index = LexicalIndex(catalog)
    for query in ("treaty", "TREATIES", "the tréaty?!", "treaty AND (energy: [", "title:treaty^"):
        (best,) = catalog.passages([index.search(query, 1)[0][0]])
        assert "treaties" in best.passage.context, query
    assert [key for key, _ in index.search("1917", 5)] == [36]
    assert index.search("zebra", 5) == []
    assert index.search("... !!", 5) == []
    assert index.search("treaty", 0) == []


@settings(max_examples=60, deadline=None)
@given(query=st.text(max_size=80))
def test_any_text_is_a_query(filled, query):
    with open_catalog(filled) as catalog:
        assert isinstance(LexicalIndex(catalog).search(query, 3), list)
        assert isinstance(terms(query), list)


def test_analysis_folds_lower_cases_and_stems():
    assert terms("Résumés of Iran's RUNNING treaties, 2024-25") == [
        "resum", "of", "iran", "s", "run", "treati", "2024", "25",
    ]  # fmt: skip
    assert terms("x" * 50) == []


def test_a_passage_is_found_by_its_title_too(catalog):
    found = LexicalIndex(catalog).search("grain", 40)
    assert len(found) == 14, "the title stands above every passage"
    texts = {
        item.id: item.passage.text.casefold() for item in catalog.passages([k for k, _ in found])
    }
    named = [("grain" in texts[key]) for key, _ in found]
    assert named[0], "in the text as well as in the title it counts for more"
    assert not all(named)


@pytest.mark.parametrize("few", [lexical.FEW_IDS, 0])
def test_lexical_filters_and_ties_by_id(catalog, monkeypatch, few):
    monkeypatch.setattr(lexical, "FEW_IDS", few)
    index = LexicalIndex(catalog)
    everything = index.search("written", 100)
    assert len(everything) == 60
    assert [key for key, _ in everything] == sorted(key for key, _ in everything)
    assert index.search("written", 7) == everything[:7]
    allowed = np.array([4, 5, 8, 60, 118], np.int64)
    assert [key for key, _ in index.search("written", 3, allowed=allowed)] == [4, 8, 60]
    assert [key for key, _ in index.search("written", 9, allowed=allowed)] == [4, 8, 60, 118]
    assert index.search("written", 3, allowed=allowed[:0]) == []


def test_rare_words_weigh_more(catalog):
    index = LexicalIndex(catalog)
    weights = index.idf(["paper", "Satellites", "1917", "zebra", "?"])
    assert 0 < weights["paper"] < weights["Satellites"] < weights["1917"] < weights["zebra"]
    assert weights["?"] == 0
    assert weights["1917"] == pytest.approx(np.log1p((120 - 1 + 0.5) / 1.5))


def test_updates_are_seen_by_an_index_already_open(catalog):
    index = LexicalIndex(catalog)
    assert index.search("zebra", 5) == []
    put(catalog, document("0.txt", "A zebra.", title="Z"))
    assert lexical.lags(catalog)
    update(catalog)
    assert texts(catalog, index.search("zebra", 5)) == ["A zebra."]
    assert "Paper 0" not in " ".join(texts(catalog, index.search("paper treaties", 99)))
    assert not lexical.lags(catalog)


def test_a_large_index_is_updated_in_place(catalog, monkeypatch):
    monkeypatch.setattr(lexical, "SMALL", 0)
    before = catalog.projection("lexical")
    put(catalog, document("0.txt", "A zebra.", title="Z"))
    update(catalog)
    after = catalog.projection("lexical")
    assert after.generation == before.generation
    assert after.count == catalog.counts().passages
    assert lexical.check(catalog, deep=True) is None
    with catalog.transaction() as transaction:
        transaction.remove([f"{number}.txt" for number in range(20)])
    update(catalog)
    assert catalog.projection("lexical").generation != before.generation, "too much was removed"


# Dense.


@pytest.mark.parametrize("prefer", ["exact", "chroma"])
def test_the_nearest_are_found_with_exact_scores(catalog, prefer):
    index = DenseIndex(catalog, prefer=prefer)
    for seed in range(20):
        assert index.search(unit(seed), 7) == true_ranking(catalog, unit(seed), 7)
    assert index.answers_by == prefer
    index.close()


@pytest.mark.parametrize("prefer", ["exact", "chroma"])
def test_changes_are_seen_at_once_without_an_update(catalog, prefer):
    index = DenseIndex(catalog, prefer=prefer)
    index.search(unit(0), 5)
    put(catalog, document("new.txt", *[f"New {number}." for number in range(30)]))
    with catalog.transaction() as transaction:
        transaction.remove([f"{number}.txt" for number in range(10, 50)])
    assert index.answers_by == prefer
    for seed in range(10):
        assert index.search(unit(seed), 40) == true_ranking(catalog, unit(seed), 40)
    index.close()


def test_when_most_was_removed_enough_is_found(catalog):
    index = DenseIndex(catalog, prefer="chroma")
    index.search(unit(0), 5)
    with catalog.transaction() as transaction:
        transaction.remove([f"{number}.txt" for number in range(58)])
    assert index.answers_by == "chroma"
    assert index.search(unit(1), 4) == true_ranking(catalog, unit(1), 4)
    index.close()


@pytest.mark.parametrize("prefer", ["exact", "chroma"])
@pytest.mark.parametrize("size", [5, 100])
def test_filters_are_exact(catalog, monkeypatch, prefer, size):
    monkeypatch.setattr("assistant.indexes.dense.FEW_IDS", 50)
    allowed = catalog.passage_ids()[3 : 3 + size]
    index = DenseIndex(catalog, prefer=prefer)
    wanted = [hit for hit in true_ranking(catalog, unit(4), 999) if hit[0] in set(allowed.tolist())]
    assert index.search(unit(4), 9, allowed=allowed) == wanted[:9]
    assert index.search(unit(4), 9, allowed=allowed[:0]) == []
    index.close()


def test_the_first_question_does_not_wait_for_chroma(catalog, monkeypatch):
    monkeypatch.setattr("assistant.indexes.dense.EXACT_IS_FASTER", 10)
    index = DenseIndex(catalog)
    first = index.search(unit(1), 5)
    index.wait()
    assert index.answers_by == "exact"
    assert index.search(unit(1), 5) == first
    index.wait()
    assert index.answers_by == "chroma"
    assert index.search(unit(1), 5) == first
    index.close()


def test_a_small_index_is_searched_exactly_for_good(catalog):
    index = DenseIndex(catalog)
    for _ in range(4):
        index.search(unit(1), 5)
        index.wait()
    assert index.answers_by == "exact"


def test_an_open_reader_follows_a_new_generation(catalog, monkeypatch):
    index = DenseIndex(catalog, prefer="chroma")
    index.search(unit(1), 5)
    before = catalog.projection("dense").generation
    monkeypatch.setattr(chroma, "LEAST_WORTH_A_BUILD", 5)
    put(catalog, document("new.txt", *[f"New {number}." for number in range(30)]))
    update(catalog)
    after = catalog.projection("dense").generation
    assert after != before
    assert [path.name for path in (catalog.folder / "chroma").iterdir()] == [after]
    for seed in range(5):
        assert index.search(unit(seed), 9) == true_ranking(catalog, unit(seed), 9)
    assert index.answers_by == "chroma"
    index.close()


def test_an_empty_catalog_has_empty_answers(tmp_path):
    with open_catalog(tmp_path, create=True) as catalog:
        update(catalog)
        assert DenseIndex(catalog, prefer="chroma").search(unit(1), 5) == []
        assert DenseIndex(catalog).search(unit(1), 5) == []
        assert LexicalIndex(catalog).search("anything", 5) == []
        assert LexicalIndex(catalog).idf(["a"]) == {"a": 0.0}
        assert all(finding.ok for finding in doctor(catalog))


def test_one_passage_is_enough_for_chroma(tmp_path):
    with open_catalog(tmp_path, create=True) as catalog:
        put(catalog, document("a.txt", "One."))
        update(catalog)
        index = DenseIndex(catalog, prefer="chroma")
        assert len(index.search(unit(1), 5)) == 1
        assert index.answers_by == "chroma"
        index.close()


# Damage.


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


def emptied(folder: Path) -> None:
    for path in files(folder):
        path.write_bytes(b"")


def torn(folder: Path) -> None:
    for path in files(folder):
        os.truncate(path, path.stat().st_size // 2)


def flipped(folder: Path) -> None:
    for path in files(folder):
        data = bytearray(path.read_bytes())
        for place in range(0, len(data), max(1, len(data) // 20)):
            data[place] ^= 0xFF
        path.write_bytes(data)


def one_gone(folder: Path) -> None:
    max(files(folder), key=lambda path: path.stat().st_size).unlink()


@pytest.mark.parametrize("damage", [gone, emptied, torn, flipped, one_gone])
@pytest.mark.parametrize("name", ["lexical", "chroma"])
def test_a_damaged_index_is_noticed_and_heals(catalog, name, damage):
    expected = true_ranking(catalog, unit(3), 5)
    damage(catalog.folder / name)

    findings = {finding.name: finding for finding in doctor(catalog)}
    damaged = "dense" if name == "chroma" else name
    assert [key for key, finding in findings.items() if not finding.ok] == [damaged]

    dense = DenseIndex(catalog)
    assert dense.search(unit(3), 5) == expected, "exact search needs no Chroma"
    if name == "chroma":
        dense = DenseIndex(catalog, prefer="chroma")
        assert dense.search(unit(3), 5) == expected
        assert dense.answers_by == "chroma", "built anew by the reader"
        dense.close()
    elif damage is flipped:  # Reading it whole at each start would cost too much.
        assert all(finding.mended or finding.ok for finding in doctor(catalog, mend=True))
    else:
        assert mend_for_reading(catalog) is None
    assert "treaties" in texts(catalog, LexicalIndex(catalog).search("treaty", 1))[0]
    assert all(finding.ok for finding in doctor(catalog))


@pytest.mark.parametrize("name", ["lexical", "chroma"])
def test_an_update_mends_what_is_damaged(catalog, name):
    torn(catalog.folder / name)
    update(catalog)
    assert all(finding.ok for finding in doctor(catalog))


def test_doctor_mends_when_told(catalog):
    gone(catalog.folder / "chroma")
    torn(catalog.folder / "lexical")
    mended = {finding.name for finding in doctor(catalog, mend=True) if finding.mended}
    assert mended == {"lexical", "dense"}
    assert all(finding.ok for finding in doctor(catalog))


def test_damage_found_while_another_writes_leaves_the_rest_working(catalog):
    gone(catalog.folder / "lexical")
    gone(catalog.folder / "chroma")
    with WriteLock(catalog.folder, purpose="sync"):
        assert mend_for_reading(catalog) is not None
        assert LexicalIndex(catalog).search("treaty", 3) == []
        dense = DenseIndex(catalog, prefer="chroma")
        assert dense.search(unit(2), 5) == true_ranking(catalog, unit(2), 5)
        assert (dense.answers_by, bool(dense.problem)) == ("exact", True)
        names = [finding.name for finding in doctor(catalog)]
        assert names == ["catalog", "lock"], "what is being written cannot be judged"


def test_an_index_that_may_only_be_read_is_searched(filled):
    script = f"""
from assistant.catalog import open_catalog
from assistant.indexes import DenseIndex, LexicalIndex, mend_for_reading
catalog = open_catalog(sys.argv[1])
print(mend_for_reading(catalog), len(LexicalIndex(catalog).search("treaty", 3)))
for prefer in ("exact", "chroma"):
    print(len(DenseIndex(catalog, prefer=prefer).search(numpy.ones({DIMENSIONS}, "f4"), 3)))
"""
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)
        shutil.copytree(filled, Path(temporary, "index"))
        told = as_nobody(
            script,
            Path(temporary, "index"),
            imports="chromadb, numpy, tantivy, assistant.indexes",
        )
    assert told == "None 3\n3\n3\n"


def test_a_killed_lexical_update_is_done_again(catalog, monkeypatch):
    """Committed by tantivy, but not yet recorded: nothing is there twice afterwards."""
    monkeypatch.setattr(lexical, "SMALL", 0)
    put(catalog, document("new.txt", "A zebra."))
    lexical.update(catalog)
    update(catalog)
    assert len(LexicalIndex(catalog).search("zebra", 9)) == 1
    assert all(finding.ok for finding in doctor(catalog))


def test_an_index_of_another_model_is_not_asked(catalog):
    with catalog.transaction() as transaction:
        transaction.describe(fingerprint="other")
        transaction.forget_projection("dense")
    for prefer in ("exact", "chroma"):
        assert DenseIndex(catalog, prefer=prefer).search(unit(1), 5) == []
    assert LexicalIndex(catalog).search("treaty", 1) != []


def test_only_this_package_imports_chroma_and_tantivy_and_only_when_needed(catalog):
    script = (
        "import sys; import assistant.indexes; from assistant.catalog import open_catalog\n"
        "import numpy as np\n"
        "catalog = open_catalog(sys.argv[1]); dense = assistant.indexes.DenseIndex(catalog)\n"
        f"print(len(dense.search(np.ones({DIMENSIONS}, np.float32), 3)))\n"
        "print([name for name in ('chromadb', 'tantivy') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(catalog.folder)], capture_output=True, text=True
    )
    assert run.stdout == "3\n[]\n", run.stderr
    package = Path(lexical.__file__).parent
    for path in package.parent.rglob("*.py"):
        if path.parent != package:
            source = path.read_text(encoding="utf-8")
            assert "import chromadb" not in source, path
            assert "import tantivy" not in source, path
