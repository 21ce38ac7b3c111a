"""KW711: a layout lists a file that nothing in the manual reads or writes, or leaves out one that a script writes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Fence, Manual

_ENTRY = re.compile(r"^(?P<indent>[\s│|]*)(?:├──|└──|\|--|`--|\+--)\s*(?P<name>[\w.*-]+/?)")
_ROOT = re.compile(r"^(?P<root>/[\w./-]+)/?\s*$")
_MOST = 200


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the listing: its depth is the width of what stands before its branch."""

    name: str
    line: int
    depth: int


def _check(manual: Manual) -> Iterator[Finding]:
    for fence in manual.fences:
        first = _ROOT.match(fence.lines[0][1]) if fence.script is None and fence.lines else None
        if first:
            yield from _of_listing(manual, fence, first["root"].rstrip("/"))


def _of_listing(manual: Manual, fence: Fence, root: str) -> Iterator[Finding]:
    entries = [_Entry(match["name"], line, len(match["indent"])) for line, text in fence.lines[:_MOST] if (match := _ENTRY.match(text))]
    outer = min((entry.depth for entry in entries), default=0)
    top = [entry for entry in entries if entry.depth == outer and not entry.name.startswith("...")]
    silent = [entry for entry in top if not _elsewhere(manual, fence, root, entry.name)]
    if len(silent) < len(top):  # a layout that the manual speaks of at all
        for entry in silent:
            yield Finding(
                entry.line,
                f"{entry.name} is listed here, and nothing in the manual {_missing(entry.name)}",
                fix="say what is done with it, or leave it out",
            )
    yield from _left_out(manual, root, {entry.name.rstrip("/") for entry in top})


def _missing(name: str) -> str:
    return "puts anything into it or reads it" if name.endswith("/") else "reads it"


def _elsewhere(manual: Manual, fence: Fence, root: str, name: str) -> bool:
    wanted = f"{root}/{name.rstrip('/')}" if name.endswith("/") else name
    return any(line < fence.line or line > fence.end_line for line in manual.mentions(wanted))


def _left_out(manual: Manual, root: str, listed: set[str]) -> Iterator[Finding]:
    """Logs that a script of the manual writes straight into the folder, and the listing does not have."""
    said: set[str] = set()
    for use in manual.names.files:
        folder, _, name = use.path.rpartition("/")
        new = folder == root and use.how in ("written", "appended") and name.endswith(".log") and "$" not in name
        if new and name not in listed and name not in said and listed:
            said.add(name)
            yield Finding(
                use.line,
                f"{name} is written here, and the layout of {root} does not list it",
                fix="add it to the layout, and say who reads it",
            )


RULE = Rule(
    id="KW711",
    name="listed-and-never-touched",
    title="A layout and what is done with its files do not agree",
    severity=Severity.NOTE,
    why="A log of all administrative actions is listed with pride, and no check, report or alert of the manual ever reads it; another "
    "one is written "
    "and listed nowhere, so nobody knows to look there. Source: NIST SP 800-92, 4.2 (log management: what is logged has to be analysed).",
    bad="""# Logs

```
/var/log/shop/
├── error.log   # errors
└── audit.log   # who did what
```

```bash
grep FATAL /var/log/shop/error.log
```
""",
    good="""# Logs

```
/var/log/shop/
├── error.log   # errors
└── audit.log   # who did what
```

```bash
grep FATAL /var/log/shop/error.log
grep sudo /var/log/shop/audit.log
```
""",
    check=_check,
)
