"""Pure: import-report.json gives what the last import could not carry. Only what the plan shows is read, and any bytes are taken."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .model import Report, Wanted

FILE = "import-report.json"


def read_report(data: bytes) -> Report:
    """The report of the last import; where it is none, its ``fault`` says so."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        reason = "its values stand too deep inside each other" if isinstance(error, RecursionError) else "it is not JSON in UTF-8"
        return Report(fault=f"{FILE} cannot be read: {reason}")
    if not isinstance(value, dict):
        return Report(fault=f"{FILE} is not the report of an import")
    return Report(_dispositions(value), tuple(_missing(value.get("missing"))))


def _dispositions(value: Mapping[str, Any]) -> Mapping[str, int]:
    """The counts of the summary, or counted from the items where it has none."""
    summary = value.get("summary")
    counts = summary.get("dispositions") if isinstance(summary, dict) else None
    if isinstance(counts, dict):
        return {name: count for name, count in counts.items() if type(count) is int}
    items = value.get("items")
    named = (item.get("disposition") for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))
    return dict(Counter(name for name in named if isinstance(name, str)))


def _missing(value: Any) -> Iterator[Wanted]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            lines = entry.get("lines")
            yield Wanted(
                name=entry["name"],
                wanting=_text(entry, "wanting"),
                written=_text(entry, "written"),
                asks=_text(entry, "asks"),
                lines=tuple(line for line in lines if type(line) is int) if isinstance(lines, list) else (),
            )


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
