"""Prompts are files with strict variables; a wrong one is an error that says which and why."""

from pathlib import Path

import pytest

from assistant.bundled import shipped
from assistant.errors import PromptError
from assistant.prompts import VARIABLES, load, render

VALUES = {"query": "Who?", "scope": "3 documents"}


def test_every_shipped_prompt_is_known_and_renders() -> None:
    assert {path.stem for path in shipped("prompts").glob("*.md")} == set(VARIABLES)
    for name, variables in VARIABLES.items():
        rendered = render(name, **{variable: f"<{variable}>" for variable in variables})
        assert all(f"<{variable}>" in rendered for variable in variables)
        assert "$" not in rendered


def test_values_are_inserted_and_never_expanded() -> None:
    query = "$scope ${scope} $$ what does it cost in $?"
    assert query in render("refusal", query=query, scope="3 documents")


@pytest.mark.parametrize("given", [{}, {"query": "x"}, {**VALUES, "other": "x"}])
def test_missing_and_unknown_values_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(PromptError, match="'refusal' takes"):
        render("refusal", **given)


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(PromptError, match=r"no prompt 'greeting'; known: .*clarify, .*refusal"):
        render("greeting")


def test_a_folder_of_ones_own_goes_first_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "refusal.md").write_text("Nothing on $query in $scope, for $$5.\n")
    folder = str(tmp_path)
    assert render("refusal", folder=folder, **VALUES) == "Nothing on Who? in 3 documents, for $5."
    assert render("refusal-empty", folder=folder, query="q") == render("refusal-empty", query="q")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Only $query.", r"look at \$scope"),
        ("$query $scope $other", r"look at \$other"),
        ("$query $scope\ncosts 5$ now", "stray [$] in 'costs 5[$] now'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "refusal.md").write_text(text)
    with pytest.raises(PromptError, match=said) as caught:
        load("refusal", str(tmp_path))
    assert str(tmp_path / "refusal.md") in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "refusal.md").write_bytes(b"$query $scope \xff")
    with pytest.raises(PromptError, match="cannot be read"):
        load("refusal", str(tmp_path))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="does not exist"):
        load("refusal", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("refusals.md", "refusal.md"),
        ("refusal.txt", "refusal.md"),
        ("Refusal.MD", "refusal.md"),
        ("anwser.md", "answer.md"),
        ("search_again.md", "search-again.md"),
        ("answer.old.md", "answer.md"),
    ],
)
def test_a_misspelt_file_is_refused_with_the_name_that_was_meant(
    tmp_path: Path, name: str, meant: str
) -> None:
    (tmp_path / name).write_text("Nothing on $query in $scope.\n")
    with pytest.raises(PromptError, match=f"rename it to {meant}, or") as caught:
        render("refusal", folder=str(tmp_path), **VALUES)
    assert str(tmp_path / name) in str(caught.value)
    assert all(f"{known}.md" in str(caught.value) for known in VARIABLES)
    (tmp_path / name).unlink()
    assert "Who?" in render("refusal", folder=str(tmp_path), **VALUES)


def test_a_file_that_is_like_no_prompt_is_named_once_in_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "greeting.md").write_text("Hello.")
    render("refusal", folder=str(tmp_path), **VALUES)
    render("refusal-empty", folder=str(tmp_path), query="q")
    (warning,) = caplog.messages
    assert warning.startswith(f"{tmp_path / 'greeting.md'} is not read")
    assert "refusal.md" in warning


def test_what_is_not_meant_as_a_prompt_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("README.md", "readme.txt", ".answers.md", "answers.json", "answer.md~"):
        (tmp_path / name).write_text("For people.")
    (tmp_path / "answers.md").mkdir()
    assert "Who?" in render("refusal", folder=str(tmp_path), **VALUES)
    assert caplog.messages == []
