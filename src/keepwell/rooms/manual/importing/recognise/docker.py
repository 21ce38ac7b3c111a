"""``docker``, ``docker compose`` and ``podman``: what looks becomes a check, what changes a step (Docker's reference)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keepwell.rooms.manual.importing.filled_words import (
    WORKING_FOLDER,
    fill,
    options,
    step,
    to_file,
    understood_behind,
    whole,
    working_folder,
)
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Missing, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_PROGRAMS = ("docker", "docker-compose", "podman", "podman-compose")
_GROUPS = frozenset(
    ("system", "volume", "image", "container", "network", "builder", "compose", "stack", "service", "swarm", "node", "buildx")
)
_EVERY = frozenset(("-H", "--host", "--context", "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory"))
_LOOKS: Mapping[str, frozenset[str]] = {
    verb: frozenset(flags.split())
    for verb, flags in {
        "ps": "-a --all -q --quiet --format --filter -f -n --last -l --latest --no-trunc -s --size --services --status",
        "ls": "-a --all -q --quiet --format --filter -f",
        "stats": "--no-stream --format -a --all --no-trunc",
        "df": "-v --verbose --format",
        "images": "-a --all -q --quiet --format --filter -f",
        "inspect": "-f --format -s --size --type",
        "top": "",
        "port": "",
        "version": "--format -f",
        "info": "--format -f",
        "history": "--no-trunc -q",
        "diff": "",
        "config": "-q --quiet --services --images --volumes",
        "events": "--since --until --filter -f --format",
    }.items()
}
_CHANGES: Mapping[str, frozenset[str]] = {
    verb: frozenset(flags.split())
    for verb, flags in {
        "restart": "-t --time --timeout --no-deps",
        "stop": "-t --time --timeout",
        "start": "-a -i",
        "kill": "-s --signal",
        "pause": "",
        "unpause": "",
        "up": "-d --detach --build --force-recreate --no-deps --remove-orphans --scale --no-build --pull --wait -t --timeout",
        "down": "-v --volumes --remove-orphans -t --timeout --rmi",
        "pull": "-q --quiet --ignore-pull-failures -a",
        "push": "-q --quiet",
        "build": "--no-cache --pull -t --tag -f --file --build-arg -q --quiet --target --platform",
        "rm": "-f --force -v --volumes -s --stop",
        "rmi": "-f --force --no-prune",
        "prune": "-f --force -a --all --volumes --filter",
        "create": "--name -d --driver",
        "tag": "",
        "load": "-i --input -q",
        "save": "-o --output",
        "cp": "-a -L -q",
        "scale": "",
        "rename": "",
        "update": "-m --memory --cpus --memory-swap --restart",
        "login": "-u --username --password-stdin",
        "run": "-d --detach --rm -i -t --name -p --publish -v --volume -e --env --network --restart --env-file -w --workdir -u --user"
        " --entrypoint",
        "exec": "-i -t -T -u --user -w --workdir -e --env -d",
    }.items()
}
_LOGS = options("-f --follow --tail -n --since --until -t --timestamps --no-color --no-log-prefix --details")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NAMED = re.compile(r"name=(\^/?)?([A-Za-z0-9][A-Za-z0-9_.-]*)(\$)?")
_STATES = "{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}"
_ALL_RUN = r"\A(?:\S+ (?:running 0 (?:healthy|starting)?|exited 0 \S*)\n?)+\z"


def _read(view: View) -> Found | None:
    command = next((command for command in view.pipeline if command.name in _PROGRAMS), None)
    if command is None:
        return None
    operands = [word.filled for word in command.operands]
    compose = command.name.endswith("-compose") or operands[:1] == ["compose"]
    operands = operands[1:] if operands[:1] == ["compose"] else operands
    group = operands[0] if operands and operands[0] in _GROUPS and len(operands) > 1 else ""
    verb = operands[1] if group else operands[0] if operands else ""
    engine = "podman" if command.name.startswith("podman") else "docker"
    name = ".".join(part for part in (engine, "compose" if compose else "", group, verb) if part)
    if verb == "logs":
        return _logs(view, command, name)
    if verb in _LOOKS:
        return _look(view, command, name, verb)
    flags = _CHANGES.get(verb, frozenset())
    understood = verb in _CHANGES and _flags_known(command, flags) and not any(word.has_substitution for word in command.words)
    return step(view, _purpose(view, verb, group), name if understood else "")


def _flags_known(command: ShellCommand, flags: frozenset[str]) -> bool:
    return all(flag in flags | _EVERY for flag in command.flags) and understood_behind(command)


def _logs(view: View, command: ShellCommand, name: str) -> Found:
    searched = any(other.name in ("grep", "egrep", "awk", "jq") for other in command.pipeline)
    operation = name if _flags_known(command, _LOGS) else ""
    if to_file(command):
        return step(view, ("incident.evidence", "logs.analyse"), operation)
    return step(view, ("logs.analyse", "check.log") if searched else ("diagnostics", "logs.analyse"), operation, Fate.LOGS)


# --- commands that only look


def _look(view: View, command: ShellCommand, name: str, verb: str) -> Found:
    operation = name if _flags_known(command, _LOOKS[verb]) else ""
    endless = verb == "events" or (verb == "stats" and not command.has_flag("--no-stream"))
    capabilities = _looks_at(view, command, verb)
    if endless or verb in ("history", "diff", "version", "config", "inspect") or to_file(command):
        return step(view, ("incident.evidence", "check.container") if to_file(command) else capabilities, operation)
    if not command.is_last:  # what is piped on is shown, not judged
        return replace(_check(view, command, capabilities, operation), drafts=())
    return _check(view, command, capabilities, operation)


def _check(view: View, command: ShellCommand, capabilities: tuple[str, ...], operation: str) -> Found:
    filled = fill(view, *whole(command))
    typed = _typed(command, operation)
    if typed is not None and filled.ready:
        return Found(Fate.CHECK, capabilities, operation, (typed,))
    run = list(filled.texts)
    if command.name == "docker-compose" and not command.wrapper_words:  # its first version is no longer; it is a part of docker now
        run = ["docker", "compose", *run[1:]]
    settings: dict[str, Any] = {"run": run}
    reason = "it fails where Docker does not answer"
    if run == ["docker", "compose", "ps"]:
        settings = {"run": [*run, "--all", "--format", _STATES], "expect": {"output_matches": _ALL_RUN}}
        reason = "it fails where a service neither runs nor has ended well, or there is none"
    missing = (*filled.missing, *_directory(view, command, run))
    directory = _folder(view, command)
    if directory:
        settings["directory"] = directory
    disposition = Disposition.MISSING if missing else Disposition.CARRIED
    drafts = (CheckDraft("command", settings, name=operation.replace(".", " ")),) if filled.static else ()
    return Found(Fate.CHECK, capabilities, operation, drafts, disposition, reason, missing)


def _typed(command: ShellCommand, operation: str) -> CheckDraft | None:
    """A check of kind ``docker`` where the command names its containers, or asks for the space of all. ``docker ps`` alone names none: a
    check of every container would be red for each that ended long ago and was left there."""
    words = [word.filled for word in command.operands][1:]
    if command.wrapper_words or command.has_flag("-H", "--host", "--context"):
        return None
    if operation == "docker.system.df":
        return CheckDraft("docker", {"disk": {}, "reclaimable": {}}, name="docker-space", every="1h")
    if operation == "docker.stats" and len(words) == 1 and _CONTAINER.fullmatch(words[0]):
        return CheckDraft("docker", {"container": words[0], "cpu": {}, "memory": {}}, name=f"container-{words[0]}")
    chosen = command.options("--filter", "-f")
    wanted = _NAMED.fullmatch(chosen[0].filled) if len(chosen) == 1 else None
    if operation == "docker.ps" and wanted and not command.has_flag("-a", "--all", "-n", "--last", "-l", "--latest"):
        exact = wanted[1] and wanted[3]
        return CheckDraft("docker", {"container": wanted[2] if exact else f"*{wanted[2]}*"}, name=f"container-{wanted[2]}")
    return None


def _directory(view: View, command: ShellCommand, run: list[str]) -> tuple[Missing, ...]:
    """Compose looks for its file in the folder where it is run; a check runs in none that the manual means."""
    if (
        "compose" not in run[:2]
        or command.has_flag("-f", "--file", "-p", "--project-name", "--project-directory")
        or _folder(view, command)
    ):
        return ()
    return (working_folder(command.text),)


def _folder(view: View, command: ShellCommand) -> str:
    """The folder that the script went into before, or that was filled in."""
    for other in reversed(view.script.commands[: command.index] if view.script else ()):
        if other.name == "cd" and other.operands and other.function == command.function:
            path = view.text(other.operands[0]) or ""
            return path if path.startswith("/") else ""
    compose = command.name.endswith("-compose") or command.subcommand == "compose"
    return view.values.get(WORKING_FOLDER, "") if compose else ""


def _looks_at(view: View, command: ShellCommand, verb: str) -> tuple[str, ...]:
    near = f"{view.comment} {view.title}".lower()
    if verb == "df":
        return "check.host", "check.container"
    if verb == "stats" and re.search(r"trend|review|report", view.comment.lower()):
        return "report", "check.container"
    if re.search(r"capacity|growth", near):
        return "capacity", "check.container"
    if verb in ("history", "images", "version", "config", "inspect", "diff") and re.search(r"deploy|version|release", near):
        return "change", "diagnostics"
    return "check.container", "diagnostics"


# --- commands that change something


def _purpose(view: View, verb: str, group: str) -> tuple[str, ...]:
    """What a change is for: by its verb, and by the procedure that it stands in."""
    near = f"{view.comment} > {' > '.join(view.item.section[-2:])}".lower()
    if verb in ("prune", "rmi") or (verb == "rm" and group in ("image", "volume", "")):
        of_logs = re.search(r"\blogs?\b", view.comment.lower() or view.title.lower())
        return ("logs.cleanup", "cleanup") if of_logs else ("cleanup",)
    if verb in ("pull", "build", "push", "tag", "load"):
        return ("deploy", "update") if re.search(r"deploy|release", near) else ("update", "deploy")
    if re.search(r"roll(?:ing)? ?back|previous version", near):
        return "rollback", "runbook"
    if re.search(r"\brestor|recover\w* of|database recovery|data recovery", near) and verb in ("stop", "start", "restart", "up", "down"):
        return ("restore.database" if re.search(r"database|postgres|mysql|\bdb\b", near) else "restore.system"), "runbook"
    if re.search(r"updat|upgrad|patch", near):
        return "update", "runbook"
    if verb == "scale" or re.search(r"\bscal", near):
        return "scale", "runbook"
    if re.search(r"\bdeploy|\brelease", near):
        return "deploy", "runbook"
    return ("runbook",)


RECOGNISER = Recogniser(
    "docker",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    _PROGRAMS,
    order=40,
    example="""# Containers
```bash
docker ps --filter status=exited
docker compose restart api
docker system prune -f
```
""",
)
