"""The HTTP API for the documents, over a real server."""

import base64
import io
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image
from serving import serving

from assistant import Assistant
from assistant.bundled import shipped
from assistant.catalog import WriteLock
from assistant.documents import Document
from assistant.server import users
from assistant.server.access import Access
from assistant.server.app import create_app

SEA = b"The sea around the island of Lirova is green. It is said to be deep."
QUOTE = "The cooperation agreement now in force between Iran and Russia is 24 years old."
SETTLED = 20.0
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def place(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the seeds, and of their index."""
    place = tmp_path_factory.mktemp("library")
    shutil.copytree(shipped("seeds"), place / "seeds")
    shutil.copytree(seeds_index, place / "index")
    return place


@pytest.fixture(scope="module")
def assistant(place: Path) -> Iterator[Assistant]:
    limits = {"max_upload_bytes": MOST_BYTES, "max_upload_files": 5}
    with Assistant.open(place / "index", **limits) as assistant:
        assistant.sync(place / "seeds", rebuild=True)
        yield assistant


@pytest.fixture(scope="module")
def client(assistant: Assistant) -> Iterator[httpx.Client]:
    app = create_app(assistant, access=Access.open(), page=False)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the server puts what it receives."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def events(response: httpx.Response) -> list[tuple[str, dict]]:
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for event in response.text.strip().split("\n\n"):
        name, data = event.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def message(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["error"]["message"])


def test_the_list_says_what_is_indexed(client: httpx.Client, place: Path) -> None:
    body = client.get("/v1/documents").raise_for_status().json()
    assert body["total"] == 8
    assert body["counts"]["documents"] == 8
    assert body["folder"] == str((place / "seeds").resolve())
    (pdf,) = [line for line in body["documents"] if line["source"] == "background.pdf"]
    assert pdf["title"] == "Background of the Iran–Russia treaty"
    assert (pdf["type"], pdf["origin"], pdf["hidden_characters"]) == ("pdf", "folder", 0)
    assert pdf["passages"] > 5
    assert pdf["indexed_at"]


def test_the_list_is_filtered_and_cut(client: httpx.Client) -> None:
    def sources(**filters: object) -> list[str]:
        body = client.get("/v1/documents", params=filters).raise_for_status().json()
        return [line["source"] for line in body["documents"]]

    assert sources(text="BACKGROUND of") == ["background.pdf"]
    assert sources(type=["pdf", ".CSV"]) == ["background.pdf", "fields-of-cooperation.csv"]
    assert sources(origin="program") == []
    assert sources(limit=2, offset=1) == sources()[1:3]
    assert sources(offset=10**30) == []
    assert client.get("/v1/documents", params={"limit": -1}).status_code == 422


def test_failures_of_the_last_sync_are_listed(
    client: httpx.Client, assistant: Assistant, place: Path
) -> None:
    bad = place / "seeds" / "bad.pdf"
    bad.write_bytes(b"%PDF-1.7 nothing")
    try:
        report = client.post("/v1/sync").raise_for_status().json()
        assert [failed["source"] for failed in report["failed"]] == ["bad.pdf"]
        (failed,) = client.get("/v1/documents").json()["failures"]
        assert (failed["source"], failed["kind"]) == ("bad.pdf", "corrupt")
    finally:
        bad.unlink()
        assistant.sync()


def test_a_text_is_read_in_parts(client: httpx.Client, assistant: Assistant) -> None:
    document = assistant.document("background.pdf")
    assert document is not None
    read = {"source": "background.pdf", "offset": 10, "limit": 50}
    body = client.get("/v1/documents/text", params=read).raise_for_status().json()
    assert body["text"] == document.text[10:60]
    assert (body["offset"], body["length"], body["pages"]) == (10, len(document.text), 4)
    gone = client.get("/v1/documents/text", params={"source": "none.txt"})
    assert "/v1/documents" in message(gone, 404)


def test_a_name_need_not_be_unicode(client: httpx.Client, assistant: Assistant) -> None:
    name = b"odd/\xff?&#%2f/../caf\xe9.txt"
    source = name.decode("utf-8", "surrogateescape")
    assistant.add([Document.from_text("The moon is made of basalt.", source=source)])
    try:
        listed = client.get("/v1/documents", params={"origin": "program"}).json()["documents"]
        assert [line["source"] for line in listed] == [source]
        quoted = "".join(f"%{byte:02x}" for byte in name)
        body = client.get(f"/v1/documents/text?source={quoted}").raise_for_status().json()
        assert body["text"] == "The moon is made of basalt."
        assert client.delete(f"/v1/documents?source={quoted}").json() == {"removed": 1}
    finally:
        assistant.remove([source])


def test_a_page_is_a_picture_with_the_quote_marked(client: httpx.Client) -> None:
    wanted = {"source": "background.pdf", "page": 1, "quote": [QUOTE, "nowhere"], "width": 600}
    response = client.get("/v1/documents/page", params=wanted).raise_for_status()
    assert response.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(response.content))
    assert image.width == 600
    pixels = np.asarray(image.convert("RGB")).astype(int)
    yellow = (pixels[..., 2] < 160) & (pixels[..., 0] > 200)
    rows = np.flatnonzero(yellow.any(axis=1)) / image.height
    assert 0.24 < rows.min() < rows.max() < 0.33
    for wrong in (
        {"source": "background.pdf", "page": 5},
        {"source": "overview.md", "page": 1},
        {"source": "../background.pdf", "page": 1},
    ):
        assert "no picture" in message(client.get("/v1/documents/page", params=wrong), 404)
    for wrong in ({"page": 0}, {"page": "x"}, {"page": 1, "width": 10**9}, {}):
        asked = {"source": "background.pdf", **wrong}
        assert client.get("/v1/documents/page", params=asked).status_code == 422


def test_files_are_uploaded_and_removed(client: httpx.Client, temporary: Path) -> None:
    files = [("files", (name, data)) for name, data in {"../sea.txt": SEA, "x.exe": b"M"}.items()]
    body = client.post("/v1/documents", files=files, data={"note": "x"}).raise_for_status().json()
    assert body["added"] == 1
    first, second = body["files"]
    assert first == {"name": "../sea.txt", "source": "uploads/sea.txt", "failed": None}
    assert second["failed"]["kind"] == "unsupported"
    assert body["failed"] == [second["failed"]]
    assert list(temporary.iterdir()) == []
    answer = client.post("/v1/ask", json={"question": "What colour is the sea around Lirova?"})
    assert "green" in answer.json()["text"]
    removed = client.delete("/v1/documents", params={"source": "uploads/sea.txt"})
    assert removed.raise_for_status().json() == {"removed": 1}
    assert "no document" in message(
        client.delete("/v1/documents", params={"source": "uploads/sea.txt"}), 404
    )
    assert client.delete("/v1/documents").status_code == 422


def test_an_upload_tells_how_far_it_is(client: httpx.Client, temporary: Path) -> None:
    files = [("files", (f"{number}.txt", SEA + b" %d" % number)) for number in range(3)]
    accept = {"accept": "text/event-stream"}
    told = events(client.post("/v1/documents", files=files, headers=accept))
    assert {name for name, _ in told[:-1]} == {"progress"}
    assert {"phase", "done", "total", "name"} == set(told[0][1])
    name, report = told[-1]
    assert (name, report["added"]) == ("report", 3)
    assert list(temporary.iterdir()) == []
    sources = [file["source"] for file in report["files"]]
    assert client.delete("/v1/documents", params={"source": sources}).json() == {"removed": 3}


def test_a_file_of_the_folder_is_not_removed(client: httpx.Client, place: Path) -> None:
    refused = client.delete("/v1/documents", params={"source": "overview.md"})
    assert "delete the file, and sync" in message(refused, 409)
    assert (place / "seeds" / "overview.md").exists()


def test_too_much_is_refused_while_it_is_sent(client: httpx.Client, temporary: Path) -> None:
    many = [("files", (f"{number}.txt", SEA)) for number in range(6)]
    assert "more than 5 files" in message(client.post("/v1/documents", files=many), 413)
    assert list(temporary.iterdir()) == []
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n'
        while sent < 400:
            sent += 1
            yield b"a" * 1_000_000

    form = {"content-type": "multipart/form-data; boundary=x"}
    try:
        response = client.post("/v1/documents", content=endless(), headers=form)
    except httpx.WriteError:
        pass  # the server hung up, and its answer was lost with what was on its way
    else:
        assert "more than 3,000,000 bytes" in message(response, 413)
    assert sent < 100
    until = time.monotonic() + SETTLED
    while list(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []
    large = [("files", ("a.txt", b"a" * (MOST_BYTES + 1)))]
    assert "more than 3,000,000 bytes" in message(client.post("/v1/documents", files=large), 413)


MALFORMED = {
    "no form": ({}, b"x", 415),
    "json": ({"content-type": "application/json"}, b"{}", 415),
    "no boundary": ({"content-type": "multipart/form-data"}, b"x", 422),
    "cut off": ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nContent-", 422),
    "nothing": ({"content-type": "multipart/form-data; boundary=x"}, b"", 422),
    "nonsense": ({"content-type": "multipart/form-data; boundary=x"}, b"\0" * 99, 422),
    "no file": (
        {"content-type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
        422,
    ),
    "long boundary": ({"content-type": "multipart/form-data; boundary=" + "x" * 5000}, b"", 422),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_body_that_is_no_form_says_what_is_wanted(
    case: str, client: httpx.Client, temporary: Path
) -> None:
    headers, content, status = MALFORMED[case]
    response = client.post("/v1/documents", content=content, headers=headers)
    assert "file" in message(response, status)
    assert list(temporary.iterdir()) == []


def test_a_client_that_goes_away_leaves_nothing(client: httpx.Client, temporary: Path) -> None:
    address = urlsplit(str(client.base_url))
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
        connection.sendall(
            b"POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\naaaa'
        )
        until = time.monotonic() + SETTLED
        while not list(temporary.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        assert list(temporary.iterdir())
    until = time.monotonic() + SETTLED
    while list(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    assert list(temporary.iterdir()) == []


def test_the_folder_is_synced_after_its_plan(client: httpx.Client, place: Path) -> None:
    new = place / "seeds" / "new.txt"
    new.write_bytes(SEA)
    plan = client.get("/v1/sync").raise_for_status().json()
    assert (plan["added"], plan["changed"], plan["removed"]) == (["new.txt"], [], [])
    assert plan["unchanged"] == 8
    told = events(client.post("/v1/sync", headers={"accept": "text/event-stream"}))
    assert told[-1][0] == "report"
    assert told[-1][1]["added"] == 1
    new.unlink()
    report = client.post("/v1/sync", json={"rebuild": False}).raise_for_status().json()
    assert (report["removed"], report["unchanged"]) == (1, 8)


def test_no_client_names_a_folder(client: httpx.Client) -> None:
    response = client.post("/v1/sync", json={"folder": "/etc"})
    assert "folder" in message(response, 422)
    assert client.post("/v1/sync?folder=/etc").raise_for_status().json()["unchanged"] == 8
    assert client.get("/v1/sync?folder=/etc").json()["folder"].endswith("seeds")


def test_a_second_writer_is_told_to_wait(
    client: httpx.Client, place: Path, temporary: Path
) -> None:
    files = [("files", ("a.txt", SEA))]
    with WriteLock(place / "index", purpose="a test"):
        for headers in ({}, {"accept": "text/event-stream"}):
            for response in (
                client.post("/v1/sync", headers=headers),
                client.post("/v1/documents", files=files, headers=headers),
                client.delete("/v1/documents", params={"source": "a.txt"}, headers=headers),
            ):
                assert "a test" in message(response, 409)
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_suddenly_empty_empties_nothing(client: httpx.Client, place: Path) -> None:
    (place / "seeds").rename(place / "away")
    (place / "seeds").mkdir()
    try:
        assert "8" in message(client.post("/v1/sync"), 409)
        assert client.get("/v1/documents").json()["total"] == 8
    finally:
        (place / "seeds").rmdir()
        (place / "away").rename(place / "seeds")


def test_nothing_indexed_yet_says_what_to_do(tmp_path: Path) -> None:
    with (
        Assistant.open(tmp_path / "index", folder=str(shipped("seeds"))) as assistant,
        serving(create_app(assistant, access=Access.open(), page=False)) as address,
    ):
        assert "assistant sync" in message(httpx.get(f"{address}/v1/documents"), 409)
        files = {"files": ("sea.txt", SEA)}
        body = httpx.post(f"{address}/v1/documents", files=files, timeout=60).json()
        assert body["added"] == 1
        assert httpx.get(f"{address}/v1/documents").json()["total"] == 1


def test_users_are_asked_for_by_these_routes_too(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "users"
    users.set_password(path, "ann", "correct horse")
    with (
        Assistant.open(place / "index") as assistant,
        serving(create_app(assistant, access=Access.from_file(path), page=False)) as address,
    ):
        for method, route in (
            *(("GET", "/v1/documents"), ("POST", "/v1/documents"), ("DELETE", "/v1/documents")),
            *(("GET", "/v1/sync"), ("POST", "/v1/sync"), ("GET", "/v1/documents/page")),
        ):
            assert httpx.request(method, address + route).status_code == 401
        key = base64.b64encode(b"ann:correct horse").decode()
        known = {"authorization": f"Basic {key}"}
        assert httpx.get(f"{address}/v1/documents", headers=known).status_code == 200
