"""df, du, lsblk, iostat and the search for large files: how full a disk is, and with what."""

import re

from keepwell.rooms.manual.importing.command_words import (
    arguments_of,
    done,
    inner_command,
    is_here,
    kept_in,
    looked,
    main_command,
    settled,
    understood,
    words,
)
from keepwell.rooms.manual.importing.compared import is_compared
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.importing.purposes import is_trouble, purposes, with_purpose
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_MOUNT = re.compile(r"/[\w./@:+, -]*")
_DF = words("-h -H -k -m -P -T -i -l -a -x -t -B --human-readable --inodes --output --total --print-type --local")
_DU = words("-s -h -k -m -c -x -d -a -b --summarize --human-readable --max-depth --total --apparent-size")
_FIND = words("-type -size -name -iname -xdev -maxdepth -mindepth -mtime -path -not -exec -ls -printf -print")
_FOLDER = Missing(
    "WORKING_FOLDER", Wanting.VALUE, "a path that does not begin with /", "The folder in which the manual's relative paths stand", "path"
)


def read(view: View) -> Found | None:
    """What an item that looks at disks becomes."""
    inner = inner_command(view, "df")
    if inner is not None:
        return _df(view, inner)
    command = main_command(view, "du", "lsblk", "iostat", "find", "ncdu", "iotop", "smartctl")
    if command is None:
        return None
    if command.name == "find":
        return _find(view, command)
    if command.name == "du":
        return _du(view, command)
    operation = f"disk.{command.name}" if understood(view, command, words("-x -f -o -h -d -a")) else ""
    return done(view, with_purpose(view, "check.host", "diagnostics"), operation)


def _df(view: View, command: ShellCommand) -> Found:
    operation = "disk.usage" if understood(view, command, _DF, "sed") else ""
    if kept_in(view, command):
        return done(view, with_purpose(view, "incident.evidence" if is_trouble(view) else "report", "check.host"), operation)
    inodes: dict[str, object] = {"inodes": {}} if command.has_flag("-i", "--inodes") else {}
    mounts = [settled(view, view.text(word) or "")[0] for word in command.operands] or ["/"]
    fit = [re.sub(r"/+", "/", mount).rstrip("/") or "/" for mount in mounts if _MOUNT.fullmatch(mount) and ".." not in mount.split("/")]
    # Behind docker exec and the like it is another file system's answer; the host check looks at the host.
    drafts = tuple(CheckDraft("host", {"mount": mount, **inodes}, measures=("disk",)) for mount in fit) if is_here(command) else ()
    if not drafts and not is_here(command) and (run := arguments_of(view, command)):
        drafts = (CheckDraft("command", {"run": list(run)}),)
    reason = "" if command.operands else "df without a path lists every file system; the check looks at /"
    capabilities = (
        ("check.host", "rule")
        if is_compared(view)
        else ("capacity", "check.host")
        if "capacity" in purposes(view)[:1]
        else with_purpose(view, "check.host")
    )
    return looked(view, capabilities, operation, drafts, reason)


def _du(view: View, command: ShellCommand) -> Found:
    operation = "disk.size_of" if understood(view, command, _DU) else ""
    capabilities = tuple(dict.fromkeys(("capacity", *with_purpose(view, "check.host"))))[:2]
    if kept_in(view, command) or command.is_first is not command.is_last or command.depth:
        return done(view, capabilities, operation)
    run = arguments_of(view, command)
    if run is None or not operation:
        return done(view, capabilities, operation)
    settings: dict[str, object] = {"run": list(run)}
    if any(not word.filled.startswith("/") for word in command.operands):
        if _FOLDER.name not in view.values:
            return Found(
                Fate.CHECK,
                capabilities,
                operation,
                (CheckDraft("command", settings),),
                Disposition.MISSING,
                "its path is relative to a folder that is not named",
                (_FOLDER,),
            )
        settings["directory"] = view.values[_FOLDER.name]
    return looked(view, capabilities, operation, (CheckDraft("command", settings),))


def _find(view: View, command: ShellCommand) -> Found | None:
    """The search for large files; other searches are for others."""
    if not command.has_flag("-size") or command.has_flag("-delete", "-mtime", "-mmin"):
        return None
    runs = command.option("-exec")
    lists = runs is None or runs.filled in ("ls", "du", "stat")
    return done(view, with_purpose(view, "diagnostics"), "files.find_large" if lists and understood(view, command, _FIND) else "")


RECOGNISER = Recogniser(
    "disk",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("df", "du", "lsblk", "iostat", "find", "ncdu", "iotop", "smartctl"),
    order=45,
    example="""\
# Shop

## Morning

```bash
df -h /srv/shop
du -sh /srv/shop/images
find /srv -size +100M
```
""",
)
