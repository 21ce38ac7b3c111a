"""KW801: an item of a checklist has no procedure anywhere in the manual."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

from .tasks import Anchor, Places, bare, below_cadence, cadence_of, objects, places_of, verb_of, words_of

_BY_NATURE = re.compile(r"\bdocument(ation|s)?\b|\brunbooks?\b|\bmeeting\b|\bcontact|\btraining\b|\bread\b", re.IGNORECASE)
_SAYS_HOW = re.compile(r"`|\]\(|://|:\s*$")
_STATES = re.compile(
    r"\b(is|are|was|were|has|have|says|shows|within|been|no|all|completed|done|taken|working|running|available|healthy)\b|_{3,}", re.I
)
"""What says how things have to be rather than what to do."""
_TRIES = frozenset(("test", "tests", "testing", "drill", "rehearse", "exercise"))
_VERIFIES = frozenset(("verify", "verification", "validate", "validation"))
_PACKAGES = re.compile(r"\b(update|upgrade|install|patch|apply)\b.*\b(packages?|system updates?|os updates?)\b", re.IGNORECASE)
_INSTALLS = frozenset(("upgrade", "full-upgrade", "dist-upgrade", "update", "install", "dup"))


def _check(manual: Manual) -> Iterator[Finding]:
    boxes = manual.of(Kind.CHECKBOX)
    if not boxes:
        return
    places = places_of(manual)
    if not places.anchors:
        return
    for item in boxes:
        text = bare(item.text)
        if (
            not below_cadence(manual, item.line)
            or len(text) > 100
            or _SAYS_HOW.search(manual.line_text(item.line))
            or _BY_NATURE.search(text)
            or (not verb_of(text) and _STATES.search(text))
        ):
            continue
        message = _missing(manual, item, text, places)
        if message:
            yield Finding(item.line, message[:290], fix="show the commands, or name the section or script that does it")


def _missing(manual: Manual, item: Item, text: str, places: Places) -> str:
    """What is missing, as a sentence; empty where the item is answered."""
    wanted = objects(text)
    spoken = [word.lower() for word in words_of(text)]
    verifies = next((word for word in spoken[1:] if word in _VERIFIES), "")
    if not wanted:
        return ""
    if verifies and re.search(rf"\b(and|&|\+)\s+{verifies}", text, re.IGNORECASE):
        object_of = wanted - {"verif"}
        done = places.covering(object_of, cadence=cadence_of(manual, item.line)) or places.covering(object_of)
        if done is not None:
            return "" if _proves(manual, done, places) else f'"{text}": line {done.line} does it, and nothing there verifies it'
    tries = "test" if any(word in _TRIES for word in spoken) else ""
    if places.covering(wanted - {tries}, tries) is None:
        return f'nothing in the manual says how to do "{text}"'
    return _elsewhere(manual, item, text)


def _proves(manual: Manual, done: Anchor, places: Places) -> bool:
    """Whether something in the same fence or section speaks of verification."""
    section = manual.section_of(done.line)
    return any(
        "verif" in place.stems and section.line <= place.line <= section.end_line and len(place.stems & done.stems)
        for place in places.anchors
    )


def _elsewhere(manual: Manual, item: Item, text: str) -> str:
    """Packages that are to be installed at one interval while the only commands that install any stand under another."""
    cadence = cadence_of(manual, item.line)
    if not cadence or not _PACKAGES.search(text):
        return ""
    lines = [
        command.line
        for command in manual.commands
        if command.name in ("apt", "apt-get", "yum", "dnf", "zypper", "unattended-upgrade")
        and (command.subcommand in _INSTALLS - ({"update"} if command.name.startswith("apt") else set()))
    ]
    if lines and any(cadence_of(manual, line) == cadence or cadence in manual.words_near(line, 6) for line in lines):
        return ""
    where = (
        f"the only command that installs any stands in line {lines[0]}, not under {cadence} work" if lines else "no command installs any"
    )
    return f'"{text}": {where}'


RULE = Rule(
    id="KW801",
    name="checklist-item-without-a-procedure",
    title="A checklist item has no procedure",
    severity=Severity.NOTE,
    why="An item that nobody can do is ticked all the same, above all those that matter most and come up least: trial restores, "
    "disaster recovery, proof "
    "that last night's backup was made. Each item needs commands, or the name of the section that has them. Source: NIST SP 800-34 "
    "Rev. 1, 3.5 (testing, "
    "training and exercises).",
    bad="""# Service

## Daily backup

```bash
# Back up the database
pg_dump shop > shop.sql
```

## Monthly checklist

- [ ] Back up the database
- [ ] Test disaster recovery
""",
    good="""# Service

## Daily backup

```bash
# Back up the database
pg_dump shop > shop.sql
```

## Monthly checklist

- [ ] Back up the database
""",
    check=_check,
    grouped=True,
)
