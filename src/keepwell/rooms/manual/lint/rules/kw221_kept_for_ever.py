"""KW221: backups with a date in their name pile up."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script

from .deleting import find_deletes, find_roots
from .saving import Saving, as_pattern, base, folder, is_archiver, is_dated, savings_in
from .saying import headings_over, short

_RECURS = re.compile(r"back[ -]?up|daily|nightly|weekly|monthly|mainten")
_RETENTION = re.compile(r"lifecycle|retention|prune|forget|expire|logrotate", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    rules = list(_deletions(manual))
    removed: dict[int, list[str]] = {}
    for use in manual.names.files:
        if use.how == "removed" and use.script is not None:
            removed.setdefault(use.script.line, []).append(use.path.rstrip("/*"))
    for script in manual.scripts:
        if not script.complete and not _RECURS.search(headings_over(manual, script.line)):
            continue
        kept = [
            one for one in savings_in(manual, script) if _is_kept(one) and not _removed(removed, one, script) and not _covered(one, rules)
        ]
        if kept:
            yield _finding(kept, rules)


def _is_kept(saving: Saving) -> bool:
    name = base(saving.target)
    is_file = saving.program != "cp" and (saving.program != "tar" or is_archiver(saving.command))
    return is_file and "/" in saving.target and "://" not in saving.target and is_dated(name, saving.script)


def _deletions(manual: Manual) -> Iterator[tuple[str, str]]:
    """Folder and name pattern of each deletion by find, and of rm with a glob."""
    for command in manual.commands:
        if find_deletes(command):
            given = command.option("-name", "-iname")
            yield from ((root.rstrip("/"), given.filled if given is not None else "*") for root in find_roots(command))
        elif command.name == "rm" or (command.name == "xargs" and any(word.filled == "rm" for word in command.words)):
            words = [word for one in command.pipeline for word in one.operands]
            yield from ((folder(word.filled), base(word.filled)) for word in words if "*" in word.filled)


def _removed(removed: dict[int, list[str]], saving: Saving, script: Script) -> bool:
    """Whether it, or the folder it is in, is removed again by the script, or a tool for retention is run on it."""
    if any(f"{saving.target}/".startswith(f"{path}/") for path in removed.get(script.line, ())):
        return True
    return bool(_RETENTION.search(script.text))


def _covered(saving: Saving, rules: list[tuple[str, str]]) -> bool:
    home, name = folder(saving.target), re.sub(r"\$\([^)]*\)|\$\{?\w+\}?", "0", base(saving.target))
    patterns = [as_pattern(pattern) for root, pattern in rules if home == root or home.startswith(f"{root}/")]
    return any(pattern.fullmatch(f"{name}{ending}") for pattern in patterns for ending in ("", ".gz", ".zst", ".xz"))


def _finding(kept: list[Saving], rules: list[tuple[str, str]]) -> Finding:
    first = kept[0]
    names = ", ".join(dict.fromkeys(short(base(saving.target), 70) for saving in kept[:3]))
    home = folder(first.target)
    near = next((pattern for root, pattern in rules if root == home or root.startswith(f"{home}/")), "")
    reason = f"the deletion of {short(near, 50)} does not match" if near else "nothing deletes"
    return Finding(
        first.command.line,
        f"{reason} {names}: a copy more with every run, until {short(home, 50)} is full and backups fail",
        column=first.command.column,
        width=len(first.program),
        fix="say how many are kept, and delete the others once the new one is good",
    )


RULE = Rule(
    id="KW221",
    name="kept-for-ever",
    title="Backups pile up until the disk is full",
    severity=Severity.NOTE,
    why="Every run adds a file with a new name. Where nothing deletes that name pattern the disk fills up, and then it is the newest "
    "backup that is "
    "missing or cut short. Source: find(1), -mtime and -delete; logrotate(8).",
    bad="""# Backup

```bash
tar -czf "/backup/shop-$(date +%F).tar.gz" /srv/shop
find /backup -name "db-*.sql" -mtime +30 -delete
```
""",
    good="""# Backup

```bash
tar -czf "/backup/shop-$(date +%F).tar.gz" /srv/shop && find /backup -name "shop-*.tar.gz" -mtime +30 -delete
```
""",
    check=_check,
    grouped=True,
)
