"""KW801: an item of a checklist has no procedure anywhere in the manual."""

import re
from collections.abc import Iterator, Sequence

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

from .tasks import Anchor, anchors, bare, cadence_of, covered, objects, words_of

_BY_NATURE = re.compile(r"\bdocument(ation|s)?\b|\brunbooks?\b|\bmeeting\b|\bcontact|\btraining\b|\bread\b", re.IGNORECASE)
_TRIES = frozenset(("test", "tests", "testing", "drill", "rehearse", "exercise"))
_VERIFIES = frozenset(("verify", "verification", "validate", "validation"))
_PACKAGES = re.compile(r"\b(update|upgrade|install|patch|apply)\b.*\b(packages?|system updates?|os updates?)\b", re.IGNORECASE)
_INSTALLS = frozenset(("upgrade", "full-upgrade", "dist-upgrade", "update", "install", "dup"))


def _check(manual: Manual) -> Iterator[Finding]:
    boxes = manual.of(Kind.CHECKBOX)
    if not boxes:
        return
    places = anchors(manual)
    if not places:
        return
    for item in boxes:
        text = bare(item.text)
        if _BY_NATURE.search(text):
            continue
        message = _missing(manual, item, text, places)
        if message:
            yield Finding(item.line, message[:290], fix="show the commands, or name the section or script that does it")


def _missing(manual: Manual, item: Item, text: str, places: Sequence[Anchor]) -> str:
    """What is missing, as a sentence; empty where the item is answered."""
    wanted = objects(text)
    spoken = [word.lower() for word in words_of(text)]
    verifies = next((word for word in spoken[1:] if word in _VERIFIES), "")
    if not wanted:
        return ""
    if verifies and re.search(rf"\b(and|&|\+)\s+{verifies}", text, re.IGNORECASE):
        done = covered(wanted - {"verif"}, _of_cadence(manual, item, places))
        if done is not None:
            return "" if _proves(manual, done, places) else f'"{text}": line {done.line} does it, and nothing there verifies it'
    tries = "test" if any(word in _TRIES for word in spoken) else ""
    if covered(wanted - {tries}, places, tries) is None:
        return f'nothing in the manual says how to do "{text}"'
    return _elsewhere(manual, item, text)


def _of_cadence(manual: Manual, item: Item, places: Sequence[Anchor]) -> list[Anchor]:
    """The places below headings of the item's own cadence; all of them where there is none."""
    cadence = cadence_of(manual, item.line)
    return [place for place in places if cadence and cadence_of(manual, place.line) == cadence] or list(places)


def _proves(manual: Manual, done: Anchor, places: Sequence[Anchor]) -> bool:
    """Whether something in the same fence or section speaks of verification."""
    section = manual.section_of(done.line)
    return any(
        "verif" in place.stems and section.line <= place.line <= section.end_line and len(place.stems & done.stems) for place in places
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
