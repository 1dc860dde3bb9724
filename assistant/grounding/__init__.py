"""Is this sentence supported by that text: a verdict, and the spans that support it."""

from assistant.grounding.evidence import Evidence
from assistant.grounding.judging import Judge, judge_by
from assistant.grounding.verdict import Label, Support, Verdict, check, ground

__all__ = ["Evidence", "Judge", "Label", "Support", "Verdict", "check", "ground", "judge_by"]
