"""KW703: a variable is used that nothing in the manual sets or explains."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.kw124_call_that_cannot_work import swallowed
from keepwell.rooms.manual.reading.model import Kind, Manual
from keepwell.rooms.manual.reading.variables import NAME, given_by_the_system, set_in_scripts

_PLAIN = re.compile(r"(?<![$\w{])([A-Z][A-Z0-9_]{2,})\b")


def _check(manual: Manual) -> Iterator[Finding]:
    known = _set_somewhere(manual)
    said: set[str] = set()
    by_line: dict[int, list[str]] = {}
    for script in manual.scripts:
        for name, line in script.used_variables():
            fresh = NAME.fullmatch(name) and not given_by_the_system(name) and name not in known and name not in said
            if fresh and not re.search(rf"\$\{{{name}(:?[-?=+]|\[)", script.text):
                said.add(name)
                by_line.setdefault(line, []).append(name)
    if not by_line:
        return
    explained = _explained(manual)
    for line, names in sorted(by_line.items()):
        missing = [name for name in names if name not in explained]
        if missing:
            yield _finding(manual, line, missing)


def _finding(manual: Manual, line: int, missing: list[str]) -> Finding:
    *others, last = (f"${name}" for name in missing)
    listed = f"{', '.join(others)} and {last}" if others else last
    lost = next((name for name in missing if re.search(rf"\s{name}=", "\n".join(manual.lines[max(0, line - 6) : line]))), "")
    if lost:
        message = f"{listed} is empty: {lost}= stands behind a command as one of its arguments and sets nothing"
    else:
        any_of = listed.replace(" and ", " or ")
        message = (
            f"nothing in the manual sets {any_of}, or says where {'its value comes' if len(missing) == 1 else 'their values come'} from"
        )
    column = max(0, manual.line_text(line).find(f"${missing[0]}"), manual.line_text(line).find(f"${{{missing[0]}")) + 1
    return Finding(
        line,
        message,
        column=column,
        width=len(missing[0]) + 1,
        fix="say where it comes from, or use ${NAME:?} so that an unset one ends the command",
    )


def _set_somewhere(manual: Manual) -> frozenset[str]:
    """Names that some script sets, or means to set: KW124 names the cause then."""
    swallows = {name for script in manual.scripts for command in script.commands if (name := swallowed(command))}
    return set_in_scripts(manual) | swallows


def _explained(manual: Manual) -> frozenset[str]:
    """Names that a comment or the text outside of shell speaks of."""
    found: set[str] = set()
    for item in manual.of(Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.CHECKBOX, Kind.TABLE_ROW, Kind.HEADING, Kind.COMMENT):
        found.update(_PLAIN.findall(item.text.replace("$", "").replace("{", " ")))
    for fence in manual.fences:
        if fence.script is None:
            found.update(_PLAIN.findall(fence.content))
    return frozenset(found)


RULE = Rule(
    id="KW703",
    name="variable-from-nowhere",
    title="A variable is used that nothing sets or explains",
    severity=Severity.NOTE,
    why="An unset variable is empty, and the command runs all the same with a word less: it lists all buckets instead of one, asks "
    "localhost, or deletes "
    "from /. Nobody who reads the manual knows where its value comes from. Source: POSIX.1-2024, Shell Command Language, 2.6.2 "
    "(parameter expansion).",
    bad="""# Storage

```bash
aws s3 ls "s3://$BUCKET/$PREFIX"
```
""",
    good="""# Storage

`BUCKET` is the bucket of recordings, see /etc/shop/env.

```bash
aws s3 ls "s3://${BUCKET:?}/${PREFIX:-recordings}"
```
""",
    check=_check,
    grouped=True,
)
