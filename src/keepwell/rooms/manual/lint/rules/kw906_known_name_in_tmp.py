"""KW906: a script works with a fixed name in /tmp."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import FileUse
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import short
from .secret_words import DUMPS

_FIXED = re.compile(r"/(?:var/)?tmp/[\w./-]+")


def _check(manual: Manual) -> Iterator[Finding]:
    uses: dict[tuple[int, str], list[FileUse]] = {}
    for use in manual.names.files:
        if use.script and use.script.complete and _FIXED.fullmatch(use.path):
            uses.setdefault((id(use.script), use.path.rstrip("/")), []).append(use)
    for (_, path), here in uses.items():
        first = next((use for use in here if use.how in ("written", "made")), None)
        if first is None:
            continue
        if first.how == "made":
            yield from _folder(first, path)
        elif len(here) > 1 and not (first.command and first.command.name in DUMPS):  # KW904 speaks there
            yield Finding(
                first.line,
                f"{short(path)} has the same name in every run: two runs at once overwrite each other's, and another account can put "
                "its own there",
                fix="file=$(mktemp); trap 'rm -f \"$file\"' EXIT",
            )


def _folder(made: FileUse, path: str) -> Iterator[Finding]:
    """A folder that is made, filled, and not emptied: the next run finds what this one left."""
    script = made.script
    if script is None or any(path in word.filled for command in script.named("rm", "rmdir") for word in command.operands):
        return
    if any(path in word.filled for command in script.named("tar", "unzip", "cp", "rsync", "git") for word in command.arguments):
        yield Finding(
            made.line,
            f"{short(path)} is the same in every run and never emptied: the next run finds the files of this one among its own",
            fix="dir=$(mktemp -d); trap 'rm -rf \"$dir\"' EXIT",
        )


RULE = Rule(
    id="KW906",
    name="known-name-in-tmp",
    title="A script uses a fixed name in /tmp",
    severity=Severity.WARNING,
    why="Everybody may create files in /tmp. With a name that is known beforehand another account can place a link or a file of "
    "its own there, and two runs "
    "of the script, as cron starts them while the first still hangs, read each other's half-written data. mktemp makes a name "
    "that nobody has. "
    "Source: mktemp(1); CWE-377, Insecure Temporary File.",
    bad="""# Check

```bash
#!/bin/bash
# check.sh
curl -s -o /tmp/health.json http://localhost:8080/health
jq -e '.status == "up"' /tmp/health.json
```
""",
    good="""# Check

```bash
#!/bin/bash
# check.sh
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
curl -fs -o "$answer" http://localhost:8080/health
jq -e '.status == "up"' "$answer"
```
""",
    check=_check,
)
