"""Eval sets, baselines, and adapters for outside benchmarks; `python -m evals.NAME --help`."""

from assistant.evaluation.cases import half as half
