"""Eval sets, baselines, and adapters for outside benchmarks; `python -m evals.NAME --help`."""

import hashlib


def half(key: str) -> int:
    """Which half a case is in, by the hash of its id: 0 for tuning, 1 for reporting."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2
