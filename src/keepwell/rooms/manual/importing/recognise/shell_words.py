"""The shell's own words and the small tools for files: echo, cd, sleep, mkdir, rm, mv, cp, cat, ls, date, watch, ssh and their like."""

import re

from keepwell.rooms.manual.importing.command_words import arguments_of, done, is_here, kept_in, looked, main_command, understood, words
from keepwell.rooms.manual.importing.embedded_commands import capabilities_inside, commands_in
from keepwell.rooms.manual.importing.model import CheckDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import comment_of, is_trouble, purpose_in, purposes, with_purpose, within
from keepwell.rooms.manual.importing.topics import capabilities_of
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_TALKS = ("echo", "printf")
_CONTROL = words(
    "cd pushd popd sleep wait exit return true false : set shift trap source . read eval break continue unset alias date "
    "export local readonly declare typeset seq tput clear yes basename dirname realpath bc expr xargs tee jobs"
)
_PLAIN = words("cd pushd popd sleep wait exit return true false set shift date tput clear seq basename dirname")
"""Those whose words are all they do: not what reads commands from elsewhere."""
_WAITS_FOR = {"curl": "check.http", "wget": "check.http", "pg_isready": "check.postgres", "redis-cli": "check.redis"}
"""A pause is a part of the look that follows it."""
_FILES = {
    "mkdir": "make_folder",
    "rm": "remove",
    "rmdir": "remove",
    "mv": "move",
    "cp": "copy",
    "touch": "touch",
    "ln": "link",
    "truncate": "truncate",
    "shred": "remove",
    "install": "copy",
}
_FLAGS = words("-o -x -p -v -r -R -f -a -rf -fr -i -s -n -u -t -sf -d -l -h -la -lh -1 -S --parents --recursive --force -c -e -E -P")
_FIND = words("-name -iname -type -path -not -maxdepth -mindepth -print -exec -o -a -newer -mtime -mmin -empty -user -group -ls -regex")
_OTHERS = (
    "cat",
    "less",
    "more",
    "ls",
    "find",
    "wc",
    "head",
    "tree",
    "file",
    "watch",
    "ssh",
    "diff",
    "stat",
    "md5sum",
    "sha256sum",
    "strings",
    "hexdump",
)
_BACKUPS = re.compile(r"backup|\bbak\b|dump|snapshot", re.IGNORECASE)
_LOGS = re.compile(r"/var/log\b|\.log\b|\blogs?/|\$\{?\w*LOG\w*", re.IGNORECASE)
_OUTCOME = re.compile(r"\bbackups?\b.*\b(?:fail\w*|success\w*|complete[ds]?|created|verified)\b", re.IGNORECASE)
_TEMPORARY = re.compile(r"^/(?:var/)?tmp/|\btemp|\bcache\b|\.tmp\b", re.IGNORECASE)
_FORM = re.compile(r"\[[A-Za-z][\w ,/-]*\]|<[a-z][\w -]*>|_{3,}|^- \[ \]", re.MULTILINE)


def read(view: View) -> Found | None:
    """What an item of the shell's own words becomes."""
    command = main_command(view)
    if command is None:
        return None
    match command.name:
        case name if name in _TALKS:
            return Found(Fate.STEP, _said(view, command))
        case name if name in _FILES:
            return _files(view, command)
        case name if name in _CONTROL:
            clear = name in _PLAIN and understood(view, command, _FLAGS)
            behind = _WAITS_FOR.get(command.next.name, "") if name == "sleep" and command.next else ""
            capabilities = tuple(dict.fromkeys((*purposes(view)[: 1 if behind else 2], *((behind,) if behind else ()))))
            return Found(Fate.STEP, capabilities, f"shell.{name}" if clear else "")
        case "watch" | "ssh":
            return _elsewhere(view, command)
        case "find":
            return _searched(view, command)
        case "ls" | "tree":
            return _list(view, command)
        case name if name in _OTHERS:
            return _shown(view, command)
    return None


def _said(view: View, command: ShellCommand) -> tuple[str, ...]:
    """What an echo is about: the command that it names, the file that it writes, or what it says."""
    text = " ".join(word.filled for word in command.arguments if word.filled not in ("-e", "-n", "-E", "-ne", "-en"))
    named = capabilities_inside(view, text)
    target = kept_in(view, command)
    if named:
        label = capabilities_of(text.partition(":")[0])
        known = [word for word in named[:1] if word != "runbook"]
        kept = ["incident.evidence"] if ">" in text and is_trouble(view) else []
        return tuple(dict.fromkeys((*known, *kept, *label[:1], *named, *purposes(view))))[:2]
    if not target and _OUTCOME.search(text):
        return with_purpose(view, *([special] if (special := within(view, "restore")) else []), "backup.verify")
    if target and re.search(r"\bALERT\b", text):
        return with_purpose(view, "notify", "logs.layout")
    if target and _BACKUPS.search(target) and not _LOGS.search(target):
        return with_purpose(view, "check.backup_freshness", "backup.verify")
    if target and (_LOGS.search(target) or _LOGS.search(command.text.partition(">>")[2])) and "report" not in target.lower():
        return with_purpose(view, "logs.layout")
    if target and (found := within(view, "docs", "report", "incident.evidence")):
        return with_purpose(view, found)
    said = [
        word
        for word in capabilities_of(text)
        if word.partition(".")[0] in ("escalate", "incident", "backup", "restore", "security", "notify")
    ]
    return tuple(dict.fromkeys((*said[:1], *with_purpose(view))))[:2]


def _files(view: View, command: ShellCommand) -> Found:
    operation = f"files.{_FILES[command.name]}" if understood(view, command, _FLAGS) else ""
    paths = [view.text(word) or word.filled for word in command.operands]
    special = within(view, "restore", "rollback")
    if command.name == "cp" and not special and paths and (_BACKUPS.search(paths[-1]) or purpose_in(comment_of(view)).startswith("backup")):
        return done(view, with_purpose(view, within(view, "backup") or "backup.files"), operation, Fate.BACKUP)
    if command.name in ("rm", "rmdir", "shred", "truncate"):
        removes = "backup.retention" if paths and all(_BACKUPS.search(path) for path in paths) and not special else "cleanup"
        paths = [path for path in paths if not path.isdigit()]
        logs = bool(paths) and all(_LOGS.search(path) for path in paths)
        return done(
            view, with_purpose(view, "logs.cleanup" if logs else "cleanup" if any(map(_TEMPORARY.search, paths)) else removes), operation
        )
    if command.name in ("cp", "mv", "install"):
        # What is put back from a backup outside of a restore is an older version of a program.
        brings_back = command.name == "cp" and len(paths) > 1 and _BACKUPS.search(paths[0]) and not _BACKUPS.search(paths[-1])
        own = special or ("rollback" if brings_back else "")
        return done(view, with_purpose(view, *([own] if own else [])), operation)
    return done(view, with_purpose(view), operation)


def _elsewhere(view: View, command: ShellCommand) -> Found:
    """``watch CMD`` and ``ssh host CMD``: what matters is the command inside."""
    inner = " ".join(word.filled for word in command.operands[1 if command.name == "ssh" else 0 :])
    named = capabilities_inside(view, inner, anywhere=True)
    clear = bool(commands_in(inner, anywhere=True)) and understood(view, command, ("-n", "-d", "-t", "-i", "-p"))
    if command.name == "watch":
        reason = "watch shows it again and again until somebody stops it; the page of a check shows its newest figures"
        return done(view, with_purpose(view, "dashboard", *named[:1]), "person.watch" if clear else "", reason=reason)
    special = within(view, "failover", "restore", "deploy", "rollback")
    return done(view, with_purpose(view, *([special] if special else []), *named[:1]), "")


def _searched(view: View, command: ShellCommand) -> Found:
    """``find`` that only looks: for what the section is about."""
    changes = command.has_flag("-delete", "-ok", "-execdir") or any(part.name == "xargs" for part in command.pipeline)
    run = command.option("-exec")
    looks = not changes and (run is None or run.filled in ("grep", "ls", "stat", "du", "wc", "head", "cat", "file", "md5sum", "sha256sum"))
    about = purpose_in(comment_of(view)) or purpose_in(view.title)
    own = about if about or not looks else "diagnostics"
    return done(view, with_purpose(view, *([own] if own else [])), "files.find" if looks and understood(view, command, _FIND) else "")


def _list(view: View, command: ShellCommand) -> Found:
    """``ls``: of a backup folder it verifies, of a log folder it looks, elsewhere it shows."""
    paths = [view.text(word) or word.filled for word in command.operands]
    operation = "files.list" if understood(view, command, _FLAGS) else ""
    run = arguments_of(view, command)
    if any(_BACKUPS.search(path) for path in paths):
        words = f"{view.comment} {view.title}".lower()
        fresh = re.search(r"\bage\b|\bfresh|\brecent|\blatest", words)
        own = ("check.backup_freshness", "backup.verify") if fresh else ("backup.verify", "check.backup_freshness")
        return done(view, with_purpose(view, *own), operation, Fate.BACKUP)
    if paths and all(_LOGS.search(path) for path in paths):
        plain = (
            bool(operation)
            and run is not None
            and command.is_last
            and all(path.startswith("/") for path in paths)
            and is_here(command)
            and not kept_in(view, command)
        )
        drafts = (CheckDraft("command", {"run": list(run or ())}),) if plain else ()
        return looked(view, with_purpose(view, "check.log", "logs.layout"), operation, drafts)
    return done(view, with_purpose(view, "diagnostics"), operation)


def _shown(view: View, command: ShellCommand) -> Found:
    """``cat`` and what else shows a file; with a here-document it writes one."""
    target = kept_in(view, command)
    if command.heredoc is not None:
        body, name = command.heredoc.body, target.lower()
        form = name.endswith((".md", ".txt", ".html")) or (not name and len(_FORM.findall(body)) > 2)
        about = purpose_in(comment_of(view)) or purpose_in(view.title)
        sent = (
            any(part.name in ("curl", "wget") and target and target in part.text for part in view.script.commands) if view.script else False
        )
        own = "api" if sent else next((capability for pattern, capability in _WRITTEN if re.search(pattern, f"{name}\n{body}")), "")
        found = [word for word in (own, about, *capabilities_of(view.comment, " > ".join(view.item.section))) if word]
        clear = command.name == "cat" and len(command.words) == 1 and target and command.is_last and "$(" not in body
        return done(
            view, with_purpose(view, *found), "files.write" if clear else "", Fate.TEMPLATE if form and _FORM.search(body) else Fate.STEP
        )
    paths = " ".join(word.filled for word in command.operands)
    operation = "files.show" if understood(view, command, _FLAGS) else ""
    if _LOGS.search(paths) and "report" not in paths.lower():
        return done(view, with_purpose(view, "logs.analyse"), operation, Fate.LOGS)
    if _BACKUPS.search(paths):
        return done(view, with_purpose(view, "backup.verify"), operation)
    return done(view, with_purpose(view, "report") if "report" in paths.lower() else with_purpose(view, "diagnostics"), operation)


_WRITTEN = (
    (r"(?m)^import .*\bk6\b|\bk6/http\b", "loadtest"),
    (r"threshold|alert", "rule"),
    (r"\.service\b|\[Service\]", "change"),
    (r"deploy", "deploy"),
)

RECOGNISER = Recogniser(
    "shell_words",
    (Kind.COMMAND,),
    read,
    (*_TALKS, *sorted(_FILES), *sorted(_CONTROL), *_OTHERS),
    order=80,
    example="""\
# Shop

## Service down

```bash
echo "To roll back: kubectl rollout undo deployment/shop"
sleep 10
rm -rf /tmp/shop-*
```
""",
)
