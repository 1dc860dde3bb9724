"""Settings: where they come from, which goes first, and what is refused with which words."""

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from assistant.bundled import shipped
from assistant.errors import SettingsError
from assistant.settings import Settings


def load(directory: Path, environment: dict[str, str] | None = None, **overrides) -> Settings:
    return Settings.load(directory=directory, environment=environment or {}, **overrides)


def test_without_anything_given_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings()


def test_an_override_goes_before_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_text(
        'index = "from-file"\nfolder = "from-file"\nchunk_tokens = 100\n'
    )
    environment = {"ASSISTANT_FOLDER": "from-environment", "ASSISTANT_CHUNK_TOKENS": "110"}
    settings = load(tmp_path, environment, chunk_tokens=120)
    assert (settings.index, settings.folder, settings.chunk_tokens) == (
        *("from-file", "from-environment", 120),
    )


def test_none_as_an_override_means_not_given(tmp_path: Path) -> None:
    environment = {"ASSISTANT_INDEX": "somewhere"}
    assert load(tmp_path, environment, index=None).index == "somewhere"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PARSE_SECONDS", "2.5", 2.5),
        ("PARSE_SECONDS", "2", 2.0),
        ("PARSE_WORKERS", "3", 3),
        ("PROMPTS", "my prompts", "my prompts"),
    ],
)
def test_the_environment_is_read_by_type(
    tmp_path: Path, name: str, text: str, value: object
) -> None:
    settings = load(tmp_path, {f"ASSISTANT_{name}": text})
    assert getattr(settings, name.lower()) == value


def test_a_whole_number_will_do_for_a_fraction(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_text("refusal_threshold = 1\n")
    assert load(tmp_path).refusal_threshold == 1


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    assert load(tmp_path, {"ASSISTANT_DEBUG": "1", "INDEX": "x"}) == Settings()


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('indx = "a"\n', "indx"),
        ("index = \n", "TOML"),
        ("index = 5\n", "index is 5"),
        ('index = ""\n', "index is empty"),
        ('folder = " "\n', "folder is empty"),
        ('chunk_tokens = "200"\n', "chunk_tokens is '200'"),
        ("chunk_tokens = true\n", "chunk_tokens is True; it must be a whole number"),
        ("chunk_tokens = 200.0\n", "chunk_tokens is 200.0"),
        ("chunk_tokens = 3\n", "between 16 and 8192"),
        ("refusal_threshold = 1.5\n", "between 0.0 and 1.0"),
        ("parse_seconds = 0\n", "0.1 or more"),
        ("[index]\nname = 1\n", "index is {'name': 1}"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "assistant.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path)
    assert said in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_bytes(b'index = "\xff"')
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(tmp_path)


def test_a_bad_variable_is_named_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ASSISTANT_CANDIDATES is 'many'.*such as 100"):
        load(tmp_path, {"ASSISTANT_CANDIDATES": "many"})


def test_an_unknown_override_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'folders'; known: index, folder"):
        load(tmp_path, folders="x")


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Settings) if not isinstance(field.default, str)]
)
def test_every_number_has_a_least_value(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is -1"):
        replace(Settings(), **{name: -1})


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().index = "elsewhere"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["prompts", "seeds"])
def test_what_ships_with_the_program_is_there(name: str) -> None:
    assert any(shipped(name).iterdir())
