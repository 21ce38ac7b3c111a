"""Limits in words as drafts: which figure of a check can bear them, and how bad it is when they are crossed. Pure."""

import re

from .limits_in_words import Limit
from .model import LimitDraft

_FITS = {
    "response time": re.compile(r"\d(?:ms|s|m)$"),
    "memory": re.compile(r"\d(?:%|[KMGT]i?B)$"),
    "cpu": re.compile(r"%$"),
    "disk": re.compile(r"%$"),
}
"""What limits of the figures that checks measure look like; all of them are crossed upwards."""


def limit_draft(limit: Limit, severity: str, action: str = "") -> LimitDraft:
    """The draft. What is critical fails, what is only worth knowing neither warns nor fails: it stays a rule."""
    fails, informs = severity == "critical", severity in ("info", "low")
    return LimitDraft(
        _metric(limit),
        warn="" if fails or informs else limit.comparison,
        fail=limit.comparison if fails else "",
        over=limit.over,
        severity=severity,
        action=action,
        words=limit.words,
    )


def _metric(limit: Limit) -> str:
    """The figure's name; a name of its own where the limit is not such as a check of that figure has."""
    fits = _FITS.get(limit.metric)
    if fits is None or (limit.comparison.startswith(">") and fits.search(limit.comparison)):
        return limit.metric
    return f"low {limit.about}" if limit.comparison.startswith("<") else f"{limit.about} limit"
