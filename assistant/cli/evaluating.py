"""`assistant eval`: ask the cases of an eval set, and tell whether the answers can be trusted."""

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import assistant as package
from assistant.answering import Answer
from assistant.assistant import Assistant
from assistant.bundled import shipped
from assistant.cli.progress import shown
from assistant.cli.reporting import show_report
from assistant.cli.screen import Screen, complain
from assistant.conversation import Turn
from assistant.errors import AssistantError, EvaluationError, ModelError
from assistant.evaluation import html, reports
from assistant.evaluation.cases import Case, load
from assistant.evaluation.comparing import Compared, against
from assistant.evaluation.conditions import Conditions, conditions, fingerprint
from assistant.evaluation.drafting import draft
from assistant.evaluation.figures import missed, outcomes
from assistant.evaluation.model_judge import with_judge
from assistant.evaluation.reports import Entry, Header, Report
from assistant.evaluation.running import THREADS, Row, in_order, read_rows, run
from assistant.evaluation.scoring import Scorer
from assistant.evaluation.summary import HALVES, Summary, summary
from assistant.payloads import plain

FINE, ERROR, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True, slots=True)
class Asked:
    """How far a run has come, for the progress bar."""

    done: int
    total: int
    name: str = ""
    phase: str = "cases"
    doing: str = "asking"


def evaluate(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant eval`."""
    if options.make is not None:
        return make(assistant, options, screen)
    # What cannot work is told before the first question is asked.
    baseline = None if options.baseline is None else reports.read(options.baseline)
    for path, is_ours in ((options.out, reports.is_report), (options.html, html.is_page)):
        if path is not None:
            reports.require_replaceable(path, is_ours=is_ours)
    assistant.retrieve("Is it ready?", limit=1)
    file = options.file or default_cases(assistant)
    cases = [case for case in load(file) if options.half in ("both", HALVES[case.half])]
    if not cases:
        raise EvaluationError(f"{file} holds no cases of the half {options.half!r}")
    found = conditions(assistant) | {"judge": options.judge}
    kept = _kept(options)
    started = time.perf_counter()
    try:
        rows = ask_all(assistant, cases, found=found, kept=kept, options=options)
    except KeyboardInterrupt:
        return stopped(kept, len(cases))
    asked = {
        "cases": {"file": Path(file).name, "count": len(cases), "half": options.half},
        "threads": options.threads,
        "seconds": round(time.perf_counter() - started, 1),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    summed = summary(rows)
    entries = tuple(Entry.of(row, case) for row, case in zip(rows, cases, strict=True))
    compared = None if baseline is None else against(baseline.entries, entries)
    report = Report(header(asked, found, rows, summed), entries)
    if options.out is not None:
        reports.write(report, options.out, texts=not options.no_texts)
    if options.html is not None:
        page = html.page(report, summed, baseline=baseline, compared=compared)
        reports.write_text(options.html, page)
    if kept is not None:
        kept.unlink(missing_ok=True)
    problems = problems_of(rows, summed, compared, options)
    if not same_conditions(assistant, found):
        problems.append(
            "the index changed while the cases were asked: some answers are of what was in it "
            "before, others of what is in it now; run it again"
        )
    if options.json:
        screen.json(report.header | _more(compared) | {"problems": problems})
    else:
        show_report(report, summed, compared, screen, tags=options.tags)
        for label, path in (("report", options.out), ("page", options.html)):
            if path is not None:
                screen.write((f"{label}: {path}", "dim"))
    for problem in problems:
        complain(problem)
    return ERROR if problems else FINE


def same_conditions(assistant: Assistant, found: Conditions) -> bool:
    """Whether the last answer was made under the same conditions as the first."""
    try:
        now = conditions(assistant) | {"judge": found["judge"]}
    except AssistantError:  # the index is gone
        return False
    return fingerprint(now) == fingerprint(found)


def make(assistant: Assistant, options: argparse.Namespace, screen: Screen) -> int:
    """`assistant eval --make`: cases for a person to edit."""
    made = draft(assistant, options.make, count=options.count)
    if options.json:
        screen.json({"file": str(options.make), "cases": made})
    else:
        screen.write(
            f"{made} drafts are in {options.make}. Correct each, or delete it; then "
            f"assistant eval {options.make}"
        )
    return FINE


def default_cases(assistant: Assistant) -> Path:
    """The cases of the shipped documents, where the index is of these.

    Raises:
        EvaluationError: It is of others.
    """
    folder = assistant.status().manifest.folder
    if folder is not None and Path(folder) == shipped("seeds").resolve():
        beside = Path(package.__file__).parent.parent / "evals" / "cases"
        for place in (shipped("cases"), beside):  # of a wheel, of a clone
            if (place / "seeds.jsonl").is_file():
                return place / "seeds.jsonl"
    raise EvaluationError(
        "there are no cases for these documents yet; name a file of cases, or draft one with: "
        "assistant eval --make draft.jsonl"
    )


class _Asking:
    """Asks; a failure of the language model that does not pass is kept, to end the run."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.failure: ModelError | None = None

    def __call__(self, question: str, *, history: Sequence[Turn]) -> Answer:
        if self.failure is not None:
            raise self.failure
        try:
            return self._assistant.ask(question, history=history)
        except ModelError as error:
            if not error.passing:
                self.failure = error
            raise


def ask_all(
    assistant: Assistant,
    cases: Sequence[Case],
    *,
    found: Conditions,
    kept: Path | None,
    options: argparse.Namespace,
) -> list[Row]:
    """Run the cases, and show how far it is.

    Raises:
        ModelError: The model cannot be used before somebody does something about it.
    """
    asking = _Asking(assistant)
    rows = []
    with with_judge(options.judge, assistant, Scorer.of(assistant)) as score, shown() as progress:
        running = run(
            cases,
            ask=asking,
            score=score,
            threads=options.threads or THREADS,
            rows=kept,
            fingerprint=fingerprint(found),
            tell=complain,
        )
        with closing(running):  # type: ignore[type-var]  # it is a generator
            for row in running:
                rows.append(row)
                progress(Asked(len(rows), len(cases), row.id))
                if asking.failure is not None:
                    raise asking.failure
    return in_order(rows, cases)


def stopped(kept: Path | None, total: int) -> int:
    """Tell what is left of a run that was stopped from the keyboard."""
    if kept is None:
        complain("stopped; with --out FILE, a run that is stopped can go on where it was")
    else:
        done = len(read_rows(kept)) if kept.exists() else 0
        complain(
            f"stopped; {done} of {total} cases are kept in {kept}: the same command goes on "
            f"from there"
        )
    return INTERRUPTED


def header(asked: Header, found: Conditions, rows: Sequence[Row], summed: Summary) -> Header:
    """What a report begins with."""
    replaced = sum(bool(row.answer and row.answer["notice"]) for row in rows)
    return {
        **asked,
        **found,
        "outcomes": outcomes(rows),
        "notices": replaced,
        "figures": reports.figures(summed),
    }


def problems_of(
    rows: Sequence[Row],
    summed: Summary,
    compared: Compared | None,
    options: argparse.Namespace,
) -> list[str]:
    """Why the exit code is not 0, a line each."""
    problems = [str(miss) for miss in missed(summed.overall, options.fail_under or ())]
    if compared is not None and options.most_drop is not None:
        problems += [
            f"{name} was {one.before:.4g} in the baseline and is {one.after:.4g} over the same "
            f"{one.cases} cases; that is worse by more than {options.most_drop:g}"
            for name, one in compared.drops(options.most_drop).items()
        ]
    if crashed := [row for row in rows if row.error]:
        problems.append(
            f"{len(crashed)} of {len(rows)} crashed, such as {crashed[0].id}: {crashed[0].error}"
        )
    return problems


def _more(compared: Compared | None) -> dict[str, Any]:
    if compared is None:
        return {}
    changes = [{"id": one.after.row.id, "kind": one.kind} for one in compared.changes]
    counts = {name: getattr(compared, name) for name in ("both", "edited", "new", "gone")}
    figures = {name: plain(one) for name, one in compared.figures.items()}
    return {"compared": {**counts, "changes": changes, "figures": figures}}


def _kept(options: argparse.Namespace) -> Path | None:
    """Where rows are kept while it runs: beside the report, else beside the page."""
    report: Path | None = options.out or options.html
    return None if report is None else report.with_name(report.name + ".rows")
