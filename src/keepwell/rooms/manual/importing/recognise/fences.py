"""Fences as a whole: what most of their content is."""

import re
from collections.abc import Sequence

from keepwell.rooms.manual.importing.fence_fates import majority
from keepwell.rooms.manual.importing.limits_in_words import limits_in
from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.importing.placeholders import missing_in
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Fence, Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_LOOKS = frozenset(("df", "du", "free", "uptime", "ps", "pgrep", "netstat", "ss", "lsof", "pg_isready", "nslookup", "dig", "host")) | {
    "ping", "nc", "curl", "wget", "nvidia-smi", "vmstat", "iostat", "test", "[", "[[", "((", "ocm", "lscpu", "top", "htop"
}  # fmt: skip
_READS = re.compile(
    r"^\S*(?:systemctl (?:status|is-\w+|show|list-\S+)"
    r"|(?:docker|podman|docker-compose)(?:\s-\S+ \S+)* (?:compose )?(?:ps|stats|inspect|images|system df|info|top)"
    r"|(?:kubectl|oc)(?: .*)? (?:get|top|cluster-info)\b|redis-cli (?:.*)?(?:ping|info|dbsize)\b"
    r"|openssl (?:x509|s_client)|psql .*\bselect\b)",
    re.IGNORECASE | re.DOTALL,
)
_BY_PROGRAM = frozenset(("systemctl", "docker", "docker-compose", "podman", "kubectl", "oc", "redis-cli", "openssl", "psql"))
_CHANGES = re.compile(
    r"\s(?:-X\s*(?:POST|PUT|PATCH|DELETE)|--request[ =](?:POST|PUT|PATCH|DELETE)|-d|--data\S*)\s|\bpg_terminate|\bdelete\b", re.IGNORECASE
)
_BACKUP = re.compile(r"\bpg_dump|\bmysqldump|\b(?:tar|cp|rsync|gzip|aws s3|find|ls|mkdir)\b.*\bbackup", re.IGNORECASE)
_LOGS = re.compile(
    r"^(?:logrotate|journalctl|tail -[fn]|(?:grep|awk|zgrep|find|gzip|sort|cat)\b.*(?:\.log\b|/logs?/|logs/))", re.IGNORECASE
)
_TALK = frozenset(("echo", "printf", "sleep", "set", "cd", "exit", "date", "export", "source", "true", "local", "return"))
_TREE = re.compile(r"[├└│]|^\s*\|--|`--", re.MULTILINE)
_DRAWING = re.compile(r"[↓→←↑▼►┌┐─═]|-->|==>|\+-{3,}\+")
_LOG_LINE = re.compile(r"^\W*(?:\d{4}-\d{2}-\d{2}|\w{3} +\d+ |[IWEF]\d{4} )|\"level\"\s*:|\b(?:ERROR|WARN|INFO|DEBUG)\b", re.MULTILINE)


def read(view: View) -> Found | None:
    """Any fence that nothing else knows."""
    fence = view.fence
    if fence is None:
        return None
    if fence.language in ("shell", "console"):
        return _shell(view, fence)
    match fence.language:
        case "crontab":
            return Found(Fate.TASK, about(view, "schedule"))
        case "logrotate":
            return Found(Fate.LOGS, ("logs.rotate", "security.permissions"))
        case "sql":
            return _sql(view, fence)
        case "promql":
            return _promql(view, fence)
    return _text(view, fence)


def _shell(view: View, fence: Fence) -> Found:
    script = fence.script
    commands = [command for command in script.commands if command.depth == 0 and command.is_first] if script else []
    if fence.output and not commands:
        return Found(Fate.EXAMPLE, about(view))
    if not commands and not (script and script.assignments):
        if fence.cron:
            return Found(Fate.TASK, about(view, "schedule"))
        # Nothing but comments: what they ask is a person's.
        return Found(Fate.CHECKLIST if "#" in fence.content else Fate.NARRATIVE, about(view), disposition=Disposition.HUMAN)
    if fence.content.startswith("#!") or any(command.loops or command.condition_of or command.function for command in commands):
        return Found(Fate.BACKUP if _purpose(view, commands) else Fate.STEP, about(view))
    fate = majority([_fate(command) for command in commands if command.name not in _TALK])
    return Found(fate or Fate.STEP, about(view))


def _purpose(view: View, commands: Sequence[ShellCommand]) -> bool:
    """Whether a script is a backup: most of what it does, and its heading, say so."""
    telling = [command for command in commands if command.name not in _TALK and command.name]
    backs_up = sum(bool(_BACKUP.search(command.text)) for command in telling)
    return bool(re.search(r"\bbackups?\b", view.title, re.IGNORECASE)) and backs_up * 2 > len(telling)


def _fate(command: ShellCommand) -> Fate:
    text = command.text
    if _BACKUP.search(text):
        return Fate.BACKUP
    if _LOGS.search(text) or (command.name in ("docker", "docker-compose", "kubectl", "oc") and re.search(r"\blogs\b", text)):
        return Fate.LOGS
    if command.name in _BY_PROGRAM:
        return Fate.CHECK if _READS.search(text) and not _CHANGES.search(text) else Fate.STEP
    return Fate.CHECK if command.name in _LOOKS and not _CHANGES.search(f" {text} ") else Fate.STEP


def _sql(view: View, fence: Fence) -> Found:
    """Statements that define or set are tuning; those that show or change are a procedure."""
    verbs = [statement.verb for statement in fence.statements]
    defines = [verb for verb in verbs if verb in ("CREATE", "ALTER", "SET", "DROP", "GRANT", "REINDEX")]
    if verbs and len(defines) * 2 > len(verbs):
        return Found(Fate.EXAMPLE, about(view, "database.tuning"))
    return Found(Fate.STEP, about(view, "database.report", fallback="database.report"))


def _promql(view: View, fence: Fence) -> Found:
    """An expression with a limit is a rule, else something to look at; both need to know where the samples are."""
    fate = (
        Fate.RULE
        if limits_in(re.sub(r"\{[^}]*\}", "", fence.content[:2000])) or re.search(r"[^=!~<>][<>]=?\s*[\d.]+", fence.content[:2000])
        else Fate.CHECK
    )
    where = Missing("PROMETHEUS_URL", Wanting.VALUE, "promql", "At which address does Prometheus answer?", "url")
    missing = (*missing_in(view, fence.content), *(() if "PROMETHEUS_URL" in view.values else (where,)))
    reason = "it is asked of Prometheus, and the manual does not say where that is" if where in missing else ""
    disposition = Disposition.MISSING if missing else Disposition.CARRIED
    return Found(fate, about(view, "check.promql"), disposition=disposition, missing=missing, reason=reason)


def _text(view: View, fence: Fence) -> Found:
    content = fence.content
    if _TREE.search(content):
        is_logs = content.count(".log") > 1 or re.search(r"\blogs?\b", view.title, re.IGNORECASE)
        return Found(Fate.LOGS, ("logs.layout", "logs.rotate")) if is_logs else Found(Fate.NARRATIVE, ("docs",))
    if _DRAWING.search(content) or not content.strip():
        return Found(Fate.NARRATIVE, ("docs",))
    if re.search(r"\btemplate\b", view.title, re.IGNORECASE):
        return Found(Fate.TEMPLATE, about(view))
    if fence.language in ("text", "output") or _LOG_LINE.search(content):
        return Found(Fate.EXAMPLE, about(view))
    return Found(Fate.NARRATIVE if fence.language in ("markdown", "md", "mermaid", "plantuml", "dot") else Fate.EXAMPLE, about(view))


RECOGNISER = Recogniser(
    "fences",
    (Kind.FENCE,),
    read,
    order=90,
    example="""\
## Is it there?

```bash
df -h /srv
pg_isready -h 127.0.0.1
```
""",
)
