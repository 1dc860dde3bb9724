"""The command line: a thin shell over the facade; nothing heavy is imported before parsing."""

import os
import sys
import traceback
from collections.abc import Sequence

from assistant.cli.arguments import parse

__all__ = ["main"]

FINE, ERROR, INTERRUPTED = 0, 1, 130

STOPPED = {
    "sync": "stopped; nothing is lost: what was indexed is kept, and the same command goes on from "
    "there"
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; only usage errors and `--help` raise SystemExit."""
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold bytes that are not text, and a terminal may not know every letter.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = parse(arguments)
    if options.json and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # as the standard of JSON has it
    from assistant.errors import AssistantError

    try:
        from assistant.cli.commands import run

        code = run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has had enough (`assistant search ... | head`). What is still buffered must
        # not fail when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return _fail(STOPPED.get(options.command, "stopped"), code=INTERRUPTED)
    except AssistantError as error:
        return _fail(str(error))
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, no traceback
        if os.environ.get("ASSISTANT_DEBUG") == "1":
            traceback.print_exc()
        return _fail(
            f"unexpected error, {type(error).__name__}: {error}; please report it, with what "
            f"the same command prints under ASSISTANT_DEBUG=1"
        )
    return code


def _fail(message: str, *, code: int = ERROR) -> int:
    from assistant.cli.screen import complain

    complain(message)
    return code
