"""Imports point one way, and each heavy library is behind one module."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import assistant

PACKAGE = Path(assistant.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# A module may import only what stands before it.
ORDER = [
    *("errors", "once", "settings", "bundled", "prompts", "sentences", "tokens", "documents"),
    *("fences", "passages", "remote", "embedding", "catalog", "indexes", "sync", "grounding"),
    *("retrieval", "models", "answering", "examples"),
    *("payloads", "conversation", "asking", "sources", "uploads", "llamaindex", "assistant"),
    *("evaluation", "server"),
    *("cli", "__main__"),
]
# The package's own __init__ only says where the public names live.
CONTENTS_PAGE = "__init__"

BEHIND_ONE_MODULE = {
    "chromadb": "indexes/chroma.py",
    "tantivy": "indexes/lexical.py",
    "onnxruntime": "embedding/",
    "tokenizers": "embedding/",
    "tiktoken": "tokens.py",
    "rich": "cli/",
    "gradio": "server/page/",
    "fastapi": "server/",
    "mcp": "server/",
    "prometheus_client": "server/",
    "uvicorn": "server/",
}


def home(path: Path) -> str:
    """The top-level module that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions too, but not for the type checker."""

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes: list[ast.AST] = list(node.orelse)
        else:
            nodes = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            # `from assistant import errors` imports a module, `from assistant import Hit` does not.
            if node.module == "assistant":
                yield from (f"assistant.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""
        for child in nodes:
            yield from walk(child)

    return walk(ast.parse(path.read_text(encoding="utf-8")))


def test_the_order_names_every_module_once() -> None:
    assert sorted(ORDER) == sorted({home(path) for path in FILES} - {CONTENTS_PAGE})


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_what_stands_before_it(name: str) -> None:
    before = {*ORDER[: ORDER.index(name)], name, "__version__"}
    for path in FILES:
        if home(path) != name:
            continue
        for module in imported(path):
            if module.startswith("assistant."):
                assert module.split(".")[1] in before, f"{path} imports {module}"


@pytest.mark.parametrize(("library", "place"), BEHIND_ONE_MODULE.items())
def test_each_library_is_behind_one_module(library: str, place: str) -> None:
    for path in FILES:
        if any(module.split(".")[0] == library for module in imported(path)):
            assert path.relative_to(PACKAGE).as_posix().startswith(place)


def test_llama_index_is_the_border_only() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        if any(module.startswith("llama_index") for module in imported(path))
    }
    assert users <= {"llamaindex.py", "embedding/llamaindex.py", "models/llamaindex.py"}
    assert "llamaindex.py" in users


def test_the_package_never_imports_evals() -> None:
    assert not [path for path in FILES if any(m.split(".")[0] == "evals" for m in imported(path))]


def test_the_public_names_are_these() -> None:
    assert sorted(assistant.__all__) == [
        *("Answer", "Assistant", "AssistantError", "Block", "Citation", "Conversation"),
        *("Document", "Hit", "Plan", "Sentence", "Settings", "Status", "Support"),
        *("SyncReport", "Turn", "Verdict"),
    ]
    for name in assistant.__all__:
        assert getattr(assistant, name).__name__ == name


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after running some code."""
    code += "\nimport sys; print(' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    code = (
        "from assistant.cli import main\n"
        "try: main(['ask', '--help'])\n"
        "except SystemExit as done: assert done.code == 0"
    )
    heavy = {"numpy", "rich", "onnxruntime", "sqlite3", "tantivy", "chromadb", "llama_index"}
    assert not heavy & loaded_after(code)


def test_asking_loads_neither_chroma_nor_llama_index(seeds_index: Path) -> None:
    code = (
        "from assistant import Assistant\n"
        f"with Assistant.open({str(seeds_index)!r}) as a: assert a.ask('What is SWIFT?').text"
    )
    assert not {"chromadb", "llama_index", "gradio", "torch", "nltk"} & loaded_after(code)
