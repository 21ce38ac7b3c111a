"""ps, pgrep, pidof, pkill and kill: whether processes run, and how much they use."""

import re

from keepwell.rooms.manual.importing.command_words import (
    done,
    is_a_choice,
    is_here,
    kept_in,
    looked,
    main_command,
    settled,
    source_of,
    understood,
    words,
)
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import is_trouble, with_purpose
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

_PATTERN = re.compile(r"[\w./@:,= -]{1,200}", re.ASCII)
_BRACKETED = re.compile(r"\[(\w)\]")
_PGREP = words("-f -x -l -a -c -n -o --full --exact --count --newest --oldest -u")
_PS = words("-a -u -x -e -f -p -o -C -w --no-headers --sort --pid -A -l")
_MEASURES = (("memory", r"%?mem|rss|vsz|pmem"), ("cpu", r"%?cpu|pcpu"))


def _draft(view: View, pattern: str, whole_line: bool, measures: tuple[str, ...] = ()) -> tuple[CheckDraft, ...]:
    """A process check; nothing where the pattern is more than a plain text."""
    plain = settled(view, _BRACKETED.sub(r"\1", pattern))[0]  # "[n]ginx" keeps grep from finding itself
    if not _PATTERN.fullmatch(plain) or not plain.strip():
        return ()
    settings = {"match": re.escape(plain).replace("\\-", "-").replace("\\ ", " ")} if whole_line else {"name": plain}
    return (CheckDraft("process", settings, measures=measures or ("memory", "cpu")),)


def read(view: View) -> Found | None:
    """What an item that looks for processes becomes."""
    command = main_command(view, "ps", "pgrep", "pidof", "pkill", "killall", "kill")
    match command.name if command else "":
        case "pgrep" | "pidof" if command:
            return _pgrep(view, command)
        case "ps" if command:
            return _ps(view, command)
        case "pkill" | "killall" | "kill" if command:
            return done(view, with_purpose(view, "runbook"), "process.signal" if understood(view, command, _PGREP | {"-s", "-9"}) else "")
    return None


def _pgrep(view: View, command: ShellCommand) -> Found:
    clear = understood(view, command, _PGREP)
    names = [text for word in command.operands if (text := view.text(word))]
    whole_line = command.has_flag("-f", "--full")
    drafts = _draft(view, names[0], whole_line) if len(names) == 1 and is_here(command) and not is_a_choice(command) else ()
    return looked(view, with_purpose(view, "check.process"), "process.find" if clear else "", drafts)


def _ps(view: View, command: ShellCommand) -> Found:
    clear = understood(view, command, _PS)
    if kept_in(view, command):
        evidence = "incident.evidence" if is_trouble(view) else "report"
        return done(view, with_purpose(view, evidence, "check.process"), "process.save_list" if clear else "")
    chosen = [part for part in command.pipeline[1:] if part.name in ("grep", "egrep") and not part.has_flag("-v")]
    chosen_by = command.option("-p", "--pid")
    if chosen_by is not None:
        return _one(view, command, chosen_by, clear)
    by_name = command.option("-C")
    patterns = [text for part in chosen for word in part.operands[:1] if (text := view.text(word))]
    capabilities = ("check.process", "diagnostics") if is_trouble(view) else with_purpose(view, "check.process")
    if by_name is not None and (name := view.text(by_name)):
        return looked(view, capabilities, "process.find" if clear else "", _draft(view, name, whole_line=False))
    if len(patterns) == 1 and is_here(command) and not is_a_choice(command):
        return looked(view, capabilities, "process.find" if clear else "", _draft(view, patterns[0], whole_line=True))
    return done(view, with_purpose(view, "diagnostics", "check.process"), "process.list" if clear else "")


def _one(view: View, command: ShellCommand, chosen_by: Word, clear: bool) -> Found:
    """``ps -p $PID -o rss`` where ``PID=$(pgrep ...)`` says whose."""
    shown = (command.option("-o") or chosen_by).filled
    measures = tuple(measure for measure, pattern in _MEASURES if re.search(pattern, shown))
    finder = next((found for name in chosen_by.variables if (found := source_of(view, name, "pgrep", "pidof"))), None)
    capabilities = with_purpose(view, "metric", "check.process") if measures else with_purpose(view, "check.process")
    operation = "process.usage" if clear else ""
    names = [text for word in finder.operands if (text := view.text(word))] if finder else []
    if finder is None or len(names) != 1:
        return done(view, capabilities, operation)
    return looked(view, capabilities, operation, _draft(view, names[0], finder.has_flag("-f", "--full"), measures))


RECOGNISER = Recogniser(
    "processes",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("ps", "pgrep", "pidof", "pkill", "killall", "kill"),
    order=45,
    example="""\
# Shop

## Morning

```bash
ps aux | grep shop-server | grep -v grep
pgrep -f shop-worker
```
""",
)
