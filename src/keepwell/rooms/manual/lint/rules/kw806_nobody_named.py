"""KW806: somebody is to be told, and the manual names nobody."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Kind, Manual

from .kw714_says_it_and_does_not import announced
from .tasks import bare, titles, verb_of

_TELLS = re.compile(
    r"\b(?:notif(?:y|ying)|alert(?:ing)?(?! "
    r"?manager)|contact(?:ing)?|escalat(?:e|ing)|inform(?:ing)?|page|call)\b[^.;:\n]{0,30}\b(?:team|teams|engineers?|on-call|stakeholders?|"
    r"users|customers|management|manager|admins?|administrators?|owners?|dba|security officer)\b|\bnotify stakeholders\b|"
    r"\b(?:update|review|refresh|validate|verify)\b[^.;\n]{0,20}\b(?:contact (?:information|details|list)|escalation "
    r"(?:procedures?|paths?|chain|contacts?))|"
    r"\bcontact (?:information|details)\b[^.\n]{0,20}$",
    re.IGNORECASE,
)
_DEMANDS = re.compile(r"\b(?:critical|p[01]|urgent|sev-?1)\b.*\((?:[^)]*\b(?:response|within|immediate)[^)]*)\)", re.IGNORECASE)
_REACHES = re.compile(
    r"[\w.+-]+@(?!(?:example\.|company\.|yourdomain|domain\.|your-))[\w-]+\.\w{2,}|(?<![\w.])\+\d[\d "
    r"()-]{7,}\d|\bpagerduty\b|\bopsgenie\b|(?<![\w/&#(\[])#[a-z][a-z0-9]*-[a-z0-9-]*\b|"
    r"\bslack channel\b|\bon-call (?:rota|rotation|schedule)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\?\s*$")
_NOT = re.compile(r"\b(best practices?|principles|template|overview|contents|example|post-incident)\b", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    if _somebody(manual):
        return
    for item in manual.of(Kind.LIST_ITEM, Kind.CHECKBOX, Kind.COMMENT, Kind.HEADING):
        if item.kind is Kind.HEADING:
            demands = _DEMANDS.search(item.text)
            if demands:
                yield Finding(
                    item.line,
                    f'"{bare(item.text)[:100]}" demands that somebody reacts, and the manual names nobody',
                    fix="name who, and how to reach them",
                )
        elif item.kind is Kind.COMMENT and (re.search(r"[|\"$]", item.text) or verb_of(item.text) in ("validate", "verify", "test")):
            continue
        elif _TELLS.search(item.text[:300]) and not _QUESTION.search(item.text) and not _NOT.search(" / ".join(titles(manual, item.line))):
            yield _finding(item.line, bare(item.text))
    told = {finding.line for script in manual.scripts for finding in announced(script)}  # KW714 has said that nobody is called
    for command in manual.commands:
        said = " ".join(word.filled for word in command.arguments) if command.name in ("echo", "printf") and not command.depth else ""
        if said and command.line not in told and command.output.how == "shown" and _TELLS.search(said):
            yield _finding(command.line, bare(said.replace("\\n", " ")))


def _somebody(manual: Manual) -> bool:
    """Whether an address, a number, a channel or a table of contacts stands in the manual."""
    if any(table.column("contact", "phone", "e-mail", "email", "on-call", "pager") is not None for table in manual.tables):
        return True
    return any(_REACHES.search(line) for line in manual.lines)


def _finding(line: int, text: str) -> Finding:
    return Finding(
        line,
        f'"{text[:120]}": the manual names no one, no address and no channel'.replace("\n", " "),
        fix="name who, and how to reach them at night",
    )


RULE = Rule(
    id="KW806",
    name="nobody-named",
    title="Somebody is to be told, and nobody is named",
    severity=Severity.NOTE,
    why="At three in the morning the person with the manual has to find out who the security team is. Names, numbers or a channel, and "
    "who comes next "
    "if nobody answers, belong into the manual or behind a link in it. Source: NIST SP 800-61 Rev. 2, 3.1.1 (contact information, "
    "on-call information).",
    bad="# Incident\n\n1. Restart\n2. Notify the security team\n",
    good="# Incident\n\n1. Restart\n2. Notify the security team: security@shop.io, +49 30 1234567\n",
    check=_check,
    grouped=True,
)
