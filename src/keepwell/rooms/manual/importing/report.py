"""The report of an import: what became of every item, as plain values for JSON and for people. Pure."""

from collections import Counter
from typing import Any

from keepwell.rooms.manual.lint.redact import without_secrets

from .model import Disposition, Outcome, Wanting
from .result import Imported

_LONGEST = 400
_LOOKED_AT = 4_000
"""Characters of an item in which secrets are looked for before it is cut to the longest."""


def report(imported: Imported) -> dict[str, Any]:
    """The report as import-report.json holds it. The counts add up to the number of items."""
    items = imported.outcomes
    return {
        "manual": imported.name.rpartition("/")[2],
        "service": imported.service,
        "summary": {
            **imported.counts,
            "items": len(items),
            "fates": dict(Counter(outcome.found.fate.value for outcome in items)),
            "dispositions": dict(Counter(outcome.found.disposition.value for outcome in items)),
        },
        "items": [_item(outcome) for outcome in items],
        "missing": [
            {
                "name": part.missing.name,
                "wanting": part.missing.wanting.value,
                "written": without_secrets(part.missing.written),
                "asks": without_secrets(part.missing.asks),
                "form": part.missing.form,
                "lines": list(part.lines),
            }
            for part in imported.missing
        ],
        "remarks": [{"line": line, "sentence": sentence} for line, sentence in imported.manual.remarks],
        "conflicts": [{"line": part.line, "other": part.other, "sentence": part.sentence} for part in imported.conflicts],
    }


def _item(outcome: Outcome) -> dict[str, Any]:
    item, found = outcome.item, outcome.found
    return {
        "line": item.line,
        "end_line": item.end_line,
        "kind": item.kind.value,
        "text": _shown(item.text),
        "fate": found.fate.value,
        "disposition": found.disposition.value,
        "capabilities": list(found.capabilities),
        "place": outcome.place,
        "operation": found.operation,
        "reason": found.reason,
        "amendments": [
            {"rule": part.rule, "before": without_secrets(part.before), "after": without_secrets(part.after), "reason": part.reason}
            for part in outcome.amendments
        ],
        "missing": [missing.name for missing in found.missing],
    }


def _shown(text: str) -> str:
    shown = without_secrets(text[:_LOOKED_AT])
    return shown if len(shown) <= _LONGEST and len(text) <= _LOOKED_AT else shown[:_LONGEST] + "…"


def summary_line(imported: Imported) -> str:
    """``42 checks, 9 rules, 6 tasks; 4 corrected, 3 refused, 5 scripts missing, 6 values to fill``."""
    fates = Counter(outcome.found.disposition for outcome in imported.outcomes)
    wants = Counter(part.missing.wanting for part in imported.missing)
    made = [_count(imported.counts[word], word) for word in ("checks", "rules", "tasks", "runbooks")]
    left = [f"{fates[Disposition.CORRECTED]} corrected", f"{fates[Disposition.REFUSED]} refused"]
    left += [f"{_count(wants[Wanting.SCRIPT] + wants[Wanting.FILE], 'scripts')} missing"]
    left += [f"{_count(wants[Wanting.VALUE] + wants[Wanting.SECRET], 'values')} to fill"]
    return f"{', '.join(made)}; {', '.join(left)}"


def _count(number: int, word: str) -> str:
    return f"{number} {word.removesuffix('s') if number == 1 else word}"
