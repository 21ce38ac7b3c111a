"""journalctl: looking into the journal, and making it smaller (journalctl(1)); and programs that sum logs up."""

from keepwell.rooms.manual.importing.command_words import done, kept_in, main_command, understood, words
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import is_trouble, with_purpose
from keepwell.rooms.manual.reading.model import Kind

_LOOKS = words(
    "-u --unit -n --lines -p --priority -S --since -U --until -g --grep -t --identifier -f --follow -x -e --no-pager -b "
    "--boot -k --dmesg -r --reverse -o --output --disk-usage --catalog --pager-end --quiet -q -a --all"
)
_CUTS = words("--vacuum-time --vacuum-size --vacuum-files --rotate --flush")
_SUMS_UP = ("logwatch", "goaccess", "lnav", "multitail", "logcheck")


def read(view: View) -> Found | None:
    """What an item that calls journalctl becomes."""
    command = main_command(view, "journalctl", *_SUMS_UP)
    if command is None:
        return None
    if command.name in _SUMS_UP:
        clear = understood(view, command, words("--range --service --detail --output --format --mailto --print"))
        return done(
            view, with_purpose(view, "logs.analyse"), f"logs.{command.name}" if clear and command.name == "logwatch" else "", Fate.LOGS
        )
    clear = understood(view, command, _LOOKS | _CUTS)
    if command.has_flag(*_CUTS):
        return done(view, with_purpose(view, "logs.cleanup"), "systemd.vacuum_journal" if clear else "", Fate.LOGS)
    if kept_in(view, command):
        evidence = "incident.evidence" if is_trouble(view) else ""
        return done(view, with_purpose(view, evidence or "logs.analyse"), "systemd.save_journal" if clear else "")
    capabilities = ("diagnostics", "logs.analyse") if is_trouble(view) else with_purpose(view, "logs.analyse", "check.log")
    return done(view, capabilities, "systemd.journal" if clear else "", Fate.LOGS)


RECOGNISER = Recogniser(
    "journalctl",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("journalctl", *_SUMS_UP),
    example="""\
# Shop

## Shop is down

```bash
journalctl -u shop --since "1 hour ago"
journalctl --vacuum-time=14d
```
""",
)
