"""Scripts that a manual calls and does not contain, whose work a part of Keepwell does: by what their names say. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .model import Disposition, Found

_ROTATES = re.compile(r"rotat\w*[-_]?logs?|logs?[-_]?rotat\w*")
_WEEKLY = re.compile(r"(?:weekly|performance)[-_]?(?:\w+[-_])?reports?|reports?[-_]weekly")
_CAPACITY = re.compile(r"(?:monthly|capacity)[-_]?(?:\w+[-_])?(?:reports?|review|planning)|performance[-_]?(?:trend\w*|analy\w*)")


def work_of(script: str, sections: Mapping[str, Mapping[str, tuple[Mapping[str, Any], Any]]]) -> dict[str, str]:
    """The key of a task that does what such a script is for (``{"rotate": "shop"}``, ``{"report": "weekly"}``); nothing where none does."""
    stem = script.rpartition("/")[2].rpartition(".")[0].lower()
    if _ROTATES.fullmatch(stem):
        policies = [name for name, (value, _) in sections.get("logs", {}).items() if "rotate" in value]
        return {"rotate": policies[0]} if len(policies) == 1 else {}
    if _CAPACITY.fullmatch(stem):
        return {"report": "capacity"}
    return {"report": "weekly"} if _WEEKLY.fullmatch(stem) else {}


def taken_over(found: Found, script: str, work: Mapping[str, str]) -> Found:
    """An item whose script nobody supplied, and whose work Keepwell does."""
    ((key, name),) = work.items()
    what = f"the rotation of logs.{name}" if key == "rotate" else f"the report {name} of Keepwell"
    reason = f"{script.rpartition('/')[2]} is not in the manual: {what} takes its place"
    return replace(found, disposition=Disposition.CORRECTED, reason=reason, missing=())
