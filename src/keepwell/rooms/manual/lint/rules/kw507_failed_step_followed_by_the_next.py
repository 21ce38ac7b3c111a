"""KW507: steps that need each other stand one below the other, and a failed one is followed by the next."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_BACKUP = re.compile(r"(^|[/_-])backup[\w-]*(\.sh|\.py)?$", re.IGNORECASE)
_DEPLOY = re.compile(r"(^|[/_-])(deploy|migrate|migration|upgrade|update)[\w-]*(\.sh|\.py)?$", re.IGNORECASE)
_DUMPS = frozenset(("pg_dump", "mysqldump", "mongodump", "pg_dumpall"))
_TRANSPARENT = frozenset(("echo", "printf", "sleep", "mkdir", "date", "ls"))
_SURE = ("/", "~", "-", "..", "/tmp", "$HOME")
_BUILDS = {
    "cargo": ("build", "install", "update"),
    "npm": ("ci", "install", "run"),
    "yarn": ("install", "build"),
    "make": (),
    "mvn": (),
    "gradle": (),
    "go": ("build", "install"),
    "pip": ("install",),
    "pip3": ("install",),
    "bundle": ("install",),
    "composer": ("install",),
}
# What may follow what without a look: the second harms, or is for nothing, where the first has failed.
_NEEDS = {
    "backup": frozenset(("fetch", "change")),
    "directory": frozenset(("fetch", "build", "delete", "extract", "copy")),
    "fetch": frozenset(("fetch", "build", "restart", "change")),
    "build": frozenset(("restart", "change")),
    "copy": frozenset(("extract",)),
    "extract": frozenset(("copy", "restart", "build")),
    "restore": frozenset(("restart",)),
}
_HARM = frozenset(("restart", "change", "delete"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.origin == "argument" and len(script.commands) < 2:
            continue
        for chain in _chains(script):
            first = chain[0][0]
            yield Finding(
                first.line,
                f"{_words(first)} may fail, and line {chain[1][0].line} goes on with {_words(chain[1][0])}{_end(chain)}",
                chain[-1][0].end_line,
                first.column,
                "chain the steps with &&, or set -e at the head of a script",
                width=max(1, len(first.name)),
            )


def _chains(script: Script) -> Iterator[list[tuple[ShellCommand, str]]]:
    chain: list[tuple[ShellCommand, str]] = []
    for command in script.commands:
        if command.depth or not command.is_first or command.name in _TRANSPARENT:
            continue
        kind = _kind(command)
        passes = kind == "sure directory" or (kind == "directory" and chain and chain[-1][1] in ("fetch", "copy"))
        if passes and chain:
            continue
        if chain and any(kind in _NEEDS.get(before, ()) for _, before in chain):
            chain.append((command, kind))
            continue
        if _matters(chain):
            yield chain
        chain = [(command, kind)] if kind in _NEEDS and _unlooked(command) else []
    if _matters(chain):
        yield chain


def _matters(chain: list[tuple[ShellCommand, str]]) -> bool:
    """Whether running on does harm: something is restarted, changed or deleted, or a program that is installed elsewhere is updated."""
    kinds = [kind for _, kind in chain]
    if len(chain) < 2 or (
        kinds[0] == "directory" and not chain[0][0].operands[0].filled.startswith(("/", "$", "~")) and "delete" not in kinds
    ):
        return False
    return bool(_HARM & set(kinds[1:])) or (kinds[0] == "directory" and {"fetch", "build"} <= set(kinds))


def _unlooked(command: ShellCommand) -> bool:
    last = command.pipeline[-1]
    return not command.strict.errexit and last.status.how in ("ignored", "pipe") and not command.guards


def _kind(command: ShellCommand) -> str:
    name, verb = command.name, command.subcommand
    if command.guards or command.condition_of or command.status.how in ("condition", "asked", "or"):
        return ""
    if name == "cd":
        return "sure directory" if not command.operands or command.operands[0].filled in _SURE else "directory"
    if name == "git":
        return "fetch" if verb in ("pull", "fetch", "merge") or (verb == "checkout" and not command.has_flag("-b", "--")) else ""
    if _BACKUP.search(name) or name in _DUMPS:
        return "backup"
    if _DEPLOY.search(name) or (name in ("alembic", "flyway", "prisma") and verb in ("upgrade", "migrate")):
        return "change"
    if name in _BUILDS:
        return "build" if not _BUILDS[name] or verb in _BUILDS[name] else ""
    if name == "tar" and command.arguments and "x" in command.arguments[0].filled.split("/")[0][:6]:
        return "extract"
    if name == "unzip":
        return "extract"
    if name in ("cp", "rsync", "scp"):
        return "copy"
    if name == "rm" and command.has_flag("-r", "-R", "-f", "-rf") and not any(word.filled.startswith("/") for word in command.operands):
        return "delete"
    return _service(command)


def _service(command: ShellCommand) -> str:
    words = [word.filled for word in command.operands[:2]]
    if command.name in ("systemctl", "supervisorctl", "pm2", "docker-compose") and words[:1] in (
        ["restart"],
        ["start"],
        ["reload"],
        ["up"],
    ):
        return "restart"
    if command.name in ("kubectl", "helm") and (words[:1] in (["apply"], ["upgrade"]) or words == ["rollout", "restart"]):
        return "change"
    return "restart" if command.name == "docker" and words[:1] == ["compose"] and words[1:] in (["up"], ["restart"]) else ""


def _words(command: ShellCommand) -> str:
    """The program and what it is told to do, short."""
    target = (
        command.operands[0].filled
        if command.operands and command.name not in ("cp", "tar", "rm", "rsync") and "." not in command.name
        else ""
    )
    return f"{command.name} {target}".strip()[:50]


def _end(chain: list[tuple[ShellCommand, str]]) -> str:
    last = chain[-1][0]
    return f" and the others up to {_words(last)} in line {last.line}" if len(chain) > 2 else ""


RULE = Rule(
    id="KW507",
    name="failed-step-followed-by-the-next",
    title="A failed step is followed by the next",
    severity=Severity.WARNING,
    why="A shell without set -e goes on after a command that failed. After a failed cd the next steps run in another directory; after a "
    "failed backup the migration runs without one; after a failed build the old program is restarted and taken for the new. Source: "
    "POSIX.1-2024, set -e, and Shell Command Language, 2.9.3 (AND lists).",
    bad="# Update\n\n```bash\ncd /opt/shop\ngit pull\nmake\nsudo systemctl restart shop\n```\n",
    good="# Update\n\n```bash\ncd /opt/shop && git pull && make && sudo systemctl restart shop\n```\n",
    check=_check,
)
