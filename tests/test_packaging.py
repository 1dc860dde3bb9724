"""The wheel: what is in it, and that it works installed, away from the source tree."""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands' folder of an empty environment with only the wheel in it.

    The dependencies are those of the environment of the tests, on the path behind its own. An
    editable install is not among them: `.pth` files of a folder on the path are not read.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", wheel),
        *("--quiet", "--no-deps", "--no-index", "--no-compile"),
    )
    (packages,) = folder.glob("lib/python3*/site-packages")
    borrowed = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)), encoding="utf-8")
    return folder / "bin"


def run(*command: str | Path, cwd: Path | None = None, home: Path | None = None) -> str:
    """Run a command and return what it printed; with `home`, in an otherwise empty environment."""
    environment = dict(os.environ)
    if home is not None:
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(home)}
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def modules() -> Iterator[tuple[Path, str]]:
    """Every import of the package, as (file, the module's full name)."""
    for path in (ROOT / "assistant").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def names(requirements: list[str]) -> set[str]:
    """The projects that requirements are of, in their normal form."""
    return {normal(re.split(r"[\s\[<>=!~;]", text, maxsplit=1)[0]) for text in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        f"assistant/data/{folder}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder in ("prompts", "seeds")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert len(shipped) >= 8
    model = {"model.onnx", "tokenizer.json", "NOTICE", "LICENSE", "build.py"}
    wanted = shipped | {f"assistant/embedding/model/{name}" for name in model}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "assistant").rglob("*.py")} | {
        "assistant/py.typed"
    }
    page = {
        path for kind in ("html", "css", "js") for path in (ROOT / "assistant").rglob(f"*.{kind}")
    }
    assert len(page) >= 5
    wanted |= {path.relative_to(ROOT).as_posix() for path in page}
    assert wanted - held == set()

    information = f"cited_assistant-{PROJECT['version']}.dist-info"
    assert f"{information}/licenses/LICENSE" in held
    for model in ("embedding", "answering"):
        assert f"{information}/licenses/assistant/{model}/model/NOTICE" in held
    strangers = {
        name for name in held if not name.startswith(("assistant/", information)) or ".." in name
    }
    assert strangers == set()


def test_the_wheel_is_of_a_reasonable_size(wheel: Path) -> None:
    # Two models of 24 MB, of which little can be packed.
    assert 35_000_000 < wheel.stat().st_size < 48_000_000


def test_the_installed_package_is_the_wheels_own(installed: Path, tmp_path: Path) -> None:
    code = "import json, sys, assistant; print(json.dumps([assistant.__file__, sys.path]))"
    printed = run(installed / "python", "-c", code, cwd=tmp_path, home=tmp_path)
    file, path = json.loads(printed)
    assert Path(file).is_relative_to(installed.parent)
    assert str(ROOT) not in path


def test_the_installed_command_answers_from_the_bundled_seeds(
    installed: Path, tmp_path: Path
) -> None:
    run(installed / "assistant", "sync", cwd=tmp_path, home=tmp_path)
    question = "How long will the treaty last?"
    asked = ("ask", question, "--json")
    answer = json.loads(run(installed / "assistant", *asked, cwd=tmp_path, home=tmp_path))
    assert answer["question"] == question
    assert not answer["refused"]
    assert re.search(r"\b(20|twenty) years\b", answer["text"])
    assert answer["sentences"]
    assert all(sentence["verdict"] == "quoted" for sentence in answer["sentences"])
    assert {citation["source"] for citation in answer["citations"]} <= {
        path.name for path in (ROOT / "seeds").iterdir()
    }


def test_the_installed_command_answers_from_a_folder_elsewhere(
    installed: Path, tmp_path: Path
) -> None:
    folder, index, work, home = (tmp_path / name for name in ("papers", "index", "work", "home"))
    for made in (folder, work, home):
        made.mkdir()
    sentence = "The lighthouse on Gull Rock was built in 1871 by Anna Berg."
    (folder / "lighthouse.md").write_text(f"# Gull Rock\n\n{sentence}\n", encoding="utf-8")
    run(installed / "assistant", "sync", folder, "--index", index, cwd=work, home=home)
    asked = ("ask", "Who built the lighthouse on Gull Rock?", "--json", "--index", index)
    answer = json.loads(run(installed / "assistant", *asked, cwd=work, home=home))
    (citation,) = answer["citations"]
    assert (citation["source"], citation["quote"]) == ("lighthouse.md", sentence)
    # Nothing is left outside of the index, such as the device id and the events to be sent that
    # onnxruntime keeps in the home folder where it is let.
    assert [*work.iterdir(), *home.iterdir()] == []


def test_everything_imported_is_declared() -> None:
    distributions = packages_distributions()
    declared = names(PROJECT["dependencies"])
    for path, module in modules():
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top == "assistant" or path.name == "build.py":
            continue
        if top == "_typeshed":  # of the type checker's own, for annotations
            continue
        # A namespace package such as llama_index has many providers; importing its core is plain.
        wanted = {normal(name) for name in distributions.get(top, ())}
        assert wanted & declared, f"{path.relative_to(ROOT)} imports {module}: not declared"


def test_everything_declared_is_imported() -> None:
    used = {module.partition(".")[0] for _, module in modules()}
    providers = packages_distributions()
    imported = {normal(name) for top in used for name in providers.get(top, ())}
    # gradio is for the chat page, which is still to come.
    assert names(PROJECT["dependencies"]) - imported <= {"gradio"}


def test_the_constraints_pin_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9a-z.]+( ; .+)?", pin) for pin in pins)
    pinned = {pin.partition("==")[0] for pin in pins}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    assert names(wanted) - pinned <= {normal(PROJECT["name"])}
    assert not any("://" in line for line in lines)
