"""What people read in a terminal, and the JSON that programs read."""

import json
import re
import sys
from functools import cached_property
from typing import Any, TextIO

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

# Document text and file names come from strangers. Escape sequences are taken out whole; then all
# that a terminal obeys instead of showing it, and what turns the reading direction round.
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]"
)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Longer lines are hard to read, however wide the terminal.
_WIDEST = 100

Part = str | tuple[str, str]


def visible(text: str) -> str:
    """The text without escape sequences and control characters; line ends and tabs stay."""
    return _UNSEEN.sub("", _SEQUENCE.sub("", text))


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON in which whatever could disturb a terminal is escaped; on one line without indent."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def complain(message: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"assistant: {one_line(visible(message))}\n")


def one_line(text: str) -> str:
    """The words of a text on one line."""
    return " ".join(text.split())


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which does not call it an error."""
        raise


class Screen:
    """Writes paragraphs that fit the terminal; colours only where they are wanted (NO_COLOR)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._drafted: list[str] = []

    @cached_property
    def console(self) -> Console:
        """The terminal behind it."""
        return _Console(
            file=self._stream, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    def write(self, *parts: Part, indent: int = 0, label: str = "", style: str = "") -> None:
        """Write a paragraph of strings and (string, style) pairs, broken to fit.

        All lines are indented; a label stands in the first line's indentation. The paragraph
        takes the place of what was drafted.
        """
        pairs = [(part, "") if isinstance(part, str) else part for part in parts]
        text = Text.assemble(*((visible(content), style) for content, style in pairs))
        margin = Text(label.ljust(indent), style)
        with self.console:  # the draft goes and the paragraph comes in one
            self.draft("")
            for line in text.wrap(self.console, max(20, self._width - indent)):
                line.rstrip()
                self.console.print(margin + line if line or label else line)
                margin = Text(" " * indent)

    def draft(self, text: str) -> None:
        """Show words that may still change, dim, in place of those drafted before.

        Only a terminal shows them, and of many lines the last ones. An empty text takes them away.
        """
        if not self._stream.isatty() or self.console.is_dumb_terminal:
            return
        wrapped = Text(one_line(visible(text)), "dim").wrap(self.console, max(1, self._width - 1))
        lines = [line.plain.rstrip() for line in wrapped if line][1 - self.console.height :]
        if lines == self._drafted:
            return
        erased = (ControlType.ERASE_IN_LINE, 2)
        up = [(ControlType.CURSOR_UP, 1), erased] * (len(self._drafted) - 1)
        # Noted first: stopped from the keyboard in between, it is taken away all the same.
        before, self._drafted = self._drafted, lines
        with self.console:
            if before:
                self.console.control(Control(ControlType.CARRIAGE_RETURN, erased, *up))
            self.console.print(Text("\n".join(lines), "dim"), end="")

    @property
    def _width(self) -> int:
        return min(self.console.width, _WIDEST)

    def json(self, value: Any, *, indent: int | None = 2) -> None:
        """Write one JSON object; on one line without indent."""
        self._stream.write(to_json(value, indent=indent) + "\n")
