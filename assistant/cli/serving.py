"""The commands that serve, and that say who may come in."""

import argparse
import getpass
import logging
import sys

from assistant.assistant import Assistant
from assistant.cli.screen import Screen, complain
from assistant.errors import AssistantError, IndexMissingError, ServerError

FINE = 0


def serve(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant serve`: until it is stopped from the keyboard or by SIGTERM."""
    from assistant.server.serving import serve as run

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)

    def announce(url: str) -> None:
        if options.json:
            screen.json({"url": url})
        else:
            screen.write(url, style="bold")
            screen.write(_holdings(assistant))
            screen.write("Stop it with Ctrl+C.", style="dim")
        sys.stdout.flush()

    run(
        assistant,
        host=options.host,
        port=options.port,
        auth=options.auth,
        no_auth=options.no_auth,
        announce=announce,
    )
    return FINE


def user(options: argparse.Namespace, screen: Screen) -> int:
    """`assistant user`: write the users file."""
    from assistant.server import users

    if options.remove:
        users.remove_user(options.file, options.name)
        told, token = f"removed {options.name} from {options.file}", None
    elif options.token:
        token = users.add_token(options.file, options.name)
        told = f"{options.file} lets {options.name} in with this token, which is not shown again:"
    else:
        users.set_password(options.file, options.name, _password(options.name))
        told, token = f"{options.file} lets {options.name} in with this password", None
    if options.json:
        screen.json({"name": options.name, "file": str(options.file)} | _given(token))
    else:
        complain(told)
        if token is not None:
            screen.write(token)
    return FINE


def _given(token: str | None) -> dict[str, str]:
    return {} if token is None else {"token": token}


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("The same again: ") != password:
        raise ServerError("the two passwords differ; nothing was changed")
    return password


def _holdings(assistant: Assistant) -> str:
    """What is indexed, or what to do about nothing being so."""
    empty = "Nothing is indexed yet: run `assistant sync FOLDER`, or drop files into the page."
    try:
        counts = assistant.counts()
    except IndexMissingError:
        return empty
    except AssistantError as error:
        return str(error)
    if not counts.documents:
        return empty
    documents = "1 document" if counts.documents == 1 else f"{counts.documents:,} documents"
    passages = "1 passage" if counts.passages == 1 else f"{counts.passages:,} passages"
    return f"{documents} in {passages}, from {assistant.settings.index}"
