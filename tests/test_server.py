"""The server's core: who may come in, what is refused, and how it begins and ends."""

import base64
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from serving import serving

from assistant import Assistant
from assistant.cli import main
from assistant.errors import ServerError
from assistant.payloads import Payload
from assistant.server import users
from assistant.server.access import BROWSER_COOKIE, SESSION_COOKIE, Access
from assistant.server.app import create_app
from assistant.server.attempts import FIRST_WAIT, FREE_FOR_NAME
from assistant.server.responses import Json, stream_events
from assistant.server.security import LONGEST_BODY
from assistant.server.serving import serve

PASSWORD = "correct horse"
SETTLED = 20.0  # seconds within which what must happen has happened
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
ended: list[str] = []


def with_probes(app: FastAPI) -> FastAPI:
    """Routes that tell what a request looks like from the inside, and that fail."""

    @app.get("/probe/owner")
    @app.post("/probe/owner")
    async def owner(request: Request) -> Json:
        return Json({"owner": request.state.owner})

    @app.post("/probe/body")
    async def body(request: Request) -> Json:
        return Json({"length": len(await request.body())})

    @app.get("/probe/crash")
    def crash() -> Json:
        raise RuntimeError("internals of the crash")

    @app.get("/probe/number")
    def number(count: int) -> Json:
        return Json({"count": count})

    def counted(name: str, size: int, error: Exception | None) -> Iterator[tuple[str, Payload]]:
        try:
            for number in range(200):
                yield "count", {"number": number, "filling": "x" * size, "odd": "\udcff"}
                if error is not None and number == 1:
                    raise error
                if not size:
                    time.sleep(0.05)
        finally:
            ended.append(name)

    @app.get("/probe/stream")
    def stream(name: str, size: int = 0, error: str = "") -> object:
        errors = {"ours": ServerError("say so"), "crash": RuntimeError("internals")}
        return stream_events(counted(name, size, errors.get(error)))

    @app.post("/v1/documents/probe")
    async def upload(request: Request) -> Json:
        return Json({"length": len(await request.body())})

    return app


@contextmanager
def served(index: Path, access: Access, *, host: str = "127.0.0.1") -> Iterator[str]:
    with Assistant.open(index, max_upload_bytes=LONGEST_BODY) as assistant:
        app = create_app(assistant, access=access, page=False, host=host)
        with serving(with_probes(app)) as address:
            yield address


@pytest.fixture(scope="module")
def address(seeds_index: Path) -> Iterator[str]:
    with served(seeds_index, Access.open()) as address:
        yield address


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users.txt"
    users.set_password(path, "ada", PASSWORD)
    return path


@pytest.fixture
def guarded(seeds_index: Path, users_file: Path) -> Iterator[str]:
    with served(seeds_index, Access.from_file(users_file)) as address:
        yield address


def eventually(condition: object) -> bool:
    until = time.monotonic() + SETTLED
    while time.monotonic() < until:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def error_of(response: httpx.Response) -> str:
    body = response.json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"type", "message"}
    return str(body["error"]["message"])


# Health, figures, description.


def test_it_is_alive_at_once_and_ready_when_the_model_is_loaded(address: str) -> None:
    assert httpx.get(f"{address}/healthz").json() == {"status": "alive"}
    assert eventually(lambda: httpx.get(f"{address}/readyz").status_code == 200)


def test_without_an_index_it_is_alive_but_not_ready_and_says_why(tmp_path: Path) -> None:
    with served(tmp_path / "none", Access.open()) as address:
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert eventually(lambda: "assistant sync" in httpx.get(f"{address}/readyz").text)
        assert httpx.get(f"{address}/readyz").status_code == 503
        answer = httpx.post(f"{address}/v1/search", json={"query": "treaty"})
        assert answer.status_code == 409
        assert "assistant sync" in error_of(answer)
        assert "assistant_documents 0.0" in httpx.get(f"{address}/metrics").text


def test_figures_count_by_route_and_never_hold_what_a_user_wrote(address: str) -> None:
    httpx.post(f"{address}/v1/search?secretword=1", json={"query": "secretword"})
    httpx.get(f"{address}/v1/conversations/secretword")
    httpx.get(f"{address}/secretword")
    httpx.request("SECRETWORD", f"{address}/healthz")
    figures = httpx.get(f"{address}/metrics")
    assert figures.headers["content-type"].startswith("text/plain")
    assert 'requests_total{method="POST",route="/v1/search",status="200"}' in figures.text
    assert 'method="GET",route="/v1/conversations/{id}",status="404"' in figures.text
    assert re.search(r"^assistant_documents [1-9]", figures.text, re.MULTILINE)
    assert re.search(r"^process_resident_memory_bytes ", figures.text, re.MULTILINE)
    assert "secretword" not in figures.text.lower()


def test_questions_are_counted_by_what_came_of_them(address: str) -> None:
    def count(outcome: str) -> float:
        figures = httpx.get(f"{address}/metrics").text
        return float(
            re.findall(
                rf'^assistant_answers_total{{outcome="{outcome}"}} (.+)$', figures, re.MULTILINE
            )[0]
        )

    before = count("answered"), count("refused")
    for question in ("How long will the treaty last?", "Which yeast suits sourdough pancakes?"):
        httpx.post(f"{address}/v1/ask", json={"question": question}, timeout=SETTLED)
    assert (count("answered"), count("refused")) == (before[0] + 1, before[1] + 1)
    assert "assistant_questions_in_progress 0.0" in httpx.get(f"{address}/metrics").text


def test_the_description_is_served_and_names_no_other_host(address: str) -> None:
    description = httpx.get(f"{address}/openapi.json").json()
    assert {"/healthz", "/readyz", "/metrics", "/v1/ask"} <= set(description["paths"])
    assert "HTTPValidationError" not in json.dumps(description)
    for path in ("/docs", "/redoc"):
        assert httpx.get(address + path).status_code == 404


# Errors.


def test_errors_have_one_shape_and_say_what_is_wanted(address: str) -> None:
    missing = httpx.get(f"{address}/v1/nothing")
    assert missing.status_code == 404
    assert "/v1/nothing" in error_of(missing)
    method = httpx.put(f"{address}/probe/owner")
    assert (method.status_code, method.headers["allow"]) == (405, "GET, POST")
    assert "PUT" in error_of(method)
    field = httpx.get(f"{address}/probe/number", params={"count": "many"})
    assert field.status_code == 422
    assert re.search(r"count.*integer", error_of(field))
    malformed = httpx.post(
        f"{address}/v1/search", content=b"{", headers={"content-type": "application/json"}
    )
    assert malformed.status_code == 422
    assert "JSON" in error_of(malformed)
    for content in (b"\xff\xfe", b"[" * 100_000):
        unreadable = httpx.post(
            f"{address}/v1/search", content=content, headers={"content-type": "application/json"}
        )
        assert unreadable.status_code in (400, 422)
        assert error_of(unreadable)


def test_an_unexpected_error_tells_nothing_of_the_inside(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = httpx.get(f"{address}/probe/crash")
    assert answer.status_code == 500
    assert "internals" not in answer.text
    assert "server's log" in error_of(answer)
    assert "internals of the crash" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/healthz", {}),
        ("GET", "/v1/nothing", {}),
        ("DELETE", "/healthz", {}),
        ("GET", "/probe/crash", {}),
        ("GET", "/healthz", {"host": "elsewhere.example"}),
        ("POST", "/probe/owner", {"origin": "https://elsewhere.example"}),
    ],
)
def test_every_answer_has_the_headers(
    address: str, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = httpx.request(method, address + path, headers=headers)
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


# Hosts, origins, sizes.


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1234", "127.0.0.1:80", "[::1]:9", "[::1]"]
)
def test_names_of_this_machine_are_answered_to(address: str, host: str) -> None:
    assert httpx.get(f"{address}/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["elsewhere.example", "localhost.elsewhere.example:80", "127.0.0.1.nip.io", "10.0.0.7", ""],
)
def test_a_name_that_was_pointed_here_is_not_answered_to(address: str, host: str) -> None:
    answer = httpx.get(f"{address}/healthz", headers={"host": host})
    assert answer.status_code == 421
    assert "localhost" in error_of(answer)


def test_open_to_others_it_answers_to_addresses_and_local_names_alone(seeds_index: Path) -> None:
    with served(seeds_index, Access.open(), host="0.0.0.0") as address:
        for host, status in (
            ("192.168.1.5:80", 200),
            ("printer.local", 200),
            (socket.gethostname(), 200),
            ("elsewhere.example", 421),
        ):
            answer = httpx.get(f"{address}/healthz", headers={"host": host})
            assert answer.status_code == status, host


def test_other_sites_pages_may_change_nothing(address: str) -> None:
    own = {"origin": address, "sec-fetch-site": "same-origin"}
    assert httpx.post(f"{address}/probe/owner", headers=own).status_code == 200
    assert httpx.post(f"{address}/probe/owner").status_code == 200
    for headers in (
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://[broken"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ):
        answer = httpx.post(f"{address}/probe/owner", headers=headers)
        assert answer.status_code == 403, headers
        assert "site" in error_of(answer)
    image = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert httpx.get(f"{address}/probe/owner", headers=image).status_code == 403


def test_a_body_may_be_so_long_and_no_longer(address: str) -> None:
    def parts(length: int) -> Iterator[bytes]:
        for start in range(0, length, 100_000):
            yield b"x" * min(100_000, length - start)

    fits = httpx.post(f"{address}/probe/body", content=parts(LONGEST_BODY))
    assert fits.json() == {"length": LONGEST_BODY}
    connection = HTTPConnection(address.removeprefix("http://"), timeout=SETTLED)
    with closing(connection):
        connection.putrequest("POST", "/probe/body")
        connection.putheader("Content-Length", str(LONGEST_BODY + 1))
        connection.endheaders()
        told = connection.getresponse()  # before anything of the body is sent
        assert told.status == 413
        assert told.headers["x-content-type-options"] == "nosniff"
        assert f"{LONGEST_BODY:,}" in json.load(told)["error"]["message"]
    try:
        untold = httpx.post(f"{address}/probe/body", content=parts(LONGEST_BODY + 1))
    except httpx.WriteError:
        pass  # the server hung up before all was sent, as it may
    else:
        assert untold.status_code == 413
    # Uploads have a limit of their own, with room for the form around the files.
    upload = httpx.post(f"{address}/v1/documents/probe", content=parts(LONGEST_BODY + 500_000))
    assert upload.status_code == 200


# Streams of events.


def events_of(text: str) -> list[tuple[str, Payload]]:
    found = re.findall(r"event: (\w+)\ndata: (.+)\n\n", text)
    return [(name, json.loads(data)) for name, data in found]


def test_a_stream_that_fails_ends_with_an_event_that_says_so(address: str) -> None:
    for error, message in (("ours", "say so"), ("crash", "server's log")):
        answer = httpx.get(f"{address}/probe/stream", params={"name": error, "error": error})
        assert answer.headers["content-type"].startswith("text/event-stream")
        *counts, (name, body) = events_of(answer.text)
        assert [event["number"] for _, event in counts] == [0, 1]
        assert counts[0][1]["odd"] == "\udcff"
        assert name == "error"
        assert message in body["error"]["message"]
        assert "internals" not in answer.text
        assert error in ended


def test_a_stream_ends_when_its_reader_goes_away(address: str) -> None:
    with httpx.stream("GET", f"{address}/probe/stream", params={"name": "left"}) as answer:
        assert next(answer.iter_lines()) == "event: count"
        assert "left" not in ended
    assert eventually(lambda: "left" in ended)


def test_readers_who_do_not_read_hold_up_nobody(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for number in range(100):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(
                f"GET /probe/stream?name=slow{number}&size=1000000 HTTP/1.1\r\n"
                f"Host: localhost\r\n\r\n".encode()
            )
            assert connection.recv(12) == b"HTTP/1.1 200"
        # /readyz is answered in a thread of the same pool.
        assert httpx.get(f"{address}/readyz", timeout=SETTLED).status_code in (200, 503)
        assert not any(name.startswith("slow") for name in ended)
    assert eventually(lambda: sum(name.startswith("slow") for name in ended) == 100)


# Who asks.


def owner(client: httpx.Client, address: str, **headers: str) -> str:
    return str(client.get(f"{address}/probe/owner", headers=headers).json()["owner"])


def test_without_users_a_browser_is_known_by_its_cookie_and_programs_are_nobody(
    address: str,
) -> None:
    with httpx.Client() as program:
        assert owner(program, address) == ""
        assert not program.cookies
    with httpx.Client(headers={"accept": "text/html"}) as browser, httpx.Client() as other:
        first = browser.get(f"{address}/probe/owner")
        flags = first.headers["set-cookie"]
        assert "HttpOnly" in flags
        assert "SameSite=Strict" in flags
        name = first.json()["owner"]
        # The cookie lets one in, so that what is kept and listed does not tell it.
        assert name.startswith("browser:")
        assert browser.cookies[BROWSER_COOKIE] not in name
        assert owner(browser, address) == name
        assert owner(browser, address, accept="application/json") == name
        assert owner(other, address, accept="text/html") != name
        assert owner(other, address, cookie=f"{BROWSER_COOKIE}=short") != "browser:short"


def test_with_users_programs_are_asked_who_they_are_and_people_sent_to_log_in(
    guarded: str,
) -> None:
    for path in ("/probe/owner", "/metrics", "/openapi.json", "/v1/nothing", "/mcp"):
        answer = httpx.get(guarded + path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer, Basic")
        assert "/login" in error_of(answer)
        page = httpx.get(guarded + path, headers={"accept": "text/html,*/*"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
    # A page whose session is over must not make the browser ask in a dialogue of its own.
    fetched = httpx.get(f"{guarded}/v1/x", headers={"sec-fetch-mode": "cors"})
    assert fetched.headers["www-authenticate"] == "Bearer"
    for path in ("/healthz", "/login"):
        assert httpx.get(guarded + path).status_code == 200
    assert httpx.get(f"{guarded}/readyz").status_code in (200, 503)
    # A stranger's name for this address is of no use to a stranger who cannot log in.
    assert httpx.get(f"{guarded}/healthz", headers={"host": "docs.example"}).status_code == 200
    forged = {"cookie": f"{BROWSER_COOKIE}={'x' * 32}; {SESSION_COOKIE}=guess"}
    assert httpx.get(f"{guarded}/probe/owner", headers=forged).status_code == 401


def test_programs_come_in_by_token_or_password(guarded: str, users_file: Path) -> None:
    token = users.add_token(users_file, "robot")  # the file is read again when it changes
    with httpx.Client() as client:
        assert owner(client, guarded, authorization=f"Bearer {token}") == "user:robot"
        began = time.monotonic()
        for _ in range(20):
            answer = client.get(f"{guarded}/probe/owner", auth=("ada", PASSWORD))
            assert answer.json()["owner"] == "user:ada"
        # The slow hash, of .2 s or more, is not computed each time.
        assert time.monotonic() - began < 3
    for authorization in (
        "Bearer nonsense",
        "Bearer",
        "Bearer \udcff",
        "Basic !",
        "Basic " + base64.b64encode(b"ada").decode(),
        "Basic " + base64.b64encode(b"ada:wrong").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Digest x",
    ):
        headers = {"authorization": authorization.encode("utf-8", "surrogateescape")}
        assert httpx.get(f"{guarded}/probe/owner", headers=headers).status_code == 401
    users.remove_user(users_file, "robot")
    gone = httpx.get(f"{guarded}/probe/owner", headers={"authorization": f"Bearer {token}"})
    assert gone.status_code == 401


def log_in(client: httpx.Client, address: str, password: str = PASSWORD) -> httpx.Response:
    return client.post(f"{address}/login", data={"name": "ada", "password": password})


def test_people_log_in_and_out(guarded: str) -> None:
    with httpx.Client() as client:
        wrong = log_in(client, guarded, "<wrong>")
        assert wrong.status_code == 401
        assert "do not fit" in wrong.text
        assert "<wrong>" not in wrong.text
        right = log_in(client, guarded)
        assert (right.status_code, right.headers["location"]) == (303, "/")
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert owner(client, guarded) == "user:ada"
        assert client.get(f"{guarded}/login").headers["location"] == "/"
        session = client.cookies[SESSION_COOKIE]
        out = client.post(f"{guarded}/logout")
        assert (out.status_code, out.headers["location"]) == (303, "/login")
        assert SESSION_COOKIE not in client.cookies
        # It is over at the server, too.
        old = {"cookie": f"{SESSION_COOKIE}={session}"}
        assert httpx.get(f"{guarded}/probe/owner", headers=old).status_code == 401
    encrypted = httpx.post(
        f"{guarded}/login",
        data={"name": "ada", "password": PASSWORD},
        headers={"origin": "https://docs.example", "host": "docs.example"},
    )
    assert "secure" in encrypted.headers["set-cookie"].lower()


def test_a_session_ends_when_the_password_changes_or_the_file_is_broken(
    guarded: str, users_file: Path
) -> None:
    with httpx.Client() as client:
        log_in(client, guarded)
        whole = users_file.read_text()
        users_file.write_text("ada:nonsense\n")
        assert client.get(f"{guarded}/probe/owner").status_code == 401
        users_file.write_text(whole)
        assert owner(client, guarded) == "user:ada"
        users.set_password(users_file, "ada", "another password")
        assert client.get(f"{guarded}/probe/owner").status_code == 401


def test_a_hostile_form_is_only_a_wrong_one(guarded: str) -> None:
    with httpx.Client() as client:
        many = b"name=a&" * 20
        hostile = (b"", b"\xff" * 100, b"name=a" * 5_000, b"name=%00%ff&password=%ed%a0%80", many)
        for content in hostile:
            answer = client.post(f"{guarded}/login", content=content)
            assert answer.status_code in (401, 429)
        markup = client.post(f"{guarded}/login", data={"name": '"><script>', "password": "x"})
        assert '"><script>' not in markup.text


def test_guessing_passwords_is_slowed_down_at_both_doors(guarded: str) -> None:
    with httpx.Client(timeout=SETTLED) as client:
        answers = [log_in(client, guarded, f"guess {n}") for n in range(FREE_FOR_NAME + 1)]
        assert [answer.status_code for answer in answers] == [401] * FREE_FOR_NAME + [429]
        assert "Try again in" in answers[-1].text
        assert 1 <= int(answers[-1].headers["retry-after"]) <= FIRST_WAIT
        # The right one has to wait, too: it would tell the guesser.
        basic = client.get(f"{guarded}/probe/owner", auth=("ada", PASSWORD))
        assert basic.status_code == 429
        assert int(basic.headers["retry-after"]) >= 1
        assert error_of(basic)
        assert client.get(f"{guarded}/healthz").status_code == 200
        assert eventually(lambda: log_in(client, guarded).status_code == 303)


# The users file.


def test_the_users_file_keeps_no_secret_and_no_other_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    users.set_password(path, "ada", PASSWORD)
    token = users.add_token(path, "ada")
    users.set_password(path, "Zoe\u0308", "another password")
    assert Access.from_file(path).log_in("Zoe\u0308", "another password", address="::1")
    text = path.read_text()
    assert PASSWORD not in text
    assert token not in text
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(f"# the team\n\n{text}")
    users.set_password(path, "ada", "a third password")
    found = users.read_users(path)
    assert set(found.passwords) == {"ada", "Zoë"}
    assert found.passwords["ada"].fits("a third password")
    assert not found.passwords["ada"].fits(PASSWORD)
    assert list(found.tokens.values()) == ["ada"]
    assert path.read_text().startswith("# the team\n")
    users.remove_user(path, "ada")
    assert set(users.read_users(path).passwords) == {"Zoë"}
    assert not users.read_users(path).tokens
    with pytest.raises(ServerError, match="no user 'ada'"):
        users.remove_user(path, "ada")
    assert [file.name for file in tmp_path.iterdir()] == ["users.txt"]


GOOD = f"{base64.b64encode(b's' * 16).decode()}:{base64.b64encode(b'h' * 32).decode()}"


@pytest.mark.parametrize(
    "line",
    [
        "ada",
        "ada:hunter2secret",
        "ada:plain:hunter2secret",
        ":scrypt:16384:8:1:" + GOOD,
        "../x:scrypt:16384:8:1:" + GOOD,
        "ada:scrypt:16384:8:1:hunter2secret",
        "ada:scrypt:16384:8:1:hunter2secret:x",
        "ada:scrypt:2:8:1:" + GOOD,
        "ada:scrypt:16383:8:1:" + GOOD,
        "ada:scrypt:1073741824:8:1:" + GOOD,
        "ada:scrypt:99999999999999999999:8:1:" + GOOD,
        "ada:scrypt:16384:99999:1:" + GOOD,
        "ada:scrypt:-1:8:1:" + GOOD,
        "ada:scrypt:²:8:1:" + GOOD,
        "ada:token:hunter2secret",
        "ada:token:" + "0" * 64 + "\nbea:token:" + "0" * 64,
        f"ada:scrypt:16384:8:1:{GOOD}\nada:scrypt:16384:8:1:{GOOD}",
        "\x00\x01",
    ],
)
def test_a_bad_line_is_named_and_not_repeated(tmp_path: Path, line: str) -> None:
    path = tmp_path / "users.txt"
    path.write_text(f"# users\n{line}\n")
    number = 1 + len(line.split("\n"))
    with pytest.raises(ServerError, match=rf"users\.txt, line {number}: ") as raised:
        Access.from_file(path)
    assert "hunter2secret" not in str(raised.value)
    with pytest.raises(ServerError):
        users.set_password(path, "bea", PASSWORD)
    assert path.read_text() == f"# users\n{line}\n"


def test_what_is_no_users_file_is_said_to_be_none(tmp_path: Path) -> None:
    binary, empty, large = tmp_path / "binary", tmp_path / "empty", tmp_path / "large"
    binary.write_bytes(b"\xff\xfe\x00")
    empty.write_text("# nobody\n")
    large.write_text("#" * (users.LONGEST_FILE + 1))
    for path, words in (
        (tmp_path / "missing", "assistant user"),
        (tmp_path, "cannot be read"),
        (binary, "no text"),
        (empty, "no user"),
        (large, "too large"),
    ):
        with pytest.raises(ServerError, match=words):
            Access.from_file(path)
    for name in ("", "a:b", "-x", "a b", "x" * 65, "\udcff"):
        with pytest.raises(ServerError, match="not a user name"):
            users.set_password(tmp_path / "new", name, PASSWORD)
    with pytest.raises(ServerError, match="5 characters"):
        users.set_password(tmp_path / "new", "ada", "short")
    assert not (tmp_path / "new").exists()


def test_a_users_file_that_others_can_read_is_warned_of(
    users_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Access.from_file(users_file)
    assert "chmod" not in caplog.text
    users_file.chmod(0o644)
    Access.from_file(users_file)
    assert "chmod 600" in caplog.text


# From the command line.


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "assistant", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        try:
            assert it.stdout is not None
            yield it, it.stdout.readline().strip().rstrip("/")
        finally:
            it.kill()


def test_users_are_added_and_removed_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users.txt"

    def run(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        code = main(["user", *arguments, "--file", str(path)])
        return code, *capsys.readouterr()

    code, out, _ = run("ada", given=f"{PASSWORD}\n")
    assert (code, out) == (0, "")
    assert users.read_users(path).passwords["ada"].fits(PASSWORD)
    _, token, _ = run("ada", "--token")
    assert users.read_users(path).tokens == {users.token_digest(token.strip()): "ada"}
    _, out, _ = run("bea", "--token", "--json")
    assert users.token_digest(json.loads(out)["token"]) in users.read_users(path).tokens
    assert run("ada", "--remove")[0] == 0
    assert "ada" not in path.read_text()
    code, _, errors = run("ada", given="short\n")
    assert code == 1
    assert "8 to" in errors


def refused(index: Path, **wanted: Any) -> str:
    """Why it cannot be served so."""
    with Assistant.open(index) as assistant, pytest.raises(ServerError) as raised:
        serve(assistant, **{"port": 0, "announce": pytest.fail, **wanted})
    return str(raised.value)


def test_it_is_not_opened_to_others_by_mistake(seeds_index: Path, tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "docs.example"):
        message = refused(seeds_index, host=host)
        assert "--auth FILE" in message
        assert "--no-auth" in message
    bad = tmp_path / "users.txt"
    bad.write_text("ada:hunter2secret\n")
    assert "line 1" in refused(seeds_index, auth=bad)
    assert "choose one" in refused(seeds_index, auth=bad, no_auth=True)


def test_an_address_that_cannot_be_had_is_an_error_with_its_remedy(seeds_index: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        message = refused(seeds_index, port=taken.getsockname()[1])
    assert "in use" in message
    assert "--port" in message
    for host in ("203.0.113.7", "no such host", "x" * 300):
        message = refused(seeds_index, host=host, no_auth=True)
        assert "is not an address of this machine" in message


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_mid_stream_when_it_is_told_to(seeds_index: Path, number: int) -> None:
    with started("--index", str(seeds_index)) as (process, address):
        # The page holds this stream open for as long as it is shown.
        url = f"{address}/gradio_api/heartbeat/abc"
        with httpx.stream("GET", url, timeout=SETTLED) as answer:
            lines = answer.iter_lines()
            assert "ALIVE" in next(lines)
            began = time.monotonic()
            os.kill(process.pid, number)
            with suppress(httpx.RemoteProtocolError, httpx.ReadError):
                for _ in lines:
                    pass
            assert time.monotonic() - began < 4
        assert process.stdout is not None
        assert process.stderr is not None
        assert "39 passages" in process.stdout.read()
        assert process.stderr.read() == ""
        assert process.wait(SETTLED) == 0


def test_it_says_what_to_do_when_nothing_is_indexed(tmp_path: Path) -> None:
    with started("--index", str(tmp_path / "none")) as (process, address):
        assert httpx.get(f"{address}/healthz").status_code == 200
        process.terminate()
        assert process.stdout is not None
        assert "assistant sync FOLDER" in process.stdout.read()
        assert process.wait(SETTLED) == 0


# In a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    switches = [
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync",
        "--disable-background-networking --disable-component-update",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=" ".join(switches).split()
        )
        yield chromium
        chromium.close()


def test_the_page_asks_nobody_else_and_runs_no_script_but_ours(
    browser: Browser, seeds_index: Path, users_file: Path, tmp_path: Path
) -> None:
    index = shutil.copytree(seeds_index, tmp_path / "index")
    with ExitStack() as stack:
        assistant = stack.enter_context(Assistant.open(index))
        app = create_app(assistant, access=Access.from_file(users_file))
        address = stack.enter_context(serving(app))
        context = browser.new_context()
        stack.callback(context.close)
        page = context.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        with page.expect_response(f"{address}/") as loaded:
            page.get_by_role("button", name="Log in").click()
        page.get_by_role("textbox").first.wait_for()
        policy = loaded.value.headers["content-security-policy"]
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert "img-src 'self' data: blob:;" in policy
        outside = r"""(?:src|href|content)=["']?(?:https?:)?//[^"'> ]*"""
        assert not re.findall(outside, loaded.value.text())
        assert all(url.startswith(f"{address}/") for url in asked)
        assert complaints == []
        # Neither an event handler nor a script that gets into the page is run.
        page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran=1\">')"
        )
        page.wait_for_timeout(300)
        assert page.evaluate("window.ran") is None
        assert any("Content Security Policy" in complaint for complaint in complaints)
        # What Gradio has beside the page is not there.
        cookies = {"cookie": f"{SESSION_COOKIE}={session_of(context)}"}
        for path in ("/nothing", "/monitoring", "/gradio_api/proxy=https://x.example/"):
            answer = httpx.get(address + path, headers=cookies)
            assert answer.status_code == 404
            assert error_of(answer)
        figures = httpx.get(f"{address}/metrics", headers=cookies).text
        assert 'requests_total{method="GET",route="page",status="200"}' in figures
        assert 'requests_total{method="GET",route="none",status="404"}' in figures
        called = httpx.post(f"{address}/mcp", headers=cookies, json={})
        assert called.status_code != 404
        figures = httpx.get(f"{address}/metrics", headers=cookies).text
        assert 'route="/mcp"' in figures


def session_of(context: BrowserContext) -> str:
    return next(it["value"] for it in context.cookies() if it["name"] == SESSION_COOKIE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_to_log_in_fits_a_phone_and_works_without_script(
    browser: Browser, guarded: str, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(
        java_script_enabled=False,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": 360, "height": 640},
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{guarded}/probe/owner")
    assert page.url == f"{guarded}/login"
    expect(page.locator("input").first).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert complaints == [
        "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    ]
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] >= 8
    assert box["x"] + box["width"] <= 352
    page.screenshot(path=tmp_path / f"login-{scheme}.png")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():  # else the next page is asked for before the cookie is there
        page.get_by_role("button", name="Log in").click()
    page.goto(f"{guarded}/probe/owner")
    assert "user:ada" in page.content()
    context.close()


def test_who_follows_a_link_from_another_site_is_still_known(
    browser: Browser, address: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/probe/owner")
    known = page.inner_text("body")
    assert "browser:" in known
    page.route(
        "http://elsewhere.example/",
        lambda route: route.fulfill(
            body=f'<a href="{address}/probe/owner">there</a>', content_type="text/html"
        ),
    )
    page.goto("http://elsewhere.example/")
    page.click("a")
    page.wait_for_function("document.body.innerText.includes('browser:')")
    assert page.inner_text("body") == known
    context.close()
