"""KW312: an application's dependencies are changed in production, and nothing tries them."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import headings_over, short

_WHERE = re.compile(r"mainten|update|upgrade|weekly|monthly|operation|security|production")
_UPDATES = {
    "npm": ("update", "upgrade"),
    "yarn": ("upgrade", "up"),
    "pnpm": ("update", "up"),
    "cargo": ("update",),
    "bundle": ("update",),
    "composer": ("update",),
    "poetry": ("update",),
}
_TRIES = re.compile(
    r"\b(?:test|pytest|tox|phpunit|rspec|jest|mocha|check|clippy|rollback|revert|checkout|restore|backup|snapshot|staging)\b", re.IGNORECASE
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if _updates(command) and _WHERE.search(headings_over(manual, command.line)) and not _tried(script, command):
                yield Finding(
                    command.line,
                    f"{short(command.text, 50)} takes new versions straight into production: nothing tries them, and nothing says how to "
                    f"go back",
                    column=command.column,
                    width=len(command.name),
                    fix="update in a branch, run the tests there, deploy the lock file as any other change (npm ci, cargo build --locked)",
                )


def _updates(command: ShellCommand) -> bool:
    if command.subcommand in _UPDATES.get(command.name, ()):
        return not command.has_flag("-g", "--global", "--dry-run", "--lockfile-only", "--package-lock-only")
    return (
        command.name in ("pip", "pip3")
        and command.subcommand == "install"
        and command.has_flag("-U", "--upgrade")
        and "-r" in command.flags
    )


def _tried(script: Script, command: ShellCommand) -> bool:
    rest = " ".join(other.text for other in script.commands[command.index + 1 :])
    comments = " ".join(note.text for note in script.comments if note.line > command.line)
    return bool(_TRIES.search(f"{rest} {comments}"))


RULE = Rule(
    id="KW312",
    name="dependencies-changed-in-place",
    title="Dependencies are changed in production and not tried",
    severity=Severity.WARNING,
    why="npm update and its like choose new versions at this moment and rewrite the lock file, so that the machine runs what nobody has "
    "tested and the repository does "
    "not know; running processes keep the old code until their next restart. Sources: npm-update and npm-ci (npm documentation); The "
    "Cargo Book, cargo update.",
    bad="""# Monthly maintenance

```bash
npm audit
npm update
```
""",
    good="""# Monthly maintenance

```bash
git switch -c updates
npm update
npm test
```
""",
    check=_check,
)
