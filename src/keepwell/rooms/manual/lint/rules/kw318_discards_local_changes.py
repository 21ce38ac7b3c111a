"""KW318: local changes of a working copy are thrown away unseen."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import short


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("git"):
            if _discards(command) and not _kept(script, command):
                yield Finding(
                    command.line,
                    f"{short(command.text, 60)} throws away what was changed on this machine and not committed, and does not say what it "
                    f"was",
                    column=command.column,
                    width=len("git"),
                    fix="git stash push --include-untracked first, or git status --porcelain must be empty",
                )


def _discards(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.subcommand == "reset":
        return command.has_flag("--hard")
    if command.subcommand == "clean":
        return command.has_flag("-f", "--force") and not command.has_flag("-n", "--dry-run")
    return command.subcommand in ("checkout", "restore") and words[1:] == ["."]


def _kept(script: Script, command: ShellCommand) -> bool:
    kept = ("stash", "status", "diff", "commit", "clone", "bundle")
    return any(one.name == "git" and one.subcommand in kept for one in script.commands[: command.index])


RULE = Rule(
    id="KW318",
    name="discards-local-changes",
    title="Local changes are thrown away unseen",
    severity=Severity.WARNING,
    why="On a server the change that is in no commit is often the fix of last night, or the configuration of this machine. git reset "
    "--hard and git clean -f "
    "remove it without a question and without a way back. Sources: git-reset(1), --hard; git-clean(1).",
    bad="""# Update

```bash
git fetch origin
git reset --hard origin/main
```
""",
    good="""# Update

```bash
git fetch origin
git stash push --include-untracked
git reset --hard v1.4.2
```
""",
    check=_check,
)
