"""What the text around a command says it is for: labels of checks, cadences of sections, what a script calls itself.

Shared by the rules on checks and on unattended work. Pure.
"""

import re
from posixpath import basename
from urllib.parse import urlsplit

from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.parts import CronEntry
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

CHECK = re.compile(r"\b(check|verif|validat|test|health|status|connectivity|monitor|ensur|confirm)", re.IGNORECASE)
"""Words that say that something is to be found out."""
PROOF = re.compile(r"\b(verif|validat|test|health|connectivity|ensur|confirm)", re.IGNORECASE)
"""Words that promise more than a look: they say that something is in order."""
_HEADING = re.compile(r"\b(health checks?|status|connectivity|verification)\b", re.IGNORECASE)
_HEALTH_PATH = re.compile(r"(^|[/_-])(health\w*|status|ready\w*|live\w*|ping|test)([/_-]|$)", re.IGNORECASE)
_CADENCE = re.compile(
    r"\b(hourly|daily|nightly|morning|weekly|monthly|quarterly|yearly|annual|routine|checklists?|maintenance|schedules?|scheduled|monitoring)\b",
    re.I,
)
_EMERGENCY = re.compile(r"\b(emergency|incidents?|troubleshoot\w*|recovery|restor\w*|diagnos\w*|outage|playbooks?|issues|tuning)\b", re.I)
_CALLED_CHECK = re.compile(r"check|maintenance|audit|\btest|verif|monitor|health", re.IGNORECASE)
_CALLED_REPORT = re.compile(r"report|analy[sz]|review|\binfo\b|summary|usage", re.IGNORECASE)
_REACH = 8


def comment_over(manual: Manual, command: ShellCommand) -> str:
    """The comment over the command's group: over its line, or over the lines without a gap that it belongs to (inside an if, a loop or a
    function only over its line). Empty where there is none."""
    line, reach = command.line - 1, 1 if command.guards or command.function else _REACH
    while reach > 1 and (text := manual.line_text(line).strip()) and not text.startswith(("#", "`")):
        line, reach = line - 1, reach - 1
    said: list[str] = []
    while (text := manual.line_text(line).strip()).startswith("#"):
        said.insert(0, "" if text.startswith("#!") else text.lstrip("# "))
        line -= 1
    return " ".join(said).strip()


def announced_by(command: ShellCommand) -> str:
    """What the echoes among the two commands before it say."""
    said: list[str] = []
    before = command.previous
    for _ in range(2):
        if before is None:
            break
        if before.name in ("echo", "printf") and before.output.how != "file":
            said.append(" ".join(word.filled for word in before.arguments))
        before = before.previous
    return " ".join(said)


def path_of(command: ShellCommand) -> str:
    """The path of the first address in its words; empty where there is none."""
    words = [word.filled for word in command.arguments]
    address = next((word for word in words if word.startswith(("http://", "https://"))), "")
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def asks_for_health(command: ShellCommand) -> bool:
    """Whether it asks for a page such as /health, /status or /ready."""
    return bool(_HEALTH_PATH.search(path_of(command)))


def labels(manual: Manual, command: ShellCommand, words: re.Pattern[str] = CHECK) -> frozenset[str]:
    """What calls it a check: ``comment``, ``echo``, ``url`` and ``heading``."""
    found = {
        "comment": words.search(comment_over(manual, command)),
        "echo": words.search(announced_by(command)),
        "url": asks_for_health(command),
        "heading": _HEADING.search(manual.section_of(command.line).title),
    }
    return frozenset(name for name, value in found.items() if value)


def titles(manual: Manual, line: int) -> str:
    """The titles of the sections around a line, without that of the document."""
    path = manual.section_of(line).path
    return " / ".join(path[1:] if len(path) > 1 else path)


def recurs(manual: Manual, line: int) -> bool:
    """Whether a line stands below a heading that names a cadence, and below none that speaks of an emergency."""
    around = titles(manual, line)
    return bool(_CADENCE.search(around)) and not _EMERGENCY.search(around)


def in_emergency(manual: Manual, line: int) -> bool:
    """Whether a line stands below a heading on incidents, recovery or troubleshooting."""
    return bool(_EMERGENCY.search(titles(manual, line)))


def unattended(script: Script) -> bool:
    """Whether it runs by itself: a script of its own or a line of a crontab."""
    return script.complete or script.origin == "cron"


def called(manual: Manual, script: Script) -> str:
    """What a script calls itself: its file's name, the first thing it says, and the heading over it."""
    said = next((" ".join(w.filled for w in command.arguments) for command in script.commands[:3] if command.name == "echo"), "")
    return " / ".join((basename(script.file), said, manual.section_of(script.line).title))


def calls_itself_a_check(manual: Manual, script: Script) -> bool:
    """Whether a complete script says that it checks, maintains or responds, rather than that it reports."""
    name = called(manual, script)
    return script.complete and bool(_CALLED_CHECK.search(name)) and not _CALLED_REPORT.search(basename(script.file) or name)


def entries_of(manual: Manual, script: Script) -> tuple[CronEntry, ...]:
    """The crontab entries that run a script, by its file's name."""
    name = basename(script.file)
    if not name:
        return ()
    whole = re.compile(rf"(^|[\s/]){re.escape(name)}(\s|$)")
    return tuple(entry for entry in manual.cron if name in entry.command and not entry.commented and whole.search(entry.command))


def minutes_between(schedule: str) -> int | None:
    """How many minutes apart a schedule runs where it runs each hour (crontab(5): ``*``, ``*/n`` or a list as minute); else None."""
    fields = schedule.split()
    if len(fields) < 2 or fields[1] not in ("*", "*/1"):
        return None
    if fields[0] in ("*", "*/1"):
        return 1
    match = re.fullmatch(r"\*/(\d{1,2})", fields[0])
    if match:
        return int(match[1])
    times = fields[0].split(",")
    return 60 // len(times) if len(times) > 1 else None


def in_expanding_heredoc(manual: Manual, line: int) -> bool:
    """Whether a line stands in a here-document whose text the outer shell expands."""
    return any(
        command.heredoc is not None and command.heredoc.expands and command.heredoc.line <= line <= command.heredoc.end_line
        for script in manual.scripts
        if script.line <= line <= script.end_line
        for command in script.commands
    )
