"""What lint demands of an import: which findings correct an item, and which refuse it. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keepwell.rooms.manual.lint.model import Finding
from keepwell.rooms.manual.reading.model import Kind

from .amend_texts import MENDS
from .model import Amendment, CheckDraft, Disposition, Draft, Fate, Found, View
from .runbooks import language

REFUSED = frozenset(
    (
        "KW108", "KW204", "KW206", "KW210", "KW211", "KW212", "KW214", "KW216", "KW219", "KW222", "KW229", "KW301", "KW302", "KW303",
        "KW305", "KW306", "KW307", "KW308", "KW309", "KW310", "KW317", "KW318", "KW319", "KW903", "KW907",
    )
)  # fmt: skip
"""What loses data, takes the service away or gives secrets away: it never runs as it is written."""
STRICT = frozenset(("KW101", "KW103", "KW106", "KW201", "KW203", "KW213", "KW215", "KW220", "KW224", "KW507"))
"""What is right when the script ends at its first failure."""
JUDGED = frozenset(
    (
        "KW102", "KW105", "KW110", "KW111", "KW112", "KW113", "KW115", "KW119", "KW120", "KW125", "KW209", "KW401", "KW402", "KW405",
        "KW409", "KW410", "KW412", "KW505", "KW713", "KW805",
    )
)  # fmt: skip
"""What is right when a check looks instead: it judges what the command only printed, with a time limit, and tells people."""
SCHEDULED = frozenset(("KW226",))
BACKUPS_EVERY = "daily"
"""How often a backup is made of which the manual says nothing."""
EVERYWHERE = {"KW601": "docker-compose"}
"""What lint says once a manual, and what it is then that is corrected wherever it stands."""
_DESTRUCTIVE_ELSEWHERE = frozenset(("KW709",))
"""Refused only where the command changes something: it would do so on another server."""
RULES: tuple[str, ...] = tuple(sorted(REFUSED | STRICT | JUDGED | SCHEDULED | _DESTRUCTIVE_ELSEWHERE | MENDS.keys()))
"""The rules that an import asks lint for."""
_RUNS = (Kind.COMMAND, Kind.ASSIGNMENT, Kind.CRON, Kind.STATEMENT)
_STRICT_BASH, _STRICT_SH = "set -euo pipefail", "set -eu"
_CHANGES = ("delete", "del", "flush", "drop", "remove", "restart", "truncate", "write", "update")


def amend(view: View, found: Found, findings: Sequence[Finding]) -> tuple[Found, tuple[Amendment, ...]]:
    """The item as it is carried in spite of what lint found in it: refused, corrected, or as it is."""
    if view.item.kind is Kind.COMMENT:
        return _scheduled(found, findings)
    if view.item.kind not in _RUNS or found.disposition is Disposition.HUMAN:
        return found, ()
    grave = [finding for finding in findings if _refuses(finding, found)]
    if grave:
        more = [finding for finding in findings if finding.rule in STRICT and finding not in grave]
        refusals = tuple(Amendment(finding.rule, view.item.text, "", _instead(finding)) for finding in (*grave, *more))
        return replace(found, disposition=Disposition.REFUSED, drafts=(), reason=refusals[0].reason), refusals
    amendments: list[Amendment] = []
    text = view.item.text
    for finding in findings:
        amendment = _correction(view, found, finding, text)
        if amendment is not None:
            amendments.append(amendment)
            text = amendment.after if amendment.where == "text" else text
    if not amendments:
        return found, ()
    waits = found.disposition is Disposition.MISSING
    disposition = Disposition.MISSING if waits else Disposition.CORRECTED
    drafts = tuple(_mended(draft, amendments, view) for draft in found.drafts)
    return replace(found, disposition=disposition, drafts=drafts, reason=found.reason or amendments[0].reason), tuple(amendments)


def _mended(draft: Draft, amendments: Sequence[Amendment], view: View) -> Draft:
    """The draft with what was wrong in the words of a command put right there too."""
    if not isinstance(draft, CheckDraft) or draft.kind != "command":
        return draft
    mends = [MENDS[part.rule] for part in amendments if part.where == "text" and part.rule in MENDS]

    def put_right(value: Any) -> Any:
        if isinstance(value, str):
            for mend in mends:
                value = mend(value, None) or value
            return value
        # What is two words now is two arguments.
        return [new for part in value for new in _arguments(put_right(part))] if isinstance(value, list | tuple) else value

    return replace(draft, settings={key: put_right(value) for key, value in draft.settings.items()})


def _arguments(text: Any) -> list[Any]:
    return text.split(" ") if text == "docker compose" else [text]


def _instead(finding: Finding) -> str:
    return finding.message + (f"; instead: {finding.fix}" if finding.fix else "")


def _scheduled(found: Found, findings: Sequence[Finding]) -> tuple[Found, tuple[Amendment, ...]]:
    """The comment that names a backup's script: where nothing schedules it, import does."""
    finding = next((finding for finding in findings if finding.rule in SCHEDULED), None)
    if finding is None:
        return found, ()
    reason = f"{finding.message}; the backup is given a daily schedule"
    return replace(found, disposition=Disposition.CORRECTED), (Amendment(finding.rule, "", f"every: {BACKUPS_EVERY}", reason, "elsewhere"),)


def _refuses(finding: Finding, found: Found) -> bool:
    if finding.rule in _DESTRUCTIVE_ELSEWHERE:
        return any(word in found.operation for word in _CHANGES)
    return finding.rule in REFUSED


def _correction(view: View, found: Found, finding: Finding, text: str) -> Amendment | None:
    if finding.rule in JUDGED and found.fate is Fate.CHECK and any(isinstance(draft, CheckDraft) for draft in found.drafts):
        kinds = ", ".join(dict.fromkeys(draft.kind for draft in found.drafts if isinstance(draft, CheckDraft)))
        return Amendment(finding.rule, text, f"a check of kind {kinds}, which judges what it sees", finding.message, "elsewhere")
    mend = MENDS.get(finding.rule)
    command = view.pipeline[0] if view.pipeline else None
    new = mend(text, command) if mend is not None else None
    if new is not None:
        return Amendment(finding.rule, text, new, finding.message)
    if finding.rule in STRICT and view.script is not None:
        strict = _STRICT_BASH if language(view.script) == "bash" else _STRICT_SH
        return Amendment(finding.rule, "", strict, finding.message, "head")
    return None
