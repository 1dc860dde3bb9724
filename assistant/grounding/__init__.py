"""Is this sentence supported by that text: a verdict, and the spans that support it."""

from assistant.grounding.evidence import Evidence
from assistant.grounding.verdict import Label, Support, Verdict, check, ground

__all__ = ["Evidence", "Label", "Support", "Verdict", "check", "ground"]
