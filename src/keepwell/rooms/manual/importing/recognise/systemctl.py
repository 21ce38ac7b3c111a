"""systemctl and service: looking at a unit is a check, changing it is a step (systemctl(1))."""

import re

from keepwell.rooms.manual.importing.command_words import (
    arguments_of,
    done,
    is_a_choice,
    is_here,
    kept_in,
    looked,
    main_command,
    settled,
    understood,
    words,
)
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import is_trouble, with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9@:_.\\-]{0,254}")  # systemd.unit(5)
_ASKS = words("is-active status is-enabled show is-failed")
_CHANGES = words(
    "start stop restart reload try-restart reload-or-restart enable disable mask unmask kill daemon-reload daemon-reexec "
    "reset-failed reenable isolate set-property"
)
_SHOWS = words("list-units list-timers list-unit-files list-dependencies cat list-sockets is-system-running")
_FLAGS = words("--no-pager -l --full -q --quiet --now -n --lines --no-block --failed --all -a -t --type --state -p --property --force -f")


def _verb_and_units(command: ShellCommand, view: View) -> tuple[str, list[str | None]]:
    operands = list(command.operands)
    if command.name == "service" and len(operands) > 1:
        operands = [operands[1], operands[0]]
    words = [view.text(word) for word in operands]
    return (words[0] or "", words[1:]) if words else ("", [])


def read(view: View) -> Found | None:
    """What an item that calls systemctl becomes."""
    command = main_command(view, "systemctl", "service")
    if command is None:
        return None
    verb, units = _verb_and_units(command, view)
    clear = understood(view, command, _FLAGS)
    if verb in _ASKS and units and not kept_in(view, command):
        return _asked(view, command, verb, units, clear)
    operation = f"systemd.{verb.replace('-', '_')}" if clear and (verb in _CHANGES or verb in _SHOWS or verb in _ASKS) else ""
    if verb in _CHANGES:
        special = within(view, "restore", "rollback", "failover")
        return done(view, with_purpose(view, *([special] if special else []), "runbook"), operation)
    return done(view, with_purpose(view, "incident.evidence" if kept_in(view, command) else "diagnostics", "check.service"), operation)


def _asked(view: View, command: ShellCommand, verb: str, units: list[str | None], clear: bool) -> Found:
    names = [settled(view, unit or "")[0].removesuffix(".service") for unit in units]
    drafts = [_draft(view, command, verb, name) for name in names if _UNIT.fullmatch(name) and not is_a_choice(command)]
    if not is_here(command) and len(units) > 1:
        drafts = drafts[:1]
    operation = "systemd.status" if clear and verb in ("status", "is-active") else f"systemd.{verb.replace('-', '_')}" if clear else ""
    capabilities = (
        ("check.service", "diagnostics") if verb in ("status", "show") and not is_trouble(view) else with_purpose(view, "check.service")
    )
    return looked(view, capabilities, operation, tuple(drafts))


def _draft(view: View, command: ShellCommand, verb: str, name: str) -> CheckDraft:
    """Here systemd is asked; in a container or on another host the command is run there."""
    there = None if is_here(command) else arguments_of(view, command)
    if there or verb == "is-enabled":
        run = list(there or ("systemctl", "is-enabled", "--quiet", name))
        return CheckDraft("command", {"run": run}, name=f"service-{name}", every="1m")
    state = {"state": "not-failed"} if verb == "is-failed" else {}
    return CheckDraft("systemd", {"unit": name, **state}, name=f"service-{name}", every="1m")


RECOGNISER = Recogniser(
    "systemctl",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("systemctl", "service"),
    example="""\
# Shop

## Morning

```bash
systemctl status shop --no-pager
sudo systemctl restart shop
```
""",
)
