"""KW224: what was to be saved is removed although the saving may have failed."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import COPIES, is_archiver, is_upload, sources_of
from .saying import short


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("rm"):
            saver = _saver(script, command)
            if saver is not None:
                yield Finding(
                    command.line,
                    f"{short(command.text, 60)} removes what {saver.name} in line {saver.line} was to save, although nothing looked "
                    f"whether it did: "
                    "a full disk leaves neither",
                    column=command.column,
                    width=len(command.name),
                    fix=f"{saver.name} ... && rm ...",
                )


def _saver(script: Script, command: ShellCommand) -> ShellCommand | None:
    """The command shortly before whose source is removed, if its status decides nothing."""
    if command.strict.errexit or command.depth:
        return None
    gone = {word.filled.rstrip("/*").rstrip("/") for word in command.operands}
    for other in reversed(script.commands[max(0, command.index - 4) : command.index]):
        if other in command.guarded_by or other.status.used:
            continue
        if (is_archiver(other) or other.name in COPIES or is_upload(other)) and {
            path.rstrip("/*").rstrip("/") for path in sources_of(other)
        } & gone:
            return other
    return None


RULE = Rule(
    id="KW224",
    name="source-removed-unchecked",
    title="The source is removed although its copy may have failed",
    severity=Severity.ERROR,
    why="Two lines, of which the second deletes what the first was to save, do so in any case: when tar runs out of disk, when the "
    "upload is refused, "
    "when the target folder is missing. Source: POSIX.1-2024, Shell Command Language, 2.9.3 (lists, &&); tar(1), return value.",
    bad="""# Pack

```bash
tar -czf /backup/shop.tar.gz -C /backup shop
rm -rf /backup/shop
```
""",
    good="""# Pack

```bash
tar -czf /backup/shop.tar.gz -C /backup shop && rm -rf /backup/shop
```
""",
    check=_check,
)
