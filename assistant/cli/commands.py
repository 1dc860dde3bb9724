"""What each command prints; what is printed is the facade's."""

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any

from assistant.assistant import Assistant
from assistant.cli import views
from assistant.cli.chatting import chat
from assistant.cli.models import models
from assistant.cli.progress import shown
from assistant.cli.screen import Screen, complain, visible
from assistant.cli.telling import tell
from assistant.documents import Document
from assistant.errors import CorpusError, DocumentError
from assistant.payloads import (
    Payload,
    answer_payload,
    failure_payload,
    hit_payload,
    plain,
    plan_payload,
    report_payload,
    verdict_payload,
)

FINE, ERROR = 0, 1


def run(options: argparse.Namespace) -> int:
    """Run the command that was parsed; returns the exit code."""
    commands: dict[str, Callable[[Assistant, argparse.Namespace, Screen], int]] = {
        "sync": sync,
        "ask": ask,
        "search": search,
        "status": status,
        "doctor": doctor,
        "check": check,
        "chat": chat,
        "conversations": conversations,
        "feedback": feedback,
        "eval": evaluate,
        "calibrate": calibrate,
        "models": models,
        "serve": serve,
        "user": user,
        "mcp": mcp,
    }
    model = getattr(options, "model", None)
    with Assistant.open(options.index, model=model) as assistant:
        return commands[options.command](assistant, options, Screen())


def sync(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant sync`."""
    wanted = {"rebuild": options.rebuild, "allow_empty": options.allow_empty}
    if options.dry_run:
        plan = assistant.plan(options.folder, **wanted)
        if options.json:
            screen.json(plan_payload(plan))
        else:
            views.show_plan(plan, screen)
        return told(failure_payload(error) for error in plan.failed)
    with shown() as progress:
        report = assistant.sync(options.folder, **wanted, progress=progress)
    if options.json:
        screen.json(report_payload(report))
    else:
        views.show_report(report, screen)
    return told(failed._asdict() for failed in report.failed)


def ask(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant ask`."""
    question, most_calls = " ".join(options.question), assistant.settings.model_calls
    if options.json:
        screen.json(answer_payload(assistant.ask(question, **filters(options))))
    elif assistant.writer == views.EXTRACTIVE:
        answer = assistant.ask(question, **filters(options))
        views.show_answer(answer, screen, most_calls=most_calls)
    else:
        answer = tell(assistant.stream(question, **filters(options)), screen, question=question)
        views.show_basis(answer, screen, most_calls=most_calls)
    return FINE


def search(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant search`."""
    query = " ".join(options.query)
    hits = assistant.search(query, limit=options.limit, **filters(options))
    if options.json:
        screen.json({"query": query, "hits": [hit_payload(hit) for hit in hits]})
    else:
        views.show_hits(hits, screen)
    return FINE


def status(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant status`."""
    found = assistant.status()
    if options.json:
        screen.json(plain(found))
    else:
        views.show_status(found, screen)
    return FINE


def doctor(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant doctor`."""
    findings = assistant.doctor(mend=options.mend)
    wrong = [finding for finding in findings if not finding.ok]
    if options.json:
        screen.json({"ok": not wrong, "findings": [plain(finding) for finding in findings]})
    else:
        views.show_findings(findings, screen)
    if not wrong:
        return FINE
    remedy = "what is left needs your hand" if options.mend else "run `assistant doctor --mend`"
    complain(f"{', '.join(finding.name for finding in wrong)}: not as it should be; {remedy}")
    return ERROR


def check(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant check`."""
    if options.file == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    else:
        (read,) = assistant.read([options.file])
        if isinstance(read, DocumentError):
            raise read
        text = read.text
    results = list(assistant.read(options.against))
    documents = [result for result in results if isinstance(result, Document)]
    failed = [result for result in results if isinstance(result, DocumentError)]
    if not documents:
        told(failure_payload(error) for error in failed)
        raise CorpusError(
            f"there is nothing to judge by in {', '.join(options.against)}; "
            f"name files or folders of documents after --against"
        )
    verdicts = assistant.check(text, against=[document.text for document in documents])
    sources = [document.source for document in documents]
    if options.json:
        sentences = [verdict_payload(verdict, sources=sources) for verdict in verdicts]
        failures = [failure_payload(error) for error in failed]
        screen.json({"sentences": sentences, "sources": sources, "failed": failures})
    else:
        views.show_verdicts(verdicts, sources, screen)
    return told(failure_payload(error) for error in failed)


def conversations(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant conversations`."""
    if options.delete:
        assistant.chat(id=options.delete).delete()
        if options.json:
            screen.json({"deleted": options.delete})
        else:
            screen.write("deleted")
    elif options.export:
        conversation = assistant.chat(id=options.export)
        text = conversation.markdown()
        if options.json:
            screen.json({"id": conversation.id, "title": conversation.title, "markdown": text})
        else:
            sys.stdout.write(visible(text))
    else:
        kept = assistant.conversations()
        if options.json:
            screen.json({"conversations": [plain(listed) for listed in kept]})
        else:
            views.show_conversations(kept, screen)
    return FINE


def feedback(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant feedback`."""
    for case in assistant.feedback():
        screen.json(case, indent=None)
    return FINE


def evaluate(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant eval`."""
    if options.self_test:
        from assistant.cli.selftesting import run as measure_the_measure

        return measure_the_measure(assistant, options, screen)
    from assistant.cli.evaluating import evaluate as run_cases

    return run_cases(assistant, options, screen)


def calibrate(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant calibrate`."""
    from assistant.cli.calibrating import run as fit

    return fit(assistant, options, screen)


# Serving: what is imported here loads the libraries that serve.


def serve(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant serve`."""
    from assistant.cli.serving import serve as run_server

    return run_server(assistant, options, screen)


def user(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant user`."""
    from assistant.cli.serving import user as change_user

    return change_user(options, screen)


def mcp(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant mcp`."""
    from assistant.server.mcp import run_stdio

    if sys.stdin.isatty():
        complain("a program that speaks MCP is meant to start this; see assistant mcp --help")
    run_stdio(assistant)
    return FINE


def filters(options: argparse.Namespace) -> dict[str, Any]:
    """The options that say which documents to search."""
    return {name: getattr(options, name) for name in ("within", "types", "since", "until")}


# What went wrong.


def told(failures: Iterable[Payload]) -> int:
    """Name each file that could not be read on standard error; returns the exit code."""
    failed = list(failures)
    for failure in failed:
        complain("{source}: {reason}; {remedy}".format_map(failure))
    if not failed:
        return FINE
    files = "1 file was" if len(failed) == 1 else f"{len(failed):,} files were"
    complain(f"{files} left out, as told above; everything else is done")
    return ERROR
