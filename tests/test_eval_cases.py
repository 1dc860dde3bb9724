"""Eval sets are read strictly, and the project's own are right about their documents."""

import json
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import Assistant
from assistant.documents import parse
from assistant.errors import EvaluationError
from assistant.evaluation.answers import accepted
from assistant.evaluation.cases import Case, dump, half, load
from assistant.evaluation.cases import parse as parse_cases
from assistant.evaluation.fields import FIELDS, Earlier, Evidence
from assistant.settings import Settings
from evals.seeds import FOLDERS, cases_of

ROOT = Path(__file__).resolve().parent.parent
SEEDS = load(ROOT / "evals/cases/seeds.jsonl")
ANSWERABLE = [case for case in SEEDS if case.answerable]
TAGS = {
    *("lookup", "numbers", "date", "who-said-what", "contrast", "combine", "yes-no", "negative"),
    *("paraphrase", "follow-up", "false-premise", "ambiguous", "misspelt", "unanswerable"),
}
OTHERS = {name: load(cases_of(name)) for name in ("harbour", "workplace", "station", "software")}
MORE_TAGS = (TAGS - {"follow-up", "ambiguous"}) | {"definition", "place", "reason"}
IN_COLLECTIONS = [
    *(("seeds", case) for case in ANSWERABLE),
    *((name, case) for name, cases in OTHERS.items() for case in cases if case.answerable),
]
GOOD = {"id": "a", "question": "Who?", "answerable": True, "answers": ["Ada"]}


def flat(text: str) -> str:
    return " ".join(text.split())


@cache
def text(collection: str, source: str) -> str:
    path = FOLDERS[collection] / source
    return flat(parse(path, source=source, settings=Settings()).text)


# The format.


def test_every_field_is_read(tmp_path: Path) -> None:
    line = {
        "id": "x-1",
        "question": "And where?",
        "history": [{"question": "When?", "answer": "On Friday."}, {"question": "Sure?"}],
        "answerable": True,
        "answers": ["Rome", ["Paris", "Lyon"]],
        "references": ["It is in Rome."],
        "choices": ["the talks", "the visit"],
        "evidence": [{"source": "b.txt", "quote": "in  Rome"}, {"source": "a.txt", "quote": "q"}],
        "tags": ["lookup"],
        "group": "talk",
        "comment": "ask Ada",
    }
    file = tmp_path / "cases.jsonl"
    # A byte order mark, blank lines, line ends of Windows, and U+2028 inside of a text.
    content = "\ufeff\n" + json.dumps(line).replace("ask Ada", "ask\u2028Ada") + "\r\n  \r\n"
    file.write_bytes(content.encode())
    (case,) = load(file)
    assert case == Case(
        id="x-1",
        question="And where?",
        history=(Earlier("When?", "On Friday."), Earlier("Sure?", None)),
        answerable=True,
        answers=(("Rome",), ("Paris", "Lyon")),
        references=("It is in Rome.",),
        choices=("the talks", "the visit"),
        sources=("b.txt", "a.txt"),
        evidence=(Evidence("b.txt", "in  Rome"), Evidence("a.txt", "q")),
        tags=("lookup",),
        group="talk",
        comment="ask\u2028Ada",
        line=2,
    )
    assert case.cluster == "talk"
    assert case.half == half("talk")


def test_a_case_is_told_from_few_fields() -> None:
    (case,), problems = parse_cases('{"id": "a", "question": "Who?"}')
    assert not problems
    assert case == Case("a", "Who?", line=1)
    assert case.answerable is None
    assert case.cluster == "a"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": ""}, "`id` is empty"),
        ({"id": 7}, "`id` is a number; it must be a text"),
        ({"question": None}, "`question` is null; it must be a text"),
        ({"question": " \n"}, "`question` is empty"),
        ({"answerable": "yes"}, "`answerable` is a text; it must be true, false, or null"),
        ({"answerable": 1}, "`answerable` is a number"),
        ({"answers": []}, "`answers` is empty; an answerable case needs one"),
        ({"answers": "Ada"}, "`answers` is a text; it must be a list"),
        ({"answers": ["Ada", ""]}, "`answers` 2 is empty"),
        ({"answers": [[]]}, "`answers` 1 is empty; it needs a part"),
        ({"answers": [["Ada", 1815]]}, "`answers` 1 2 is a number; it must be a text"),
        ({"answers": [{"text": "Ada"}]}, "`answers` 1 is an object; it must be a text"),
        ({"answerable": False}, "`answers` is not empty, though `answerable` is false"),
        ({"answerable": False, "answers": [], "sources": ["a"]}, "`sources` is not empty, though"),
        ({"history": {"question": "Q"}}, "`history` is an object; it must be a list"),
        ({"history": ["Q"]}, "`history` 1 is a text; it must be an object with question"),
        ({"history": [{"answer": "A"}]}, "`history` 1: `question` is missing"),
        ({"history": [{"question": "Q", "reply": "A"}]}, "`history` 1: `reply` is no field of it"),
        ({"history": [{"question": "Q", "answer": 3}]}, "`history` 1: `answer` is a number"),
        ({"evidence": [{"source": "a"}]}, "`evidence` 1: `quote` is missing"),
        ({"evidence": [{"source": "a", "quote": ""}]}, "`evidence` 1: `quote` is empty"),
        (
            {"sources": ["b"], "evidence": [{"source": "a", "quote": "q"}]},
            "`evidence` 1: 'a' is not among `sources`",
        ),
        ({"choices": ["one"]}, "`choices` has one item"),
        ({"tags": [True]}, "`tags` 1 is true; it must be a text"),
        ({"anwsers": ["Ada"]}, "`anwsers` is no field of a case; known: id, question, history"),
    ],
    ids=str,
)
def test_an_error_names_line_and_field(
    changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "cases.jsonl"
    lines = [json.dumps({**GOOD, "id": "first"}), "", json.dumps({**GOOD, **changes})]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(EvaluationError) as raised:
        load(file)
    assert f"line 3: {problem}" in str(raised.value)
    assert str(file) in str(raised.value)
    assert "line 1" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "a"', "is not JSON (Expecting ',' delimiter at column 11)"),
        ("id,question", "is not JSON (Expecting value at column 1)"),
        ('["a", "Who?"]', "is a list; a case is an object with fields"),
        ("null", "is null; a case is an object"),
        ('{"id": "a", "question": "Who?", "id": "b"}', "`id` is there twice"),
        ('{"question": "Who?"}', "`id` is missing"),
        ('{"id": "a"}', "`question` is missing"),
        ('{"id": ' + "9" * 5000 + "}", "is not JSON that can be read"),
        ("[" * 100_000, "is not JSON that can be read"),
    ],
    ids=lambda value: value[:30],
)
def test_a_line_that_is_no_case(line: str, problem: str) -> None:
    cases, problems = parse_cases(line)
    assert not cases
    assert problems[0].startswith(f"line 1: {problem}")


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    bad = {"id": 1, "question": "", "answerable": True, "tags": "x"}
    lines = [json.dumps(bad), json.dumps(GOOD), json.dumps(GOOD)]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(EvaluationError) as raised:
        load(file)
    told = str(raised.value).split("\n  ")[1:]
    assert told == [
        "line 1: `id` is a number; it must be a text",
        "line 1: `question` is empty",
        "line 1: `tags` is a text; it must be a list",
        "line 3: `id` 'a' is also on line 2",
    ]


def test_very_many_errors_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text("x\n" * 1000, encoding="utf-8")
    with pytest.raises(EvaluationError, match="and 980 more") as raised:
        load(file)
    assert str(raised.value).count("line ") == 20


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be read"):
        load(tmp_path / "missing.jsonl")
    with pytest.raises(EvaluationError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "empty.jsonl").write_bytes(b"\xef\xbb\xbf\n\n")
    with pytest.raises(EvaluationError, match="holds no cases"):
        load(tmp_path / "empty.jsonl")
    (tmp_path / "latin.jsonl").write_bytes('{"id": "é"}'.encode("latin-1"))
    with pytest.raises(EvaluationError, match="is not UTF-8 \\(byte 8\\)"):
        load(tmp_path / "latin.jsonl")


words = st.text(min_size=1).filter(str.strip)


@given(
    words,
    words,
    st.lists(st.tuples(words, st.none() | st.text())),
    st.lists(st.lists(words, min_size=1), min_size=1),
    st.lists(words),
)
def test_what_is_written_is_read_again(
    id: str,
    question: str,
    history: list[tuple[str, str | None]],
    answers: list[list[str]],
    tags: list[str],
) -> None:
    case = Case(
        id,
        question,
        history=tuple(Earlier(*turn) for turn in history),
        answerable=True,
        answers=tuple(map(tuple, answers)),
        tags=tuple(tags),
        line=1,
    )
    assert parse_cases(dump(case)) == ([case], [])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["question", "answer", "source", "quote", "x"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "x"]), anything, max_size=8))
def test_whatever_stands_there_is_a_case_or_an_error(fields: dict[str, Any]) -> None:
    cases, problems = parse_cases(json.dumps(fields))
    assert len(cases) == (not problems)
    assert all(problem.startswith("line 1: ") for problem in problems)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    cases, problems = parse_cases(text)
    assert len(cases) + len(problems) <= text.count("\n") + 1


def test_half_a_surrogate_pair_survives() -> None:
    case = Case("a", "What is \ud83d?", line=1)
    dump(case).encode()
    assert parse_cases(dump(case)) == ([case], [])


def test_feedback_of_readers_is_an_eval_set(seeds_index: Path, tmp_path: Path) -> None:
    index = shutil.copytree(seeds_index, tmp_path / "index")
    with Assistant.open(index) as assistant:
        chat = assistant.chat()
        chat.save()
        for number, (question, good) in enumerate(
            [
                ("How long will the treaty last?", True),
                ("Who is Kazem Jalali?", False),
                ("How do I make a sourdough starter?", True),
            ]
        ):
            chat.ask(question)
            chat.rate(number, good=good, comment="so so")
        rated = assistant.feedback()
    file = tmp_path / "feedback.jsonl"
    file.write_text("\n".join(map(json.dumps, rated)), encoding="utf-8")
    lasting, person, starter = load(file)
    assert lasting.answerable is True
    assert lasting.answers
    assert "overview.md" in lasting.sources
    assert person.answerable is None
    assert [turn.question for turn in person.history] == ["How long will the treaty last?"]
    assert starter.answerable is False
    assert starter.comment == "so so"


# The seeds' own cases.


def test_the_halves_stay_as_they_are() -> None:
    # Whether what `printf seeds-001 | sha256sum` prints is odd.
    assert [half("seeds-001"), half("seeds-008")] == [1, 0]
    sizes = Counter(case.half for case in SEEDS)
    assert min(sizes.values()) >= 0.4 * len(SEEDS)


def test_seeds_cases_are_many_and_well_formed() -> None:
    assert [case.id for case in SEEDS] == [f"seeds-{n:03}" for n in range(1, len(SEEDS) + 1)]
    assert len(SEEDS) >= 150
    asked = Counter((case.history, flat(case.question).casefold()) for case in SEEDS)
    assert max(asked.values()) == 1
    for case in SEEDS:
        assert case.question == flat(case.question)
        assert case.tags
        assert set(case.tags) <= TAGS
        assert len(set(case.tags)) == len(case.tags)
        assert ("unanswerable" in case.tags) is (case.answerable is False)
        assert ("ambiguous" in case.tags) is bool(case.choices)
        assert ("follow-up" in case.tags) is bool(case.history)
        assert bool(case.evidence) is bool(case.answerable)
        assert list(case.sources) == list(dict.fromkeys(e.source for e in case.evidence))
    kinds = {
        half: Counter(tag for case in SEEDS if case.half == half for tag in case.tags)
        for half in (0, 1)
    }
    for tag in TAGS - {"paraphrase", "ambiguous"}:
        assert all(kinds[half][tag] >= 5 for half in (0, 1)), tag
    assert len(SEEDS) - len(ANSWERABLE) >= 40


def test_conversations_have_two_to_six_turns() -> None:
    lengths: Counter[str] = Counter()
    for case in SEEDS:
        assert bool(case.history) <= bool(case.group)
        if case.group:
            lengths[case.group] = max(lengths[case.group], len(case.history) + 1)
    assert len(lengths) >= 12
    assert set(lengths.values()) == {2, 3, 4, 5, 6}
    for case in SEEDS:
        earlier = {c.question for c in SEEDS if c.group == case.group}
        told = [turn.question for turn in case.history if turn.answer is None]
        assert set(told) <= earlier, "a turn that the assistant answers is a case, too"


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_collections_are_well_formed(name: str) -> None:
    cases = OTHERS[name]
    assert [case.id for case in cases] == [f"{name}-{n:03}" for n in range(1, len(cases) + 1)]
    assert max(Counter(flat(case.question).casefold() for case in cases).values()) == 1
    for case in cases:
        assert case.question == flat(case.question)
        assert not case.history
        assert case.tags
        assert set(case.tags) <= MORE_TAGS
        assert len(set(case.tags)) == len(case.tags)
        assert ("unanswerable" in case.tags) is (case.answerable is False)
        assert bool(case.evidence) is bool(case.answerable)
        assert list(case.sources) == list(dict.fromkeys(e.source for e in case.evidence))
    assert min(Counter(case.half for case in cases).values()) >= 0.4 * len(cases)
    assert set().union(*(case.tags for case in cases)) == MORE_TAGS - {"contrast"}


@pytest.mark.parametrize(
    ("collection", "case"), IN_COLLECTIONS, ids=[case.id for _, case in IN_COLLECTIONS]
)
def test_the_documents_say_what_the_case_says(collection: str, case: Case) -> None:
    for evidence in case.evidence:
        assert flat(evidence.quote) in text(collection, evidence.source)
        parts = [part for parts in case.answers for part in parts]
        assert any(accepted(evidence.quote, [[part]]) for part in parts), evidence
    together = " ".join(evidence.quote for evidence in case.evidence)
    for answer in case.answers:
        assert accepted(together, [answer]), answer


def test_the_description_is_true() -> None:
    readme = (ROOT / "evals/cases/README.md").read_text(encoding="utf-8")
    assert f"{len(SEEDS)} cases of the documents in `seeds/`, {len(ANSWERABLE)} answer" in readme
    for name, cases in OTHERS.items():
        able = sum(bool(case.answerable) for case in cases)
        assert f"| `{name}` | {len(cases)} | {able} |" in readme
    assert all(f"`{name}`" in readme for name in (*FIELDS, *TAGS, *MORE_TAGS))
