"""The commands and their options."""

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from assistant import __version__
from assistant.cli import help as texts


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Understand a command line.

    Raises:
        SystemExit: With 0 after `--help` and `--version`, with 2 after a usage error.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.error("no command given; begin with: assistant sync, or see assistant --help")
    since, until = getattr(options, "since", None), getattr(options, "until", None)
    if getattr(options, "most_drop", None) is not None and options.baseline is None:
        parser.error("--most-drop compares with an earlier run; name it with --baseline")
    if getattr(options, "self_test", False):
        for name in ("make", "out", "html", "baseline", "fail_under", "judge"):
            if getattr(options, name) is not None:
                parser.error(f"--self-test makes no report; leave out --{name.replace('_', '-')}")
    if since and until and since > until:
        parser.error(f"--since {since} is after --until {until}; swap them")
    return options


class _Contents(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest command, whose indentation argparse does not count."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = len("    conversations")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assistant",
        description=texts.DESCRIPTION,
        epilog=texts.EPILOG,
        formatter_class=_Contents,
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

    sync = command("sync", "index a folder, or what changed in it", texts.SYNC, texts.SYNC_EXAMPLES)
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

    ask = command("ask", "answer a question, cited and checked", texts.ASK, texts.ASK_EXAMPLES)
    ask.add_argument("question", nargs="+", type=_text, metavar="QUESTION", help="any question")
    _add_model(ask)
    _add_filters(ask)

    search = command("search", "find passages, with reasons", texts.SEARCH, texts.SEARCH_EXAMPLES)
    search.add_argument("query", nargs="+", type=_text, metavar="QUERY", help="any words")
    search.add_argument(
        "--limit", type=_count, default=10, metavar="N", help="the most passages (default 10)"
    )
    _add_filters(search)

    command("status", "what is indexed, and what failed", texts.STATUS, texts.STATUS_EXAMPLES)

    doctor = command("doctor", "look for damage, and mend it", texts.DOCTOR, texts.DOCTOR_EXAMPLES)
    doctor.add_argument("--mend", action="store_true", help="put right what can be put right")

    check = command("check", "judge a text by sources you name", texts.CHECK, texts.CHECK_EXAMPLES)
    check.add_argument("file", metavar="FILE", help="the text to judge; - is standard input")
    check.add_argument(
        "--against",
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="the sources: files, or folders of documents",
    )

    chat = command("chat", "a conversation on the terminal", texts.CHAT, texts.CHAT_EXAMPLES)
    chat.add_argument("--resume", metavar="ID", help="go on with a conversation that was kept")
    _add_model(chat)
    _add_filters(chat)

    conversations = command(
        "conversations",
        "list what is kept, export, delete",
        texts.CONVERSATIONS,
        texts.CONVERSATIONS_EXAMPLES,
    )
    what = conversations.add_mutually_exclusive_group()
    what.add_argument("--export", metavar="ID", help="print this one as Markdown")
    what.add_argument("--delete", metavar="ID", help="delete this one")

    command("feedback", "rated answers, as an eval set", texts.FEEDBACK, texts.FEEDBACK_EXAMPLES)

    _add_eval(command("eval", "measure the answers", texts.EVAL, texts.EVAL_EXAMPLES))

    _add_calibrate(
        command(
            "calibrate",
            "fit confidence and refusals to your cases",
            texts.CALIBRATE,
            texts.CALIBRATE_EXAMPLES,
        )
    )

    models = command(
        "models", "language models: list, and try", texts.MODELS, texts.MODELS_EXAMPLES
    )
    models.add_argument(
        "names", nargs="*", type=_text, metavar="NAME", help="try these, instead of listing"
    )

    serve = command("serve", "the chat page, HTTP and MCP", texts.SERVE, texts.SERVE_EXAMPLES)
    serve.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (127.0.0.1)"
    )
    serve.add_argument("--port", type=_port, default=7860, metavar="N", help="(7860)")
    _add_model(serve)
    who = serve.add_mutually_exclusive_group()
    who.add_argument("--auth", type=Path, metavar="FILE", help="let in the users of this file")
    who.add_argument(
        "--no-auth", action="store_true", help="let everybody in, though others can reach it"
    )

    user = command("user", "add who may use the server", texts.USER, texts.USER_EXAMPLES)
    user.add_argument("name", type=_text, metavar="NAME", help="the user's name")
    user.add_argument(
        "--file", type=Path, required=True, metavar="FILE", help="the file of users, for --auth"
    )
    change = user.add_mutually_exclusive_group()
    change.add_argument("--remove", action="store_true", help="remove the user")
    change.add_argument("--token", action="store_true", help="make a token for the user's programs")

    mcp = command("mcp", "tools for other models, over stdio", texts.MCP, texts.MCP_EXAMPLES)
    _add_model(mcp)
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


def _add_cases(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="CASES",
        help="a file of cases; by default those of the shipped examples",
    )
    parser.add_argument(
        "--half", choices=("dev", "test", "both"), default="both", help="only one half (both)"
    )
    parser.add_argument(
        "--threads", type=_count, default=2, metavar="N", help="questions side by side (2)"
    )


def _add_eval(parser: argparse.ArgumentParser) -> None:
    _add_cases(parser)
    parser.add_argument("--tags", action="store_true", help="print the figures by tag, too")
    _add_model(parser)
    parser.add_argument(
        "--judge",
        type=_text,
        metavar="NAME",
        help="a second judge of the sentences: a language model other than the one that answers",
    )
    files = parser.add_argument_group("reports")
    files.add_argument("--out", type=Path, metavar="FILE", help="write all of it as JSON lines")
    files.add_argument(
        "--no-texts",
        action="store_true",
        help="leave the texts out of it: small, to be committed as a baseline",
    )
    files.add_argument("--html", type=Path, metavar="FILE", help="write a page to look at")
    files.add_argument(
        "--baseline", type=Path, metavar="FILE", help="compare with an earlier run's --out"
    )
    gate = parser.add_argument_group("for CI: exit code 1")
    gate.add_argument(
        "--fail-under",
        type=_limits,
        metavar="NAME=VALUE,...",
        help="if one of these figures is worse than its value, as in faithfulness=0.98",
    )
    gate.add_argument(
        "--most-drop",
        type=_share,
        metavar="VALUE",
        help="if any figure is worse than in the baseline by more than this, as in 0.005",
    )
    measure = parser.add_argument_group("measuring the measure")
    measure.add_argument(
        "--self-test",
        action="store_true",
        help="make good answers bad, and tell how often each metric sees it",
    )
    drafts = parser.add_argument_group("drafting cases")
    drafts.add_argument(
        "--make", type=Path, metavar="DRAFT", help="draft cases from the documents to a new file"
    )
    drafts.add_argument(
        "--cases", type=_count, default=50, dest="count", metavar="N", help="so many (50)"
    )


def _add_calibrate(parser: argparse.ArgumentParser) -> None:
    _add_cases(parser)
    parser.add_argument(
        "--false-refusals",
        type=_share,
        default=0.1,
        metavar="SHARE",
        help="so many of the answerable questions may be refused (0.1)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="only tell what it would achieve")
    what.add_argument(
        "--forget", action="store_true", help="remove what was fitted: confidence as shipped"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        type=_text,
        metavar="NAME",
        help="the language model that writes the answers, by a name that assistant models tells; "
        "extractive for none",
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


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 0 to 1")
    return share


def _limits(value: str) -> list[tuple[str, float]]:
    # Imported here, as only this option needs it.
    from assistant.evaluation.figures import limits

    try:
        return limits(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(value: str) -> int:
    # 0 lets the system choose a free one.
    if not value.isdecimal() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 0 to 65535")
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
