"""free, vmstat, top and htop: how much memory and processor time a host has left."""

from keepwell.rooms.manual.importing.command_words import done, is_here, kept_in, looked, main_command, understood, words
from keepwell.rooms.manual.importing.compared import is_compared
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import is_trouble, with_purpose
from keepwell.rooms.manual.reading.model import Kind

_PROGRAMS = ("free", "vmstat", "top", "htop", "atop", "btop", "glances", "uptime", "mpstat", "sar", "nproc")
_READERS = ("cat", "cut", "awk", "grep", "head")
_FREE = words("-h -m -g -k -b -t -w --human --mega --giga --total -s -c")
_TOP = words("-b -n -o -p -u -d -c -H -i")
_MEMORY = CheckDraft("host", {"memory": {}}, measures=("memory",))
_CPU = CheckDraft("host", {"cpu": {}}, measures=("cpu",))
_LOAD = CheckDraft("host", {"load": {}}, measures=("load",))


def read(view: View) -> Found | None:
    """What an item that looks at memory, processors or load becomes."""
    command = main_command(view, *_PROGRAMS)
    if command is None:
        return _proc(view)
    capabilities = (
        ("check.host", "rule")
        if is_compared(view)
        else ("check.host", "diagnostics")
        if is_trouble(view)
        else with_purpose(view, "check.host")
    )
    if kept_in(view, command) or not is_here(command):
        return done(view, ("incident.evidence", "check.host") if is_trouble(view) else ("report", "check.host"))
    match command.name:
        case "free":
            return looked(view, capabilities, "memory.usage" if understood(view, command, _FREE, "awk") else "", (_MEMORY,))
        case "uptime":
            return looked(view, capabilities, "host.load" if understood(view, command, ("-p", "-s")) else "", (_LOAD,))
        case "top" | "htop" | "atop" | "btop" | "glances":
            return _watched(view, capabilities, command.has_flag("-b"), understood(view, command, _TOP, "sed", "awk"))
        case name:
            return done(view, capabilities, f"host.{name}" if understood(view, command, ("-s", "-w", "-P", "-u", "-r", "-d")) else "")


def _proc(view: View) -> Found | None:
    """``cat /proc/loadavg`` and what else reads the kernel's own figures (proc(5))."""
    command = main_command(view, *_READERS)
    files = [word.filled for word in command.operands] if command else []
    draft = next((draft for name, draft in (("/proc/loadavg", _LOAD), ("/proc/meminfo", _MEMORY)) if name in files), None)
    if command is None or draft is None or kept_in(view, command) or not is_here(command):
        return None
    operation = "host.load" if draft is _LOAD else "memory.usage"
    clear = understood(view, command, words("-d -f -i -c -n -1"))
    return looked(view, with_purpose(view, "check.host", "metric"), operation if clear else "", (draft,))


def _watched(view: View, capabilities: tuple[str, ...], once: bool, clear: bool) -> Found:
    """A screen that a person looks at becomes the two figures that it is opened for."""
    if once and "cpu" in view.item.text.lower():
        return looked(view, capabilities, "host.cpu" if clear else "", (_CPU,))
    reason = "a person looks at its screen until they close it; the checks look at processors and memory instead"
    return looked(view, capabilities, "host.processes" if clear else "", (_CPU, _MEMORY), "" if once else reason)


RECOGNISER = Recogniser(
    "memory",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    (*_PROGRAMS, *_READERS),
    order=45,
    example="""\
# Shop

## Morning

```bash
free -h
htop
```
""",
)
