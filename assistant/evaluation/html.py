"""A report as a page: one file, that asks for nothing and shows everything."""

from assistant.evaluation.comparing import Compared
from assistant.evaluation.reports import Report
from assistant.evaluation.summary import Summary

FIRST_LINE = "<!doctype html><!-- assistant eval -->\n"


def page(
    report: Report,
    found: Summary,
    *,
    baseline: Report | None = None,
    compared: Compared | None = None,
) -> str:
    """The page."""
    return FIRST_LINE


def is_page(start: str) -> bool:
    """Whether a file that begins like this is such a page."""
    return start.startswith(FIRST_LINE)
