"""Eval sets, baselines, and adapters for outside benchmarks; `python -m evals.NAME --help`."""
