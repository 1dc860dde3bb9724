"""Where data files are: those shipped with this program, and those bundled in llama-index-core."""

from importlib.util import find_spec
from pathlib import Path

from assistant.errors import AssistantError

REMEDY = "install it anew: pip install --force-reinstall llama-index-core"


def bundled(name: str) -> Path:
    """A data file or folder that ships in llama-index-core, found without importing it.

    Raises:
        AssistantError: It is not there.
    """
    try:
        package = find_spec("llama_index.core")
    except ModuleNotFoundError:
        package = None
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder) / "_static" / name
        if path.exists():
            return path
    raise AssistantError(f"llama-index-core does not hold its data file {name}; {REMEDY}")


def shipped(name: str) -> Path:
    """The folder `prompts` or `seeds` that came with the program (in a wheel, or in a clone)."""
    package = Path(__file__).parent
    inside = package / "data" / name
    return inside if inside.is_dir() else package.parent / name
