"""What describes a machine and who is on it: uname, lscpu, lsof, last, who, w, ulimit, printenv, env, hostname."""

from keepwell.rooms.manual.importing.command_words import done, kept_in, main_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import is_trouble, with_purpose
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = {
    "uname": "-a -r -s -m -n -v",
    "lscpu": "",
    "lsmem": "",
    "lspci": "-v -k",
    "lsmod": "",
    "dmesg": "-T -H -w -k -l --level",
    "hostname": "-f -s -i -I",
    "hostnamectl": "",
    "lsof": "-p -i -n -P -u -c -t",
    "fuser": "-v -m -n",
    "strace": "-p -f -c",
    "last": "-n -a -i -F -20 -10 -x",
    "lastb": "-n -a -i",
    "lastlog": "-u -t",
    "who": "-a -b -u",
    "w": "-h",
    "id": "-u -g -n -G",
    "ulimit": "-n -u -a -H -S -c",
    "timedatectl": "",
    "printenv": "",
    "env": "",
    "reboot": "",
    "poweroff": "",
    "shutdown": "-r -h -c -P now",
}
_SIGNED_IN = words("last lastb lastlog who w")
_ENVIRONMENT = frozenset(("printenv", "env"))


def read(view: View) -> Found | None:
    """What an item that describes the machine becomes."""
    command = main_command(view, *_FLAGS)
    if command is None:
        return None
    name = command.name
    clear = understood(view, command, frozenset(_FLAGS[name].split()), "less")
    if name == "ulimit" and command.has_flag("-n", "-u", "-c") and command.words[2:]:
        return done(view, with_purpose(view, "tuning"), "host.set_limit" if clear else "")
    if name in ("reboot", "poweroff", "shutdown"):
        return done(view, with_purpose(view, "runbook"), f"host.{name}" if clear else "")
    if name in _SIGNED_IN:
        own = ["security.auth", "security.accounts"]
    elif name in _ENVIRONMENT:
        own = ["env.audit"]
    else:
        own = ["diagnostics"]
    if kept_in(view, command) and is_trouble(view):
        own.insert(0, "incident.evidence")
    return done(view, with_purpose(view, *own), f"host.{name}" if clear else "")


RECOGNISER = Recogniser(
    "system_information",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    tuple(_FLAGS),
    order=45,
    example="""\
# Shop

## Diagnosis

```bash
uname -a
last -n 20
printenv | grep SHOP
```
""",
)
