"""Data files that ship inside llama-index-core, found without the 2.5 seconds of importing it."""

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
