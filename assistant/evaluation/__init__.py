"""Cases, metrics and runs: whether the answers can be trusted, on any corpus.

    cases = load("cases.jsonl")
    with Assistant.open("indexes/default") as assistant:
        rows = in_order(run(cases, ask=assistant.ask, score=Scorer.of(assistant)), cases)
    print(summary(rows).overall.figures["faithfulness"])

The metrics are pure functions, by kind: `retrieval`, `answers`, `faithfulness`, `refusal`; what a
figure is worth, and whether two runs differ, is in `statistics`.
"""

from assistant.evaluation.cases import Case, load
from assistant.evaluation.running import Row, in_order, read_rows, run
from assistant.evaluation.scoring import Scored, Scorer
from assistant.evaluation.summary import Part, Summary, compared, summary

__all__ = [
    "Case",
    "Part",
    "Row",
    "Scored",
    "Scorer",
    "Summary",
    "compared",
    "in_order",
    "load",
    "read_rows",
    "run",
    "summary",
]
