"""A figure with a warning and a critical limit in one row of a manual is one rule with two limits: the worse inhibits the other. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from keepwell.kernel.comparisons import parse_comparison

from .model import LimitDraft

_WHEN = re.compile(r"(?P<figure>[^<>]+?) (?P<limit>[<>]=? ?\S+)(?: (?!for )(?P<of>.+?))?(?: for (?P<over>\S+))?")
_SEVERITIES = ("warning", "critical")


def joined(rule: Mapping[str, Any], draft: LimitDraft) -> dict[str, Any] | None:
    """The rule with both limits, from a rule with one of them and a draft with the other; None where they are not of one figure, or
    where the critical limit is not the worse."""
    first, second = (_WHEN.fullmatch(str(words)) for words in (rule.get("when", ""), draft.words))
    severities = (rule.get("severity"), draft.severity)
    if first is None or second is None or sorted(map(str, severities)) != sorted(_SEVERITIES):
        return None
    if any(first[part] != second[part] for part in ("figure", "of", "over")):
        return None
    limits = dict(zip(severities, (first["limit"], second["limit"]), strict=True))
    if not _is_worse(limits["critical"], limits["warning"]):
        return None
    figure = " ".join(filter(None, (first["figure"], first["of"])))
    held = {"for": first["over"]} if first["over"] else {}
    kept = {key: value for key, value in rule.items() if key in ("alert", "annotations")}
    return {"alert": kept.pop("alert"), "kpi": figure, "warning": limits["warning"], "critical": limits["critical"], **held, **kept}


def _is_worse(critical: str, warning: str) -> bool:
    try:
        worse, bad = parse_comparison(critical), parse_comparison(warning)
    except ValueError:
        return False
    return bad.covers(worse) and not worse.covers(bad)
