"""KW309: temporary files of a running service are removed whatever their age."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .deleting import removes_tree
from .saying import short

_SHARED = re.compile(r"^(?:/tmp|/var/tmp|.*/(?:spool|uploads?|work|queue|incoming|pending|temp|tmp))/[^/]*\*[^/]*$")
_REBUILT = re.compile(r"/var/(?:cache|lib)/(?:apt|dnf|yum)|node_modules|__pycache__|/target/|/dist/")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            word = next((word.filled for word in command.operands if _SHARED.match(word.filled)), "") if removes_tree(command) else ""
            if word and not _REBUILT.search(word) and not _stopped(script, command) and not _made_here(script, command, word):
                yield Finding(
                    command.line,
                    f"{short(word, 60)} goes whatever its age: the files of work that is running at this moment too, since nothing "
                    f"stopped the service before",
                    column=command.column,
                    width=len(command.name),
                    fix=f"find {short(word.rpartition('/')[0], 40)} -type f -name '{short(word.rpartition('/')[2], 40)}' -mmin +1440 "
                    f"-delete",
                )


def _stopped(script: Script, command: ShellCommand) -> bool:
    return any(word.filled in ("stop", "down") for one in script.commands[: command.index] for word in one.operands)


def _made_here(script: Script, command: ShellCommand, word: str) -> bool:
    stem = word.partition("*")[0]
    made = [use.filled for one in script.commands[: command.index] if one.name in ("mkdir", "tar", "cp", "unzip") for use in one.operands]
    written = [part.target.filled for one in script.commands[: command.index] for part in one.redirections if part.writes]
    return any(path.startswith(stem) for path in made + written)


RULE = Rule(
    id="KW309",
    name="removes-work-in-progress",
    title="Files of running work are removed with the old ones",
    severity=Severity.WARNING,
    why="A glob in a temporary folder meets what a job wrote a second ago as well as what one left behind last month. The job then "
    "fails, or goes on with files "
    "that are no longer there. Sources: find(1), -mmin; tmpfiles.d(5), age.",
    bad="""# Quick fixes

```bash
rm -rf /tmp/render-*
```
""",
    good="""# Quick fixes

```bash
find /tmp -type f -name "render-*" -mmin +1440 -delete
```
""",
    check=_check,
)
