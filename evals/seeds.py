"""The project's own cases: accepted answers, refusals, faithfulness, citations and retrieval.

    python -m evals.seeds [--collection NAME|all] [--half dev|test|both] [--rows FILE] [--verbose]

A collection is a folder of documents with a file of cases: the seeds, or one of
`evals/collections`; another is named by --cases and --folder.

Cases are split in halves by a hash, see `evals/cases/README.md`; what is tuned is tuned on "dev"
alone, which is why --verbose never shows a case of "test".
"""

import argparse
import tempfile
import time
from pathlib import Path

from assistant import Assistant
from assistant.evaluation.cases import Case, load
from assistant.evaluation.running import THREADS, Row, in_order, run
from assistant.evaluation.scoring import Scorer
from assistant.evaluation.statistics import Figure
from assistant.evaluation.summary import HALVES, Part, summary

CASES = Path(__file__).parent / "cases"
SEEDS = "seeds"
FOLDERS = {
    SEEDS: Path(__file__).parent.parent / "seeds",
    **{
        name: Path(__file__).parent / "collections" / name
        for name in ("harbour", "workplace", "station", "software")
    },
}
"""The documents of each collection; its cases are in a file of its name in `CASES`."""
ALL = "all"


def cases_of(collection: str) -> Path:
    """The file of a collection's cases."""
    return CASES / f"{collection}.jsonl"


def shown(figure: Figure) -> str:
    """A figure with its interval, and over how many cases it is."""
    if figure.value is None:
        return "-"
    interval = "" if figure.low is None else f" {figure.low:.2f}-{figure.high:.2f}"
    return f"{figure.value:.3f}{interval} ({figure.cases})"


def table(parts: dict[str, Part]) -> str:
    """All figures, a line each, the parts side by side."""
    names = dict.fromkeys(name for part in parts.values() for name in part.figures)
    lines = [" " * 20 + "".join(f"{name:>26}" for name in parts)]
    for name in names:
        cells = [part.figures.get(name, Figure(None, 0)) for part in parts.values()]
        lines.append(f"{name:20}" + "".join(f"{shown(cell):>26}" for cell in cells))
    for name in ("p50", "p90", "max"):
        cells = [f"{part.latency[name]:.3f} s" if part.latency else "-" for part in parts.values()]
        lines.append(f"{'seconds, ' + name:20}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


def explained(row: Row, case: Case) -> str:
    """What was wrong with a case."""
    said = row.answer["text"] if row.answer else row.error
    before = "".join(f"{turn.question} / " for turn in case.history)
    return "\n  ".join([f"\n{row.id} {before}{case.question}", *row.reasons, f"got: {said}"])


def main() -> None:
    """Print the figures, and with --verbose every case of the dev half that is not perfect."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", choices=(*FOLDERS, ALL), default=SEEDS)
    parser.add_argument("--cases", type=Path, help="a file of cases instead of a collection")
    parser.add_argument("--folder", type=Path, help="the documents of --cases")
    parser.add_argument("--half", choices=(*HALVES, "both"), default="both")
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--rows", type=Path, help="keep the rows here, and go on from them")
    parser.add_argument("--tags", action="store_true", help="the accepted answers by tag, too")
    parser.add_argument("--verbose", action="store_true", help="show what went wrong in dev")
    arguments = parser.parse_args()
    if (arguments.cases is None) != (arguments.folder is None):
        parser.error("--cases and --folder belong together")
    if arguments.cases:
        evaluate(arguments.cases, arguments.folder, arguments)
        return
    names = FOLDERS if arguments.collection == ALL else (arguments.collection,)
    if len(names) > 1 and arguments.rows:
        parser.error("--rows is for one collection")
    for name in names:
        if len(names) > 1:
            print(f"\n{name}")
        evaluate(cases_of(name), FOLDERS[name], arguments)


def evaluate(file: Path, folder: Path, arguments: argparse.Namespace) -> None:
    """Ask the cases of a file about a folder of documents, and print what came of it."""
    cases = [case for case in load(file) if arguments.half in ("both", HALVES[case.half])]
    with tempfile.TemporaryDirectory() as index, Assistant.open(index) as assistant:
        assistant.sync(folder)
        started = time.perf_counter()
        running = run(
            cases,
            ask=assistant.ask,
            score=Scorer.of(assistant),
            threads=arguments.threads,
            rows=arguments.rows,
        )
        rows = in_order(running, cases)
        seconds = time.perf_counter() - started
    found = summary(rows)
    halves = {name: part for name, part in found.halves.items() if part.cases}
    print(table(halves | ({"both": found.overall} if len(halves) > 1 else {})))
    print(f"{len(rows)} cases, {found.overall.crashed} crashed, in {seconds:.1f} s")
    if arguments.tags:
        for tag, part in found.tags.items():
            print(f"{tag:20}{shown(part.figures['right']):>26}")
    if arguments.verbose:
        for row, case in zip(rows, cases, strict=True):
            if row.half == 0 and (row.reasons or row.error):
                print(explained(row, case))


if __name__ == "__main__":
    main()
