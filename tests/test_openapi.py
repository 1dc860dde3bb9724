"""The OpenAPI description: it is complete, and Schemathesis finds nothing against it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import serving

from assistant import Assistant
from assistant.errors import ModelError
from assistant.payloads import Payload
from assistant.server import responses
from assistant.server.access import Access
from assistant.server.app import create_app

# Cases for each operation and phase; more only take longer: 40 found nothing that these do not.
CASES = 3
CONFIG = """
[[operations]]
include-operation-id = {operations}
parameters = {{ id = "{id}", number = 0 }}
"""
# These meet a conversation that there is; one that deletes it makes its own.
WITH_CONVERSATION = [
    *("read_conversation", "rename_conversation", "export_conversation"),
    *("rate_answer", "delete_rating"),
]


@pytest.fixture(scope="module")
def address(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    index = tmp_path_factory.mktemp("openapi") / "index"
    shutil.copytree(seeds_index, index)
    with (
        Assistant.open(index) as assistant,
        serving(create_app(assistant, access=Access.open(), page=False)) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def description(address: str) -> Payload:
    found: Payload = httpx.get(f"{address}/openapi.json").raise_for_status().json()
    return found


def operations(description: Payload) -> dict[str, Payload]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_is_described(description: Payload) -> None:
    found = operations(description)
    assert len(found) > 20
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
    names = [operation["operationId"] for operation in found.values()]
    assert len(set(names)) == len(names)
    # Clients are made of them, so that they must stay as they are.
    assert {name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)} == set()
    assert {"ask", "search", "check", "create_chat_completion"} <= set(names)


def test_every_body_has_an_example_and_every_error_its_shape(description: Payload) -> None:
    schemas = description["components"]["schemas"]
    for name, operation in operations(description).items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            shape: Any = body["schema"]
            shape = shape.get("anyOf", [shape])[0]  # of a body that may be left out
            shape = schemas[shape["$ref"].rpartition("/")[2]]
            assert shape.get("examples") or body.get("example") or body.get("examples"), name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                shape = response["content"]["application/json"]["schema"]["$ref"]
                assert shape.rpartition("/")[2] in ("ErrorBody", "ChatError"), f"{name} {status}"
            else:
                assert response["description"], name


def test_every_word_for_an_error_is_described(description: Payload) -> None:
    """Those that are ours; the others say the same as the status."""
    told = set(re.findall(r"`([a-z_]+)`", description["info"]["description"]))
    own = {word for _, word in responses.ERRORS.values()} - {"model", "invalid_request"}
    kinds = ("name", "package", "key", "model", "file", "rejected")
    models = [responses.status_and_type(ModelError("", kind=kind)) for kind in kinds]
    assert {status for status, _ in models} == {503}
    missing = (own | {word for _, word in models}) - told
    assert not missing


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(address: str, description: Payload, tmp_path: Path) -> None:
    made = httpx.post(f"{address}/v1/conversations", json={}).raise_for_status().json()
    question = {"question": "How long will the treaty last?", "conversation": made["id"]}
    httpx.post(f"{address}/v1/ask", json=question, timeout=60).raise_for_status()
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(operations=json.dumps(WITH_CONVERSATION), id=made["id"]))
    command = [
        *(str(Path(sys.executable).with_name("st")), "--config-file", str(config), "run"),
        *(f"{address}/openapi.json", "--max-examples", str(CASES), "--no-color"),
        *("--generation-deterministic", "--continue-on-failure"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(operations(description))
    assert re.search(rf"Tested:\s+{count}\b", done.stdout), done.stdout
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert re.search(rf"✅ +{phase}\b", done.stdout), done.stdout
    kept = httpx.get(f"{address}/v1/conversations/{made['id']}").raise_for_status().json()
    assert len(kept["turns"]) == 1
