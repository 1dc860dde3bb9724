"""Indexes that several test files read; whoever writes to one makes its own."""

from pathlib import Path

import pytest

from assistant import Assistant
from assistant.bundled import shipped


@pytest.fixture(scope="session")
def seeds_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the default corpus; to be read only."""
    index = tmp_path_factory.mktemp("seeds") / "index"
    with Assistant.open(index) as assistant:
        report = assistant.sync(shipped("seeds"))
    assert report.added
    assert not report.failed
    return index
