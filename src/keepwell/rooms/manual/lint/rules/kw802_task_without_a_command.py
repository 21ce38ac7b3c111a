"""KW802: a task of daily, weekly or emergency work has no command."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

from .tasks import bare, below_cadence, is_work, list_items, objects, places_of, titles, verb_of, with_commands

_DOABLE = frozenset(
    [
        "analyze",
        "analyse",
        "archive",
        "audit",
        "backup",
        "check",
        "clean",
        "clear",
        "collect",
        "compare",
        "configure",
        "delete",
        "deploy",
        "ensure",
        "examine",
        "export",
        "inspect",
        "install",
        "isolate",
        "measure",
        "migrate",
        "monitor",
        "patch",
        "provision",
        "purge",
        "rebuild",
        "remove",
        "renew",
        "reset",
        "restart",
        "restore",
        "review",
        "rotate",
        "run",
        "scan",
        "send",
        "start",
        "stop",
        "sync",
        "test",
        "track",
        "trigger",
        "update",
        "upgrade",
        "validate",
        "verify",
        "evaluate",
        "back",
        "confirm",
    ]
)
"""Verbs of which one can say how, with what and against what; not plan, assess, determine, document."""
_BY_NATURE = re.compile(
    r"\b(document\w*|runbooks?|diagrams?|guides?|procedures? "
    r"based|architectur\w*|ADRs?|decisions?|contacts?|stakeholders?|teams?|roadmap|cost optim\w*|"
    r"meeting|training|escalation|changelog|opportunities|trends|thresholds|scalability)\b",
    re.I,
)
_SAYS_HOW = re.compile(r"`|\]\(|\]\[|://|\b(see|using|with|via|run)\s+[\w./-]*[./]|(?:^|\s)/\w+/|[<>≥≤]\s*\d|\(>?\d|^[\w ]+:\s*\d")
VAGUE = re.compile(
    r"\b(high|slow|unusual|excessive|long-running|abnormal|anomal\w+|unexpected|suspicious|strange|irregular|too "
    r"(?:many|long|high|slow)|patterns?)\b",
    re.I,
)
"""Words that leave it to the reader when something is too much: KW804 speaks of them where they are no tasks."""


def _check(manual: Manual) -> Iterator[Finding]:
    commanded = with_commands(manual)
    items = [
        item for item in list_items(manual, Kind.LIST_ITEM) if manual.section_of(item.line).line not in commanded and _may_be(manual, item)
    ]
    if not items:
        return
    places = places_of(manual)
    for item in items:
        text = bare(item.text).replace("\n", " ")
        wanted = objects(text)
        head = objects(text.partition(":")[0])
        if places.covering(wanted) is None and places.covering(head) is None and not _is_vague(text, verb_of(text)):
            yield Finding(
                item.line, _message(text)[:290], fix="give the command or the query, or name the place to look and what is normal there"
            )


def _may_be(manual: Manual, item: Item) -> bool:
    text = bare(item.text)
    verb = verb_of(text)
    if (
        not text
        or len(text) > 160
        or _BY_NATURE.search(text)
        or _SAYS_HOW.search(manual.line_text(item.line))
        or not is_work(manual, item.line)
    ):
        return False
    if verb:
        return verb in _DOABLE
    return below_cadence(manual, item.line) and not VAGUE.search(text) and _is_a_look(manual, item)


def _is_a_look(manual: Manual, item: Item) -> bool:
    """Whether a thing that is only named stands below a sentence or heading that says to look at it."""
    section = manual.section_of(item.line)
    ends = next(
        (
            line
            for line in range(item.line - 1, max(0, section.line - 30), -1)
            if re.search(r"\b(review|perform|check|priorities)\b.*:\s*$", manual.line_text(line), re.I)
        ),
        0,
    )
    return bool(ends) or bool(re.search(r"\b(review|log review|checks?)\b", " ".join(titles(manual, item.line)), re.I))


def _is_vague(text: str, verb: str) -> bool:
    """Whether a verb has nothing but a vague word for its object: "monitor for anomalies"."""
    return bool(verb) and not objects(VAGUE.sub("", text))


def _message(text: str) -> str:
    return (
        f'"{text}": no command, and no place to look is given'
        if verb_of(text)
        else f'"{text}" is to be looked at: where, and against what, is not said'
    )


RULE = Rule(
    id="KW802",
    name="task-without-a-command",
    title="A task has no command",
    severity=Severity.NOTE,
    why="A task that says what and not how is done differently by everybody who does it, or only by the one who wrote it. It needs the "
    "command, the query or the "
    "page to look at, and what is normal there. Source: Google, Site Reliability Workbook, On-Call (playbooks) and Eliminating Toil.",
    bad="""# Service

## Daily checks

### Errors

- Check failed call percentages
- Verify state persistence
""",
    good="""# Service

## Daily checks

### Errors

- Check failed calls with `journalctl -u calls --since today | grep -c FAILED`: fewer than 10

## Best practices

- Test changes first
""",
    check=_check,
    grouped=True,
)
