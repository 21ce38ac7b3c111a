"""chmod, chown, setfacl, and the search for files with the wrong permissions."""

import re

from keepwell.rooms.manual.importing.command_words import arguments_of, done, is_here, looked, main_command, understood, words
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FIND = words("-type -perm -name -xdev -not -user -group -maxdepth -ls -print -exec -path -nouser -nogroup")
_CHANGES = words("-R -v --recursive -h -c -m -x -b")
_BY_EVERYONE = re.compile(r"[-/]o[+=]w|[-/]0{0,3}2|-?0?777")
_MODE = re.compile(r"[0-7]{3,4}|[ugoa]*[-+=][rwxXst]*(?:,[ugoa]*[-+=][rwxXst]*)*")


def read(view: View) -> Found | None:
    """What an item about permissions becomes."""
    command = main_command(view, "chmod", "chown", "chgrp", "setfacl", "getfacl", "find")
    if command is None:
        return None
    if command.name == "find":
        return _find(view, command)
    special = within(view, "restore", "backup")
    clear = understood(view, command, _CHANGES) and (command.name != "chmod" or bool(_MODE.fullmatch(command.subcommand)))
    own = [special] if special else ["runbook"] if within(view, "runbook") and not within(view, "security") else []
    return done(view, with_purpose(view, *own, "security.permissions"), f"files.{command.name}" if clear else "")


def _find(view: View, command: ShellCommand) -> Found | None:
    """``find -perm``: a control that no file may come up in; other searches are for others."""
    if not command.has_flag("-perm", "-nouser", "-nogroup"):
        return None
    operation = "files.find_by_permission" if understood(view, command, _FIND) else ""
    capabilities = with_purpose(view, "security.permissions")
    run = arguments_of(view, command)
    changes = command.has_flag("-exec", "-delete", "-execdir", "-ok")
    if changes or not operation or run is None or not command.is_last or not is_here(command):
        return done(view, capabilities, operation if not changes else "")
    name = f"permissions {run[1]}"
    if _is_for_everyone(run):
        draft = CheckDraft("file", {"path": run[1].rstrip("/") or "/", "world_writable": {}}, name=name, every="1d")
        return looked(view, capabilities, operation, (draft,), "the check is good where nothing below it can be written by every user")
    settings = {"run": list(run), "expect": {"output_matches": "^$"}}
    return looked(
        view, capabilities, operation, (CheckDraft("command", settings, name=name, every="1d"),), "the check is good where no file is found"
    )


def _is_for_everyone(run: tuple[str, ...]) -> bool:
    """Whether it looks for what every user may write, below one folder, and for nothing else."""
    rest = list(run[2:])
    pairs = dict(zip(rest[::2], rest[1::2], strict=False))
    plain = rest[-1] in ("-print", "-ls") if len(rest) % 2 else True
    known = plain and pairs.keys() - {"-print", "-ls"} <= {"-perm", "-type"} and pairs.get("-type", "f") in ("f", "d")
    return known and run[1].startswith("/") and ".." not in run[1] and bool(_BY_EVERYONE.fullmatch(pairs.get("-perm", "")))


RECOGNISER = Recogniser(
    "permissions",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("chmod", "chown", "chgrp", "setfacl", "getfacl", "find"),
    order=40,
    example="""\
# Shop

## Access review

```bash
find /srv/shop -type f -perm /o+w
sudo chown -R shop:shop /srv/shop
```
""",
)
