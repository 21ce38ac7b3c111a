"""``[ ]``, ``[[ ]]``, ``(( ))``, ``test`` and ``command -v``: a comparison of a figure with a limit is a rule, any other a step."""

import re
from typing import Any

from keepwell.rooms.manual.importing.command_words import branch_of, done, looked, main_command, settled, source_of, words
from keepwell.rooms.manual.importing.compared import compared_in, limit_of
from keepwell.rooms.manual.importing.filled_words import fill
from keepwell.rooms.manual.importing.http_words import place_of, read_call
from keepwell.rooms.manual.importing.model import CheckDraft, ExpectDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purpose_in, with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_ASKS_FOR_PROGRAM = ("command", "which", "type", "hash")
_PACKAGES = words("apt apt-get yum dnf zypper apk")
_ANSWERS = ("curl", "wget", "jq")
_STATUS = re.compile(r"status|code|response|http", re.IGNORECASE)
_TELLS = re.compile(r"webhook|slack|mail|notif|pager", re.IGNORECASE)
_MAKES = words("mkdir touch cp mv curl wget ln rm source .")
_BACKUPS = re.compile(r"backup|dump|snapshot", re.IGNORECASE)
_MARKER = re.compile(r"\.(?:success|ok|done|stamp|timestamp|pid|ready|healthy)$|/(?:latest|last)[\w.-]*$|/run/", re.IGNORECASE)


def read(view: View) -> Found | None:
    """What a condition of a script becomes."""
    command = main_command(view, "[", "[[", "((", "test", "let", *_ASKS_FOR_PROGRAM)
    if command is None:
        return None
    if command.name in _ASKS_FOR_PROGRAM:
        wanted = command.operands[0].filled if command.operands else ""
        own = ["security.updates"] if wanted in _PACKAGES else []
        return Found(Fate.STEP, with_purpose(view, *own), "program.installed" if command.has_flag("-v") or command.name == "which" else "")
    for compared in compared_in(view, command):
        limit = limit_of(view, command, compared)
        if limit is not None:
            about = "check.backup_freshness" if limit.metric == "backup age" else "metric"
            return Found(Fate.RULE, with_purpose(view, "rule", about), "", (limit,))
        if compared.operator in ("==", "!=") and compared.limit in ("200", "204", "0") and _STATUS.search(compared.name):
            return _expected(view, compared.name, int(compared.limit))
        if compared.operator in ("==", "!=") and compared.limit and source_of(view, compared.name, *_ANSWERS):
            # The command that asked expects what is compared here; see its own recogniser.
            return Found(Fate.RULE, with_purpose(view, "rule", "check.http"))
    return _file(view, command) or _other(view, command)


def _expected(view: View, name: str, status: int) -> Found:
    """A status that is compared: the check of the request that it came from expects it."""
    request = source_of(view, name, "curl", "wget")
    address = fill(view, *read_call(request).addresses[:1]) if request else None
    place = place_of(address.text) if address and address.ready else None
    drafts = (ExpectDraft({"status": status}, place.path),) if place and not place.problem and status else ()
    return Found(Fate.RULE, with_purpose(view, "rule", "check.http"), "", drafts)


def _file(view: View, command: ShellCommand) -> Found | None:
    """``[ -f marker ]``: whether a file is there that a job leaves behind."""
    test = next((test for test in command.tests if test.operator in ("-f", "-e", "-s")), None)
    path = settled(view, view.text(test.right) or "")[0] if test else ""
    makes_it = any(part.name in _MAKES for part in branch_of(view, command)) or within(view, "restore", "rollback")
    if test is None or not path or makes_it:
        return None
    own: tuple[str, ...]
    if _BACKUPS.search(path):
        own = ("check.backup_freshness", "backup.verify")
    elif _MARKER.search(path):
        own = ("check.process",) if path.endswith(".pid") else ("check.host",)
    else:
        return None
    plain = path.startswith("/") and not test.right.glob
    draft = CheckDraft("command", {"run": ["test", test.operator, path]}, name=path.rpartition("/")[2])
    if test.operator != "-e" and ".." not in path:
        aged: dict[str, Any] = {"age": {}} if own[0] == "check.backup_freshness" and view.cadence == "daily" else {}
        filled = {"size": {"fail": "< 1B"}} if test.operator == "-s" else {}
        draft = CheckDraft("file", {"path": path, **aged, **filled}, name=path.rpartition("/")[2], every="5m")
    return looked(view, own, "files.exists", (draft,) if plain else ())


def _other(view: View, command: ShellCommand) -> Found:
    """What asks for an argument, for the status of the command before it, or whether somebody is to be told."""
    text = command.text
    if _TELLS.search(text):
        return done(view, with_purpose(view, "notify"))
    if "$?" in text or "PIPESTATUS" in text:
        before = purpose_in(view.comment) or within(view, "restore", "rollback", "backup")
        own = "backup.verify" if before.startswith("backup") else before
        return done(view, with_purpose(view, *([own] if own else [])))
    if re.search(r"authorized_keys|\.ssh\b", text):
        return done(view, with_purpose(view, "security.accounts", "security.auth"))
    return done(view, with_purpose(view))


RECOGNISER = Recogniser(
    "shell_tests",
    (Kind.COMMAND,),
    read,
    ("[", "[[", "((", "test", "let", *_ASKS_FOR_PROGRAM),
    order=45,
    example="""\
# Shop

## Monitoring script

```bash
DISK_USAGE=$(df / | tail -1 | awk '{print $5}')
if [ "$DISK_USAGE" -gt 85 ]; then
  echo "WARNING: disk is ${DISK_USAGE}% full"
fi
```
""",
)
