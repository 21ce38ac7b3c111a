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
_ASKS = {"is-active": "is-active", "status": "is-active", "is-enabled": "is-enabled", "show": "is-active", "is-failed": "is-active"}
"""What a check asks instead: the status of ``status`` is also that of ``is-active``, which says it in a word."""
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
    drafts = []
    for unit in units:
        name = settled(view, unit or "")[0].removesuffix(".service")
        if _UNIT.fullmatch(name) and not is_a_choice(command):
            run = ["systemctl", _ASKS[verb], "--quiet", name]
            prefix = None if is_here(command) else arguments_of(view, command)
            drafts.append(CheckDraft("command", {"run": list(prefix) if prefix else run}, name=f"service-{name}", every="1m"))
    if not is_here(command) and len(units) > 1:
        drafts = drafts[:1]
    operation = "systemd.status" if clear and verb in ("status", "is-active") else f"systemd.{verb.replace('-', '_')}" if clear else ""
    capabilities = (
        ("check.service", "diagnostics") if verb in ("status", "show") and not is_trouble(view) else with_purpose(view, "check.service")
    )
    return looked(view, capabilities, operation, tuple(drafts))


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
