"""Programs that a manual calls and does not contain: bound, by what their names say they are for, to what does that job in Keepwell."""

import re
from dataclasses import dataclass

from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.importing.placeholders import missing_in
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_SCRIPT = re.compile(r"[\w./${}~-]*?([\w-]+)\.(?:sh|bash|py|pl|rb|ps1)")
_INTERPRETERS = frozenset(("python", "python3", "bash", "sh", "perl", "ruby", "node", "pwsh"))


@dataclass(frozen=True, slots=True)
class _Purpose:
    """What a name says it is for: the fate and capability of a call, and what in Keepwell does that job (empty: nothing)."""

    words: re.Pattern[str]
    fate: Fate
    capability: str
    instead: str


def _purpose(words: str, fate: Fate, capability: str, instead: str) -> _Purpose:
    return _Purpose(re.compile(words), fate, capability, instead)


_PURPOSES = (
    _purpose(
        r"(?:test|verif|check|validat)\w*[-_ ].*backup|backup\w*[-_ ](?:test|verif|check)",
        Fate.BACKUP,
        "backup.verify",
        "the proofs of a backup",
    ),
    _purpose(r"(?:restor|recover)\w*[-_ ].*(?:database|db|sql)", Fate.STEP, "restore.database", "the restore of a backup"),
    _purpose(r"(?:restor|recover)\w*[-_ ].*conf", Fate.STEP, "restore.config", "the restore of a backup"),
    _purpose(r"disaster", Fate.STEP, "dr.drill", "a drill: a runbook that is run on its schedule"),
    _purpose(r"fail-?over", Fate.STEP, "failover", "a drill: a runbook that is run on its schedule"),
    _purpose(r"restor|recover", Fate.STEP, "restore.system", "the restore of a backup"),
    _purpose(r"backup|dump|snapshot", Fate.BACKUP, "backup.files", "a backup"),
    _purpose(r"(?:test|check)\w*[-_ ].*(?:monitor|alert)", Fate.STEP, "dr.drill", "a test of the way that alerts take"),
    _purpose(r"rotat\w*[-_ ].*log|log\w*[-_ ]rotat", Fate.LOGS, "logs.rotate", "a log policy"),
    _purpose(r"load[-_ ]?test", Fate.STEP, "report", "a report"),
    _purpose(r"(?:integration|performance|unit|smoke|regression|e2e)[-_ ]?tests?$", Fate.STEP, "change", ""),
    _purpose(r"doc\w*[-_ ]report|report[-_ ]doc", Fate.STEP, "docs", ""),
    _purpose(r"(?:access|audit|security)[-_ ]?logs?", Fate.LOGS, "security.patterns", "an analysis of logs"),
    _purpose(r"errors?|log[-_ ]?(?:s|analy)|analy\w*[-_ ].*log", Fate.LOGS, "logs.analyse", "an analysis of logs"),
    _purpose(r"capacity|forecast|growth", Fate.STEP, "capacity", "the forecast of capacity"),
    _purpose(r"security|vulnerab|audit", Fate.STEP, "security.vulnerabilities", "an audit"),
    _purpose(r"report|analy[sz]|statist|trend", Fate.STEP, "report", "a report"),
    _purpose(r"health|check|monitor|probe|status", Fate.CHECK, "check.http", "the checks"),
    _purpose(r"migrat|upgrade|updat", Fate.STEP, "update", ""),
    _purpose(r"deploy|release|roll-?out", Fate.STEP, "deploy", ""),
    _purpose(r"roll-?back", Fate.STEP, "rollback", ""),
    _purpose(r"clean|prune|purge", Fate.STEP, "cleanup", ""),
    _purpose(r"rotat.*key|key.*rotat", Fate.STEP, "keys.rotate", "the rotation of a key"),
    _purpose(r"notif|alert", Fate.STEP, "notify", "a receiver"),
)


def script_of(command: ShellCommand) -> str:
    """The script that a command runs (``./x.sh``, ``python3 x.py``); empty where it runs none."""
    words = command.words
    if command.name in _INTERPRETERS:
        words = command.operands[:1]
    text = words[0].filled if words else ""
    return text if _SCRIPT.fullmatch(text) else ""


def _read(view: View) -> Found | None:
    ends = (view.pipeline[0], view.pipeline[-1]) if view.pipeline else ()
    path = next((script for command in ends if (script := script_of(command))), "")
    if not path:
        return None
    name = path.rstrip("/").rpartition("/")[2]
    if view.manual.names.defines(name):
        return Found(Fate.STEP, _capabilities(view, name), "runbook.run", reason=f"{name} stands in the manual: its runbook is run")
    purpose = _find(name, view)
    instead = f"; {purpose.instead} of Keepwell {_does(purpose.instead)} that job" if purpose and purpose.instead else ""
    missing = Missing(name, Wanting.SCRIPT, path, f"{name} is called and stands nowhere in the manual{instead}", "path")
    fate = purpose.fate if purpose else Fate.STEP
    # What Keepwell does by itself is typed: the arguments of the script are of no matter then.
    operation = "keepwell." + purpose.capability if purpose and purpose.instead else ""
    return Found(
        fate,
        _capabilities(view, name),
        operation,
        disposition=Disposition.MISSING,
        reason=missing.asks,
        missing=(missing, *missing_in(view)),
    )


def _does(what: str) -> str:
    return "do" if what.startswith(("the checks", "the proofs")) else "does"


def _find(name: str, view: View) -> _Purpose | None:
    stem = name.rpartition(".")[0].lower().replace("_", "-")
    found = next((purpose for purpose in _PURPOSES if purpose.words.search(stem)), None)
    return found or next((purpose for purpose in _PURPOSES if purpose.words.search(view.comment.lower())), None)


def _capabilities(view: View, name: str) -> tuple[str, ...]:
    purpose = _find(name, view)
    if purpose is None:
        return ("runbook",)
    capability = purpose.capability
    words = view.item.text.lower()
    if capability == "backup.files" and re.search(r"database|\bdb\b|sql", words):
        capability = "backup.database"
    if capability == "logs.analyse" and re.search(r"root cause|post-?mortem|incident|review", view.words):
        return ("incident.review", "logs.analyse")
    if capability == "security.patterns" and view.pipeline and view.pipeline[0].name in ("grep", "cat", "awk"):
        return ("logs.analyse", "security.patterns")
    return (capability,)


RECOGNISER = Recogniser(
    "scripts",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    order=30,
    example="# Weekly\n\n```bash\n./scripts/verify-backups.sh\n```\n",
)
