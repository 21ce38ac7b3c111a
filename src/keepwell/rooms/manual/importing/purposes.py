"""What the procedure around a command is for: by the comment above it and the titles of its sections, the nearest first. Pure."""

import re
from functools import lru_cache

from .model import View
from .script_index import index_of
from .topics import capabilities_of

_RESTORES = r"\b(?:restor\w*|recover\w*)\b"
_PROCEDURES = tuple(
    (capability, re.compile(pattern))
    for capability, pattern in (
        ("rollback", r"\broll(?:ing)? ?back|\bprevious version|\bbackup (?:executable|binary)\b"),
        ("runbook", r"\b(?:service|quick|log corruption) (?:recovery|fix\w*|repair)|\battempt to\b"),
        ("restore.config", rf"{_RESTORES}.*\bconfig|\bconfig\w* {_RESTORES}"),
        ("restore.database", rf"{_RESTORES}.*\b(?:database|postgres\w*|mysql)\b|\bdatabase {_RESTORES}|\bdata corruption\b"),
        ("restore.files", rf"{_RESTORES}.*\b(?:application|files?|objects?|volumes?)\b"),
        ("restore.system", rf"{_RESTORES}.*\b(?:system|service|backup)\b|\b(?:system|full)\b.*{_RESTORES}"),
        ("failover", r"\bfail(?:ing)?[ -]?over|\bsite failure|\bactivate disaster"),
        ("incident.evidence", r"\bcollect\w* (?:diagnostic|evidence|log)|\bevidence\b|\bforensic"),
        ("incident.review", r"\broot cause|\bpost-?(?:mortem|incident)"),
        ("deploy", r"\bdeploy(?! ?\w*:? ?status)|\brelease\b"),
        ("change", r"\bchange (?:request|review|manag|track|implement|control)|\bcode review|\bpull request|\bversion control|\bcommit\b"),
        ("docs", r"\bdocument|\bchangelog|\breadme"),
        ("loadtest", r"\bload test|\bstress test|\bk6\b"),
        ("env.audit", r"\benvironment variables?\b"),
        ("security.permissions", r"\bpermissions?\b|\bownership\b|\bworld[- ]writable"),
        ("security.accounts", r"\b(?:user|system|service)s? (?:access|manag\w+|accounts?|audit)|\bsudo\b|\b(?:add|remove)\w* .*\busers?\b"),
        ("security.secrets", r"\b(?:set|change|reset) passwords?\b"),
        ("security.auth", r"\bfailed (?:auth|login)|\bunauthori[sz]ed|\blogin attempt"),
        ("security.vulnerabilities", r"\bvulnerabilit|\bsecurity (?:scan|issues)"),
        ("security.network", r"\bfirewall|\bblock\w* .*\bips?\b|\bisolate\b"),
        ("security.updates", r"\b(?:security|system) (?:updates?|packages|patches)"),
        ("backup.verify", r"\b(?:verif\w*|test|check)\b.*\bbackups?\b|\bbackups? (?:verification|integrity|validation)"),
        ("backup.database", r"\bdatabase backup|\bback(?:ing)? ?up .*\bdatabase"),
        ("backup.incremental", r"\bincremental\b"),
        ("backup.files", r"\bback(?:ing)?[ -]?ups?\b"),
        ("tuning", r"\btun(?:e|ing)\b|\boptimi[sz]"),
        ("capacity", r"\bcapacity\b|\bstorage usage|\btrends?\b"),
        ("report", r"\breports?\b|\bperformance review"),
        ("cleanup", r"\bclean ?up|\bclear\b|\btemporary\b|\bremove old|\bprun"),
        ("diagnostics", r"\bdiagnos|\btroubleshoot|\binvestigat|\bidentify|\bhigh (?:memory|cpu|load|error)"),
        ("diagnostics", r"\bperformance (?:analysis|degradation)|\b(?:space|connection|connectivity|common|performance) issues?\b"),
        ("diagnostics", r"\bincident response|\bimmediate assessment|\bsystem down"),
        ("update", r"\bupdat\w+|\bupgrad\w+|\bmigrat\w+"),
        ("runbook", r"\brestart|\bmitigation|\bemergenc|\bincident\b|\brecovery procedures?"),
    )
)  # fmt: skip
_LONGEST = 400
_LONGEST_GROUP = 40
"""Lines below a comment for which it can still speak."""
_OF_PROSE = frozenset(("checklist", "incident.policy", "contacts", "objective"))
"""What a heading says of the text below it, which says nothing of a command."""


def purposes(view: View) -> tuple[str, ...]:
    """Words for what the procedure is for, that of the comment before those of the titles, from the innermost outwards; never none."""
    return tuple(dict.fromkeys((*_told(view), "runbook")))


def _told(view: View) -> tuple[str, ...]:
    comment, titles = comment_of(view), _titles(view)
    found = [capability for text in (comment, *reversed(titles)) if (capability := purpose_in(text))]
    told = (capability for capability in capabilities_of(comment, " > ".join(titles)) if capability not in _OF_PROSE)
    return tuple(dict.fromkeys((*found, *told)))


def comment_of(view: View) -> str:
    """The comment above an item, or above the group of lines in which it stands (groups are parted by empty lines)."""
    if view.comment or view.script is None:
        return view.comment
    line, comment = index_of(view.script).comment_before(view.item.line)
    if not line or view.item.line - line > _LONGEST_GROUP:
        return ""
    return comment if all(text.strip() for text in view.manual.lines[line : view.item.line - 1]) else ""


def _titles(view: View) -> tuple[str, ...]:
    """The titles of its sections without the document's own: that one speaks of everything."""
    section = view.item.section
    return section[1:] if len(section) > 1 and section[0] == view.manual.title else section


@lru_cache(maxsize=4096)
def purpose_in(text: str) -> str:
    """What one text says that a procedure is for; empty where it does not."""
    small = text.lower()[:_LONGEST]
    return next((capability for capability, pattern in _PROCEDURES if small and pattern.search(small)), "")


def with_purpose(view: View, *own: str) -> tuple[str, ...]:
    """The command's own words for what it is about, then those of its procedure; at most two."""
    return tuple(dict.fromkeys((*own, *purposes(view))))[:2]


def within(view: View, *families: str) -> str:
    """The first purpose of one of these families or words (``restore``, ``security.secrets``); empty where it is for something else."""
    return next((purpose for purpose in _told(view) if purpose in families or purpose.partition(".")[0] in families), "")


def is_trouble(view: View) -> bool:
    """Whether it stands in a procedure for when something is wrong: what looks there looks to understand."""
    return any(
        purpose in ("diagnostics", "runbook", "incident.evidence", "incident.review", "restore.system", "rollback")
        for purpose in (purpose_in(text) for text in (comment_of(view), *_titles(view)))
    )
