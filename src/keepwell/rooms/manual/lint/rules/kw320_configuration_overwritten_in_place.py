"""KW320: the configuration of a running service is overwritten and nothing keeps what was there."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import is_restoring
from .saying import BACKUP, short

_CONFIGURATION = re.compile(r"^/etc/[\w.-]+|^/.*/(?:config|conf|etc)/?$")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        seen = False
        for command in script.commands:
            place = _overwritten(command, is_restoring(manual, script))
            if place and not seen and not _kept(script, command, place):
                seen = True
                yield Finding(
                    command.line,
                    f"{short(command.text, 60)} overwrites {short(place, 50)}, and nothing keeps what is there now: a wrong or old copy "
                    f"cannot be taken back",
                    column=command.column,
                    width=len(command.name),
                    fix=f"first: cp -a {short(place.rstrip('/'), 40)} {short(place.rstrip('/'), 40)}.before-$(date +%Y%m%d-%H%M%S)",
                )


def _overwritten(command: ShellCommand, restoring: bool) -> str:
    """The configuration that a restore copies over, or that sed changes in place."""
    words = [word.filled for word in command.operands]
    if command.name in ("cp", "rsync") and restoring and len(words) > 1 and command.has_flag("-r", "-R", "-a", "--archive"):
        return words[-1] if _CONFIGURATION.match(words[-1]) and not BACKUP.search(words[-1].lower()) else ""
    if command.name == "sed" and command.has_flag("-i", "--in-place"):
        edited = words[-1] if words else ""
        with_copy = any(re.fullmatch(r"-i.+|--in-place=.+", word.filled) for word in command.arguments)
        return edited if edited.startswith("/etc/") and not with_copy else ""
    return ""


def _kept(script: Script, command: ShellCommand, place: str) -> bool:
    """Whether an earlier command copies, moves or commits what is there."""
    wanted = place.rstrip("/")
    before = script.commands[: command.index]
    if any(one.name == "git" and one.subcommand in ("commit", "stash", "add") for one in before):
        return True
    sources = [
        word.filled.rstrip("/*").rstrip("/")
        for one in before
        if one.name in ("cp", "mv", "tar", "rsync", "install")
        for word in one.operands[:-1]
    ]
    return any(source and (wanted == source or wanted.startswith(f"{source}/")) for source in sources)


RULE = Rule(
    id="KW320",
    name="configuration-overwritten-in-place",
    title="A configuration is overwritten and nothing keeps it",
    severity=Severity.WARNING,
    why="What stands on the machine is often newer than the backup or the template, and it is what runs. Copied over, it is gone; copied "
    "over a folder, the old and the new "
    "files are mixed besides. One copy beside it makes the step reversible. Sources: cp(1), --backup; sed(1), -i SUFFIX.",
    bad="""# Restore the configuration

```bash
cp -r /tmp/restore/config/* /opt/shop/config/
```
""",
    good="""# Restore the configuration

```bash
cp -a /opt/shop/config "/opt/shop/config.before-$(date +%s)"
cp -r /tmp/restore/config/* /opt/shop/config/
```
""",
    check=_check,
)
