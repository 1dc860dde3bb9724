"""The commands and options, and the help that teaches them."""

import argparse
from collections.abc import Sequence
from datetime import date

from assistant import __version__

DESCRIPTION = "Ask your documents; every sentence of the answer is cited and checked."

EPILOG = """\
begin with these three:
  assistant sync FOLDER           index the documents in a folder (the shipped examples if none)
  assistant ask "QUESTION"        an answer from them, with sources and verdicts, or a refusal
  assistant status                what is indexed, and which files could not be read

examples:
  assistant sync ~/papers --index indexes/papers
  assistant ask "Who signed it, and when?" --index indexes/papers
  assistant ask "Who signed it?" --within 2024/ minutes.pdf --json
  assistant search "payment systems" --limit 5
  assistant check draft.md --against ~/papers

Every command has its own help: assistant COMMAND --help

exit codes:
  0   fine; an answer that refuses ("the documents do not say") is fine too
  1   an error, told in one line with its remedy; or some files could not be read or mended
  2   the command was not understood
  130 stopped from the keyboard

Results go to standard output, progress and errors to standard error.
Settings: assistant.toml in the working folder, or ASSISTANT_INDEX, ASSISTANT_EMBEDDING and so on.
"""

SYNC = """\
Bring the index in step with a folder: new and changed files are read, files that are gone are
removed, the rest is left alone. A file that cannot be read is named with the reason and the
remedy; its earlier version stays, the others are indexed, and the exit code is 1. Stopped at any
moment, the same command goes on where it was.
"""
SYNC_EXAMPLES = """\
examples:
  assistant sync                  the folder of the index; for a new index, the shipped examples
  assistant sync ~/papers         another folder
  assistant sync ~/papers --dry-run
  assistant sync --rebuild        read everything anew, e.g. after choosing another model
"""

ASK = """\
Answer a question from the indexed documents alone. Each sentence is cited and was checked against
its source: quoted (word for word), supported, weak or unsupported. If the documents do not hold
the answer, the reply says so, and that is not an error.
"""
ASK_EXAMPLES = """\
examples:
  assistant ask "How long will the treaty last?"
  assistant ask "Who spoke of SWIFT?" --within statements/ overview.md
  assistant ask "What changed?" --type pdf docx --since 2024-01-01 --json

--json prints one object: question, search_query, text, refused, confidence,
sentences [{text, verdict, citations, reason}], citations [{number, source, title, page, page_end,
heading, sheet, row, start, end, quote, content_hash}], model, timings. A heading is the list of
headings above the quote, outermost first; start and end count characters in the document's text.
"""

SEARCH = """\
Find the passages that fit a query best, by meaning and by words, each with the reason it is there.
"""
SEARCH_EXAMPLES = """\
examples:
  assistant search SWIFT
  assistant search "payment systems" --limit 3 --within reports/
  assistant search sanctions --type pdf --json
"""

STATUS = """\
Tell what the index is and holds: its folder, model and size, every document, and the files that
could not be read at the last sync.
"""
STATUS_EXAMPLES = """\
examples:
  assistant status
  assistant status --json         all documents, however many
"""

DOCTOR = """\
Look at everything that can go wrong with an index, thoroughly. The search indexes can be mended;
the catalog is the truth, from which they are built. The exit code is 1 if something is wrong.
"""
DOCTOR_EXAMPLES = """\
examples:
  assistant doctor
  assistant doctor --mend
"""

CHECK = """\
Judge each sentence of any text by the sources you name: quoted, supported, weak or unsupported,
with the place that bears it out or contradicts it. Needs no index. Unsupported sentences are a
result, not an error.
"""
CHECK_EXAMPLES = """\
examples:
  assistant check draft.md --against sources/ minutes.pdf
  pbpaste | assistant check - --against report.docx --json
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Understand a command line.

    Raises:
        SystemExit: With 0 after `--help` and `--version`, with 2 after a usage error.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.error("no command given; begin with: assistant sync, or see assistant --help")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assistant",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"assistant {__version__}")
    _add_common(parser, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(
        name: str, summary: str, description: str, examples: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        # Given before the command they must not be overwritten by defaults after it.
        _add_common(added, default=argparse.SUPPRESS)
        return added

    sync = command("sync", "index a folder, or what changed in it", SYNC, SYNC_EXAMPLES)
    sync.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder of documents")
    sync.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    sync.add_argument(
        "--rebuild",
        action="store_true",
        help="read every document anew; also takes over another folder, model or passage length",
    )
    sync.add_argument(
        "--allow-empty",
        action="store_true",
        help="let a folder that holds no document any more empty the index",
    )

    ask = command("ask", "answer a question, cited and checked", ASK, ASK_EXAMPLES)
    ask.add_argument("question", nargs="+", type=_text, metavar="QUESTION", help="any question")
    _add_filters(ask)

    search = command("search", "find passages, with reasons", SEARCH, SEARCH_EXAMPLES)
    search.add_argument("query", nargs="+", type=_text, metavar="QUERY", help="any words")
    search.add_argument(
        "--limit", type=_count, default=10, metavar="N", help="the most passages (default 10)"
    )
    _add_filters(search)

    command("status", "what is indexed, and what failed", STATUS, STATUS_EXAMPLES)

    doctor = command("doctor", "look for damage, and mend it", DOCTOR, DOCTOR_EXAMPLES)
    doctor.add_argument("--mend", action="store_true", help="put right what can be put right")

    check = command("check", "judge a text by sources you name", CHECK, CHECK_EXAMPLES)
    check.add_argument("file", metavar="FILE", help="the text to judge; - is standard input")
    check.add_argument(
        "--against",
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="the sources: files, or folders of documents",
    )
    return parser


def _add_common(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    everywhere = parser.add_argument_group("everywhere")
    everywhere.add_argument(
        "--index", metavar="DIR", default=default, help="the index's folder (indexes/default)"
    )
    everywhere.add_argument(
        "--json",
        action="store_true",
        default=default or False,
        help="print one JSON object, for programs",
    )


def _add_filters(parser: argparse.ArgumentParser) -> None:
    filters = parser.add_argument_group("only some documents")
    filters.add_argument(
        "--within",
        nargs="+",
        action="extend",
        metavar="SOURCE",
        help="these documents, or folders of them",
    )
    filters.add_argument(
        "--type",
        nargs="+",
        action="extend",
        type=_document_type,
        dest="types",
        metavar="TYPE",
        help="these formats: pdf, docx, md, ...",
    )
    for option, meaning in (("--since", "this day or later"), ("--until", "this day or earlier")):
        filters.add_argument(option, type=_day, metavar="DATE", help=f"of {meaning} (2024-12-31)")


def _text(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return value


def _count(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to 1000")
    return int(value)


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a day such as 2024-12-31") from None


def _document_type(value: str) -> str:
    # Imported here, as only this option needs it.
    from assistant.documents.formats import SUPPORTED

    known = SUPPORTED.get(f".{value.lower().lstrip('.')}")
    if known is None:
        names = ", ".join(sorted(set(SUPPORTED.values())))
        raise argparse.ArgumentTypeError(f"{value!r} is not one of {names}")
    return known
