"""Who may sign in and become root: useradd, usermod, userdel, passwd, chage, getent, and what is read from /etc/group and sudoers."""

import re

from keepwell.rooms.manual.importing.command_words import arguments_of, done, is_here, looked, main_command, understood, words
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_CHANGES = {
    "useradd": "-m -s -G -g -d -c -u -r -M --system --shell --groups --create-home",
    "adduser": "--disabled-password --gecos --system --group --ingroup --shell",
    "usermod": "-a -G -L -U -s -aG -d --lock --unlock --append --groups",
    "userdel": "-r -f --remove",
    "deluser": "--remove-home",
    "groupadd": "-r -g",
    "groupdel": "",
    "gpasswd": "-a -d",
    "passwd": "-l -u -e -d --lock --unlock --expire",
    "chpasswd": "",
    "chage": "-l -d -M -E",
}
_DATABASES = frozenset(("passwd", "group", "shadow", "gshadow"))
_FILES = re.compile(r"/etc/(?:passwd|group|shadow|gshadow|sudoers(?:\.d)?)(?:/|$)|authorized_keys|/\.ssh/")
_READERS = ("grep", "egrep", "awk", "cat", "cut", "wc", "ls", "visudo", "sudo", "lastlog", "compgen")


def read(view: View) -> Found | None:
    """What an item about accounts becomes."""
    command = main_command(view, *_CHANGES, "getent", *_READERS)
    if command is None:
        return None
    if command.name in _CHANGES:
        clear = understood(view, command, frozenset(_CHANGES[command.name].split()))
        own = ["security.accounts"]
        if command.name in ("passwd", "chpasswd"):
            own = (
                ["security.secrets", "security.accounts"]
                if within(view, "security.secrets", "incident", "runbook")
                else ["security.accounts"]
            )
        return done(view, with_purpose(view, *own), f"accounts.{command.name}" if clear else "")
    if command.name == "getent":
        return _getent(view, command)
    if any(_FILES.search(word.filled) for word in command.operands) or command.name == "visudo":
        flags = words("-l -c -P -o -E -i -n -d -f -F -w -a -h -la --count --lines")
        own_word = "security.auth" if any("ssh" in word.filled or "authorized" in word.filled for word in command.operands) else ""
        own_words = ("security.accounts", own_word) if own_word else ("security.accounts",)
        return done(view, with_purpose(view, *own_words), "accounts.read" if understood(view, command, flags) else "")
    return None


def _getent(view: View, command: ShellCommand) -> Found | None:
    """``getent passwd NAME`` fails where there is no such account, so that it is a check; the whole list is for reading."""
    if command.subcommand not in _DATABASES:
        return None
    operation = "accounts.look_up" if understood(view, command, ()) else ""
    run = arguments_of(view, command)
    if len(command.operands) > 1 and operation and run and is_here(command):
        return looked(
            view,
            with_purpose(view, "security.accounts"),
            operation,
            (CheckDraft("command", {"run": list(run)}, name=f"{run[1]} {run[2]}", every="1h"),),
        )
    return done(view, with_purpose(view, "security.accounts"), operation)


RECOGNISER = Recogniser(
    "accounts",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    (*_CHANGES, "getent", *_READERS),
    order=35,
    example="""\
# Shop

## Access review

```bash
getent passwd shop
sudo useradd -m -G shop-admin newcomer
grep sudo /etc/group
```
""",
)
