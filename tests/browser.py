"""A real Chromium on a real server, and what both ask of the network."""

import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Playwright

CHROMIUM = "/usr/bin/chromium"
NOWHERE = "http://127.0.0.1:1/"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # All the same, Chromium asks its makers for accounts, for news of its parts, and what the
    # fields of forms are for.
    *(f"--gaia-url={NOWHERE}", f"--apps-gallery-update-url={NOWHERE}"),
    *(f"--component-updater=url-source={NOWHERE}", f"--autofill-server-url={NOWHERE}"),
)
# It also looks whether there is a way to this address, and sends nothing there.
PROBE = "[2001:4860:4860::8888]:443"
# What never leaves the browser.
INSIDE = ("about", "blob", "chrome", "chrome-extension", "data")
# In Chromium's log: addresses of what is asked for, names looked up, where sockets connect to.
TOLD = {
    *("url", "original_url", "new_url", "host", "hostname", "hostnames", "qname"),
    *("address", "address_list", "remote_address"),
}


@contextmanager
def served(index: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of `assistant serve` in a process of its own, until the block ends.

    Args:
        index: Written to, if only to keep conversations.
        arguments: Further ones.
        env: Further environment variables.
    """
    command = [sys.executable, "-m", "assistant", "serve", "--index", str(index), "--port", "0"]
    environment = {**os.environ, **(env or {})}
    with subprocess.Popen(
        [*command, *arguments], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http"), "the server did not start"
            yield url
        finally:
            process.terminate()


def launched(playwright: Playwright, *, log: Path | None = None) -> Browser:
    """A browser with an empty profile; at its end `log` holds all that its network did."""
    flags = list(FLAGS)
    if log is not None:
        flags += [f"--log-net-log={log}", "--net-log-capture-mode=Everything"]
    return playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


def watched(context: BrowserContext) -> list[str]:
    """The addresses of all that pages and workers of this context ask for, from now on."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: asked.append(socket.url)))
    return asked


def outside(address: str) -> bool:
    """Whether a URL, or a host with or without a port, is not on this machine's loopback."""
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        pass
    try:
        parts = urlsplit(
            address if "//" in address or address.startswith(INSIDE) else f"//{address}"
        )
        if parts.scheme in INSIDE or parts.hostname == "localhost":
            return False
        return not ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True


def logged(log: Path) -> tuple[int, list[str]]:
    """How many events Chromium's log has, and what in it is about anything but loopback."""
    read = json.loads(log.read_text(encoding="utf-8"))
    own = read["constants"]["logEventTypes"]["UDP_LOCAL_ADDRESS"]
    found = {
        f"{name} {value}"
        for event in read["events"]
        if event["type"] != own
        for name, value in _members(event.get("params") or {})
        if name in TOLD and value not in ("", PROBE) and outside(value)
    }
    return len(read["events"]), sorted(found)


def _members(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """All strings inside, each with the name that it stands under."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _members(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner, name)
    elif isinstance(value, str):
        yield name, value
