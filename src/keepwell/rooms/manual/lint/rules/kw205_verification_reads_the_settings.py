"""KW205: that something works is concluded from its settings."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import said_over

_SAYS = re.compile(r"(?:verif|check|ensure|confirm)\w*\b.{0,60}\b(?:work(?:s|ing)?|effective|taking effect|applied|active)\b")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            settings = _settings_read(command)
            said = said_over(script, command.line) if settings else ""
            if said and _SAYS.search(said):
                yield Finding(
                    command.line,
                    f'"{said[:60]}": {settings} shows what is set, not that it has an effect',
                    column=command.column,
                    width=len(command.name),
                    fix="look for what it should have changed, for example the oldest object that is still there",
                )


def _settings_read(command: ShellCommand) -> str:
    """The call, if it only reads a configuration."""
    words = [word.filled for word in command.operands]
    if command.name == "aws":
        return next((word for word in words if re.fullmatch(r"get-[\w-]*(?:configuration|policy|lifecycle|settings)", word)), "")
    if command.name == "redis-cli" and [word.lower() for word in words[:2]] == ["config", "get"]:
        return "CONFIG GET"
    if command.name == "cat" and words and words[0].endswith((".conf", ".cfg", ".ini", ".yml", ".yaml")):
        return f"cat {words[0]}"
    return ""


RULE = Rule(
    id="KW205",
    name="verification-reads-the-settings",
    title="That something works is concluded from its settings",
    severity=Severity.NOTE,
    why="A rule that is written down may never have matched anything: a lifecycle rule with the wrong prefix is shown as well as one "
    "that works. "
    "Whether it works is seen in what it was to change. Source: Amazon S3 User Guide, Troubleshooting lifecycle configurations.",
    bad="""# Storage

```bash
# Verify lifecycle rules are working
aws s3api get-bucket-lifecycle-configuration --bucket shop
```
""",
    good="""# Storage

```bash
# Verify lifecycle rules are working: nothing older than 90 days may be left
aws s3api list-objects-v2 --bucket shop --query "Contents[?LastModified<='2025-01-01']"
```
""",
    check=_check,
)
