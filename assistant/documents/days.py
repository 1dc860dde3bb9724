"""Dates as metadata writes them."""

import datetime
import re
from email.utils import parsedate_to_datetime

_NUMERIC = re.compile(r"\s*(?:D:)?(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?!\d{1,3}$)")


def day_of(value: object) -> datetime.date | None:
    """Read the day from a date, an ISO or PDF date string or an e-mail date; else None."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if not isinstance(value, str) or len(value) > 100:
        return None
    match = _NUMERIC.match(value)
    try:
        if match:
            return datetime.date(int(match[1]), int(match[2]), int(match[3]))
        return parsedate_to_datetime(value).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
