"""The main job touches no network: not the assistant, nor Chroma's or LlamaIndex's telemetry.

Two guards. In every Python process, child processes and threads included, a hook writes down each
attempt to reach an address or to look up a name that is not this machine's, and forbids it. Where
the system allows it, the job also runs in a network of its own without any route; the kernel
counts there what is sent, by compiled code as well.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.bundled import shipped

SWITCHES = (
    *("ORT_DISABLE_TELEMETRY", "ANONYMIZED_TELEMETRY", "GRADIO_ANALYTICS_ENABLED"),
    *("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "XDG_CACHE_HOME"),
)

GUARD = """
import os, sys

LOG = {log!r}
LOCAL = ("127.", "::1", "localhost")


def guard(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if not isinstance(address, tuple):  # a Unix socket, or a socket that is connected already
            return
        host = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and not host.startswith(LOCAL):
        with open(LOG, "a") as file:
            file.write(f"{{event}} {{host}} by {{sys.argv}}\\n")
        raise PermissionError(f"no network here: {{event}} {{host}}")


sys.addaudithook(guard)
"""

MAIN_JOB = """
import json, sys
from assistant import Assistant, Document
from assistant.catalog import open_catalog
from assistant.embedding import load_embedding
from assistant.indexes import DenseIndex

seeds, index = sys.argv[1:]
with Assistant.open(index) as assistant:
    report = assistant.sync(seeds)
    text = "See ![](https://example.org/x.png) on https://example.com."
    added = assistant.add([Document.from_text(text, source="a")])
    answer = assistant.ask("What is SWIFT?")
    hits = assistant.search("See https://example.com")
    verdicts = assistant.check("SWIFT is a bank.", against=["SWIFT is a payment system."])
    response = assistant.as_query_engine().query("What is SWIFT?")
    nodes = assistant.as_retriever().retrieve("SWIFT")
    findings = assistant.doctor(mend=True)
with open_catalog(index) as catalog:
    dense = DenseIndex(catalog, prefer="chroma")
    found = dense.search(load_embedding("embedded").encode_query("SWIFT"), 5)
    by = dense.answers_by
    dense.close()
import gradio  # by now it would have phoned home
print(json.dumps({
    "added": report.added, "failed": report.failed, "programs": added.added,
    "answer": answer.text, "hits": len(hits), "verdicts": len(verdicts),
    "response": str(response), "nodes": len(nodes), "fine": all(f.ok for f in findings),
    "found": len(found), "by": by,
}))
"""

COUNTED = """
import os, sys
def sent():
    lines = [line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:")]
    six = dict(line.split() for line in open("/proc/net/snmp6"))
    return int(dict(zip(*lines))["OutNoRoutes"]) + int(six["Ip6OutNoRoutes"])
import subprocess
code = subprocess.run(sys.argv[1:]).returncode
if sent():
    print(f"{sent()} packets had no route", file=sys.stderr)
    code = code or 3
sys.exit(code)
"""


def isolated() -> list[str]:
    """How to run a command without any network, where that is permitted; else nothing."""
    command = ["unshare", "--net", "--map-root-user"]
    try:
        permitted = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        permitted = False
    return [*command, sys.executable, "-c", COUNTED] if permitted else []


def run_guarded(
    code: str, *arguments: str, folder: Path, without_network: bool
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run Python under the guards; returns the process and what the first guard wrote down."""
    guards = folder / "guards"
    guards.mkdir()
    log = folder / "attempts.log"
    log.touch()
    (guards / "sitecustomize.py").write_text(GUARD.format(log=str(log)))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_")
    }
    # The offline switches are the program's to set, not the tests'.
    for name in SWITCHES:
        environment.pop(name, None)
    home = folder / "home"
    home.mkdir()
    done = subprocess.run(
        [*(isolated() if without_network else []), sys.executable, "-c", code, *arguments],
        env={**environment, "PYTHONPATH": str(guards), "HOME": str(home)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done, log.read_text()


def test_the_main_job_needs_no_network(tmp_path: Path) -> None:
    arguments = [str(shipped("seeds")), str(tmp_path / "index")]
    done, attempts = run_guarded(MAIN_JOB, *arguments, folder=tmp_path, without_network=True)
    assert attempts == ""
    assert done.returncode == 0, done.stderr
    # Telemetry that could not be sent would wait there, with a number for this machine.
    assert list((tmp_path / "home").rglob("*")) == []
    result = json.loads(done.stdout.splitlines()[-1])
    assert result.pop("added") == len(list(shipped("seeds").iterdir()))
    assert result.pop("answer") == result.pop("response") != ""
    assert min(result.pop("hits"), result.pop("nodes")) >= 1
    expected = {"failed": [], "programs": 1, "verdicts": 1, "fine": True, "found": 5}
    assert result == {**expected, "by": "chroma"}


LEAKS = {
    "by name": "import urllib.request as u; u.urlopen('http://example.org', timeout=1)",
    "by address": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "by version 6": "import socket; socket.create_connection(('2001:db8::1', 80), timeout=1)",
    "in a thread": (
        "import socket, threading\n"
        "t = threading.Thread(target=lambda: socket.socket().connect(('192.0.2.1', 80)))\n"
        "t.start(); t.join()"
    ),
    "in a child": (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import socket; socket.gethostbyname(\"a.b\")'])"
    ),
    "unconnected": (
        "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
    ),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_the_first_guard_sees_every_leak(tmp_path: Path, leak: str) -> None:
    swallowed = f"try: exec({leak!r})\nexcept OSError: pass"
    done, attempts = run_guarded(swallowed, folder=tmp_path, without_network=False)
    assert done.returncode == 0, done.stderr
    assert attempts != ""


@pytest.mark.skipif(not isolated(), reason="this system lets nobody make a network of their own")
def test_the_second_guard_sees_compiled_code(tmp_path: Path) -> None:
    compiled = (
        "import ctypes, struct\n"
        "libc = ctypes.CDLL(None)\n"
        "address = struct.pack('=H', 2) + struct.pack('!H4s8x', 80, bytes([192, 0, 2, 1]))\n"
        "libc.connect(libc.socket(2, 1, 0), address, len(address))\n"
    )
    done, attempts = run_guarded(compiled, folder=tmp_path, without_network=True)
    assert attempts == ""
    assert done.returncode == 3
    assert "no route" in done.stderr
