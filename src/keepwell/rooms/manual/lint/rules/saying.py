"""What a manual says over a command: comments, echoes and headings, in small letters. Shared by rules."""

import re
from bisect import bisect_left, bisect_right

from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Note, Script, ShellCommand

_FAR = 20
VERIFY = re.compile(r"verif|validat|integrity|\btest(?:s|ing)?\b|\bcheck(?:s|ing)?\b|\bconfirm|\bensure")
BACKUP = re.compile(r"back(?:ing)?[ _-]?up|backed up|\bbak\b|dump|snapshot|archiv")
RESTORE = re.compile(r"restor|recover")
LOOKS = frozenset(
    [
        "curl",
        "wget",
        "journalctl",
        "pg_isready",
        "tail",
        "ps",
        "ss",
        "netstat",
        "nc",
        "ping",
        "pgrep",
        "nginx",
        "httpie",
        "http",
        "k6",
        "dig",
    ]
)
_LOOKING = {
    "systemctl": ("is-active", "status", "is-failed", "list-units"),
    "docker": ("ps", "logs", "inspect", "stats"),
    "docker-compose": ("ps", "logs", "top"),
    "kubectl": ("get", "logs", "describe", "top", "wait"),
    "oc": ("get", "logs", "describe", "wait", "status"),
    "redis-cli": ("ping", "info"),
}


def said_over(script: Script, line: int) -> str:
    """The nearest comment lines above a line of a script, joined: what stands over a group of commands, up to 20 lines away."""
    at = bisect_left(script.comments, line, key=_line) - 1
    while at >= 0 and script.comments[at].trailing:
        at -= 1
    texts: list[str] = []
    above = script.comments[at].line if at >= 0 else 0
    while at >= 0 and line - above <= _FAR + len(texts) and script.comments[at].line == above and not script.comments[at].trailing:
        texts.insert(0, script.comments[at].text)
        at, above = at - 1, above - 1
    return " ".join(texts).lower()


def until_next_comment(script: Script, line: int) -> int:
    """The last line that the comment at a line speaks for: the one before the next comment, or the script's last."""
    at = bisect_right(script.comments, line, key=_line)
    while at < len(script.comments) and script.comments[at].trailing:
        at += 1
    return script.comments[at].line - 1 if at < len(script.comments) else script.end_line


def commands_between(script: Script, first: int, last: int) -> tuple[ShellCommand, ...]:
    """The commands that begin in these lines."""
    start, end = bisect_left(script.commands, first, key=_line), bisect_right(script.commands, last, key=_line)
    return script.commands[start:end]


def _line(one: Note | ShellCommand) -> int:
    return one.line


def heading_over(manual: Manual, line: int) -> str:
    """The title of the innermost section."""
    return manual.section_of(line).title.lower()


def headings_over(manual: Manual, line: int) -> str:
    """The titles of all sections around a line but the document's own title."""
    section = manual.section_of(line)
    path = section.path[1:] if len(section.path) > 1 and manual.headings and section.path[0] == manual.title else section.path
    return "\n".join(path).lower()


def purpose(manual: Manual, script: Script) -> str:
    """What a script calls itself: its file, its first comment, and the headings over it."""
    first = next((note.text for note in script.comments if note.line <= script.line + 3), "") if script.complete else ""
    return "\n".join((script.file.rpartition("/")[2], first, headings_over(manual, script.line))).lower().replace("_", " ")


def echoed_before(command: ShellCommand) -> str:
    """What an echo directly before a command says."""
    before = command.previous
    is_near = before is not None and before.name in ("echo", "printf") and command.line - before.line <= 2
    return " ".join(word.filled for word in before.arguments).lower() if before is not None and is_near else ""


def label(script: Script, command: ShellCommand) -> str:
    """What is said directly over a command: the comment over its group and the echo before it."""
    return f"{said_over(script, command.line)} {echoed_before(command)}".strip()


def is_look(command: ShellCommand) -> bool:
    """Whether a command shows how a service is."""
    words = [word.filled.lower() for word in command.words]
    if command.name in LOOKS:
        return True
    if command.name in ("docker", "podman") and "compose" in words[:2]:
        return any(word in _LOOKING["docker-compose"] for word in words)
    if command.name in ("kubectl", "oc") and "rollout" in words:
        return "status" in words
    if command.name == "service":
        return "status" in words
    if command.name in ("psql", "mysql", "mongosh"):
        return any("select" in word for word in words)
    name = words[0].rpartition("/")[2] if words else ""
    if name.endswith((".sh", ".py")) and re.search(r"check|test|verif|smoke|health|status|monitor", name):
        return True
    return command.subcommand in _LOOKING.get(command.name, ())


def short(text: str, longest: int = 80) -> str:
    """Text for a message: one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 3].rstrip() + "..."
