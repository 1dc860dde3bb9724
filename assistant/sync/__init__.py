"""Sync: what has changed in a folder, as a plan; then the plan, applied to the index."""

from assistant.sync.applying import add, apply, remove
from assistant.sync.planning import Entry, Plan, plan
from assistant.sync.reports import Failed, Progress, Step, SyncReport

__all__ = [
    "Entry",
    "Failed",
    "Plan",
    "Progress",
    "Step",
    "SyncReport",
    "add",
    "apply",
    "plan",
    "remove",
]
