"""Ports that are listened on and connections that are open: ``netstat``, ``ss`` and ``lsof`` (ss(8), lsof(8))."""

import re

from keepwell.rooms.manual.importing.filled_words import Filled, fill, is_here, knows, look, step, to_file, understood_behind
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_PROGRAMS = ("netstat", "ss", "lsof")
_SECURITY = re.compile(r"secur|audit|unusual|suspicious|intrusion|firewall|open ports|hardening")
_FAMILY_FLAGS = frozenset(
    ("-a", "-l", "-n", "-t", "-u", "-p", "-e", "-4", "-6", "-H", "-s", "-o", "-i", "-r", "-x", "-W", "-P", "--listening")
)


def _read(view: View) -> Found | None:
    for command in view.pipeline:
        if command.name in _PROGRAMS:
            return _open_files(view, command) if command.name == "lsof" else _sockets(view, command)
    return None


def _sockets(view: View, command: ShellCommand) -> Found:
    known = all(flag in _FAMILY_FLAGS or flag == "-c" for flag in command.flags) and understood_behind(command)
    operation = f"{command.name}.list" if known else ""
    security = bool(_SECURITY.search(view.words))
    counts = any(other.name == "wc" or (other.name == "grep" and other.has_flag("-c")) for other in command.pipeline)
    if counts:
        return _counted(view, command, operation, security)
    if to_file(command):
        evidence = re.search(r"incident|evidence|forensic", view.words + command.pipeline[-1].text.lower())
        return step(
            view, ("security.network",) if security else ("incident.evidence", "check.port") if evidence else ("diagnostics",), operation
        )
    searched = next((other for other in command.pipeline if other.name in ("grep", "egrep") and not other.has_flag("-v")), None)
    if searched is None or command.has_flag("-i", "-r", "-s"):
        return step(view, ("security.network", "diagnostics") if security else ("diagnostics", "check.port"), operation)
    port = _port_of(view, searched.operands[0].filled if searched.operands else "")
    capabilities = ("security.network", "check.port") if security else ("check.port",)
    draft = CheckDraft("tcp", {"address": f"127.0.0.1:{port}"}) if port and is_here(command) else None
    return look(view, capabilities, operation, draft, fill(view, *searched.operands[:1]))


def _open_files(view: View, command: ShellCommand) -> Found:
    place = command.option("-i")
    text = place.filled if place else next((word.filled for word in command.operands), "")
    match = re.search(r":(\d{1,5})\b", text) or re.search(r":(\d{1,5})\b", " ".join(word.filled for word in command.words))
    if match and 0 < int(match[1]) < 65536 and is_here(command):
        draft = CheckDraft("tcp", {"address": f"127.0.0.1:{match[1]}"})
        return look(view, ("check.port",), "lsof.list", draft, Filled(()))
    return step(view, ("diagnostics",), "lsof.list" if knows(command, ("-p", "-n", "-P", "-u", "-i", "-t")) else "")


def _counted(view: View, command: ShellCommand, operation: str, security: bool) -> Found:
    """Connections of a port, counted: ss counts them by their own state, not by what stands anywhere in a line."""
    greps = [other for other in command.pipeline if other.name in ("grep", "egrep") and other.operands]
    port = next((match[1] for other in greps if (match := re.search(r":?(\d{2,5})\b", other.operands[0].filled))), "")
    established = [other for other in greps if "ESTAB" in other.operands[0].filled]
    state = "" if not established else "exclude established" if established[0].has_flag("-v") else "state established"
    draft = None
    if port and 0 < int(port) < 65536 and is_here(command):
        text = " ".join(part for part in ("ss -Htn", state or "state connected", f"'( sport = :{port} )'", "| wc -l") if part)
        draft = CheckDraft("command", {"shell": text}, name=f"connections {port}", measures=("connections",))
    capabilities = ("security.network", "metric") if security else ("metric", "check.port")
    return look(view, capabilities, operation, draft, Filled(()))


def _port_of(view: View, pattern: str) -> int:
    """The port that is looked for: its number, or the only one at which the manual asks the program on this host."""
    number = re.fullmatch(r"[:\"']?:?(\d{1,5})[\"'\s]*", pattern.strip())
    if number:
        return int(number[1]) if 0 < int(number[1]) < 65536 else 0
    local = {address.port for address in view.manual.names.addresses if address.host in ("localhost", "127.0.0.1") and address.port}
    return next(iter(local)) if len(local) == 1 else 0


RECOGNISER = Recogniser(
    "sockets",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    _PROGRAMS,
    order=40,
    example="""# Ports
```bash
ss -tln | grep 8080
netstat -an | grep :8080 | grep ESTABLISHED | wc -l
```
""",
)
