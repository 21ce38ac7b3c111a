"""KW904: logs, dumps or programs that every account may read or write."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import short
from .secret_words import DUMPS

_PRIVATE = re.compile(r"\b(audit|access|auth|security|secure)[\w.-]*log|\b(audit|auth)\b")


def _check(manual: Manual) -> Iterator[Finding]:
    yield from _rotated(manual)
    for command in manual.commands:
        if command.name == "chmod" and command.operands:
            yield from _mode(command)
        if command.name in DUMPS:
            yield from _dump(command)


def _rotated(manual: Manual) -> Iterator[Finding]:
    private: list[str] = []
    for setting in manual.settings:
        mode = re.match(r"0?[0-7][0-7]([4-7])\b", setting.value) if setting.syntax == "logrotate" and setting.key == "create" else None
        if mode is None:
            continue
        glob = setting.path[0]
        private = private or sorted({name for name in re.findall(r"\b[\w-]+\.log\b", "\n".join(manual.lines)) if _PRIVATE.search(name)})
        which = private if "*" in glob else [glob] if _PRIVATE.search(glob) else []
        if which:
            yield Finding(
                setting.line,
                f"create {setting.value.split()[0]} lets every local account read {short(_listed(which[:3]), 100)} after "
                "the first rotation",
                fix=f"create 640{setting.value.partition(mode[0])[2]}",
            )


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _mode(command: ShellCommand) -> Iterator[Finding]:
    mode = command.operands[0].filled
    if re.fullmatch(r"0?[0-7][0-7][2367]|(?:a|o|go|ugo|uo)\+[rxX]*w[rxX]*", mode):
        target = command.operands[-1].filled
        yield Finding(
            command.line,
            f"chmod {mode} lets every account of the host change {short(target) if len(command.operands) > 1 else 'it'}",
            column=command.column,
            fix="give it to the group that needs it: chgrp, chmod 770 or 660",
            width=len("chmod"),
        )


def _dump(command: ShellCommand) -> Iterator[Finding]:
    files = [word.filled for word in command.options("-f", "--file", "-o", "--out", "-r", "--result-file")]
    files += [part.target.filled for part in command.pipeline[-1].redirections if part.of_output and part.writes]
    place = next((path for path in files if re.match(r"/(var/)?tmp/", path)), "")
    if place:
        yield Finding(
            command.line,
            f"{command.name} writes all data of the database to {short(place)}, where every account may read it and the name is known",
            command.end_line,
            command.column,
            "umask 077, and a folder of your own: dir=$(mktemp -d)",
            width=len(command.name),
        )


RULE = Rule(
    id="KW904",
    name="readable-by-everyone",
    title="Every account may read or change it",
    severity=Severity.WARNING,
    why="With the usual umask a file in /tmp is readable by all, and 644 on logs of access and audit shows every local account "
    "who did what, from which "
    "address. 777 lets anybody replace a program that others run. Source: umask(2), logrotate(8), create; CIS Benchmarks, "
    "permissions on log files.",
    bad="# Dump\n\n```bash\npg_dump -d shop -f /tmp/shop.sql\nchmod -R 777 /opt/shop\n```\n",
    good="# Dump\n\n```bash\numask 077\npg_dump -d shop -f /backup/shop.sql\nchmod -R 750 /opt/shop\nchmod 1777 /srv/drop\n```\n",
    check=_check,
)
