"""KW124: a command line that the program rejects."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_CLIENTS = ("kubectl", "oc")
_SELECTS = ("-l", "--selector", "-f", "--filename", "--all", "-k", "--kustomize")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            message, fix = _rejected(command)
            if message:
                yield Finding(command.line, message, command.end_line, command.column, fix, width=len(command.name))


def _rejected(command: ShellCommand) -> tuple[str, str]:
    if command.name in _CLIENTS and not command.has_flag("-h", "--help"):
        return _kubernetes(command)
    name = swallowed(command)
    if name:
        return (
            f"{name}=$(...) stands behind {command.name} in the same command: it is a file to read, and {name} stays unset",
            "put it on a line of its own",
        )
    return "", ""


def swallowed(command: ShellCommand) -> str:
    """The variable whose assignment a filter takes for a file to read; empty where there is none."""
    if command.name not in ("grep", "awk", "sed", "head", "tail"):
        return ""
    return next((word.filled.partition("=")[0] for word in command.operands if re.match(r"[A-Z][A-Z0-9_]*=\$\(", word.filled)), "")


def _kubernetes(command: ShellCommand) -> tuple[str, str]:
    words = [word.filled for word in command.operands]
    if not words or any(word.startswith("$") for word in words[1:2]):
        return "", ""
    verb, rest = words[0], words[1:]
    if verb == "logs":
        return _logs(command, rest)
    if verb in ("delete", "describe") and not command.has_flag(*_SELECTS) and len(rest) == 1 and _is_a_bare_name(rest[0]):
        return (
            f"{command.name} {verb} needs a type before the name: {rest[0][:60]} is read as a type",
            f"{command.name} {verb} pod {rest[0][:60]}",
        )
    return "", ""


def _logs(command: ShellCommand, rest: list[str]) -> tuple[str, str]:
    selected = command.has_flag("-l", "--selector")
    if not rest and not selected:
        return (
            f"{command.name} logs names no pod and no selector: it ends with an error",
            f"{command.name} logs POD, deployment/NAME or -l LABEL",
        )
    if rest and selected:
        return (
            f"{command.name} logs takes a selector or a name, not both: it ends with an error",
            f"-c {rest[0][:60]} if the container is meant, else leave it out",
        )
    return "", ""


def _is_a_bare_name(word: str) -> bool:
    """Whether it is surely the name of one object: a placeholder, or a name with the marks of a pod's."""
    return bool(re.fullmatch(r"<[\w.-]+>", word)) and not re.search(r"type|kind|resource", word)


RULE = Rule(
    id="KW124",
    name="call-that-cannot-work",
    title="The program rejects this command line",
    severity=Severity.ERROR,
    why="kubectl logs needs a pod, TYPE/NAME or a selector, and takes not both; delete and describe need a type. A step that can only "
    "print its usage was never tried. Source: kubectl reference, kubectl logs and kubectl delete.",
    bad="# Logs\n\n```bash\nkubectl -n shop logs -l app=shop shop-0\nkubectl -n shop logs\n```\n",
    good="# Logs\n\n```bash\nkubectl -n shop logs -l app=shop\nkubectl -n shop logs shop-0\nkubectl delete pod shop-0\n```\n",
    check=_check,
)
