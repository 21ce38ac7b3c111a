"""Which programs a manual calls, and by which command of Keepwell each can be had. Pure."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keepwell.rooms.manual.reading.model import Manual

MARK = "made by keepwell provide"
"""Stands in the second line of every wrapper: a file without it is somebody's own, and never replaced."""
_SCRIPT = re.compile(r"(?:[\w.~{}$-]*/)*([A-Za-z0-9][\w.-]*\.(?:sh|bash|py))")
_PYTHON = ".py"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an operations directory has: the names of the steps of each runbook by its path, log policies that rotate, backups, audits."""

    runbooks: Mapping[str, Sequence[str]]
    rotations: Sequence[str] = ()
    backups: Sequence[str] = ()
    audits: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A program that the manual names: the lines that do, the words of the command of Keepwell that does its work (none: ``why_not`` says
    why)."""

    name: str
    lines: tuple[int, ...]
    command: tuple[str, ...] = ()
    why_not: str = ""


def programs_of(manual: Manual, facts: Facts) -> list[Program]:
    """Every script that the manual calls or contains as a file, in the order of its first mention."""
    lines: dict[str, list[int]] = {}
    for line, name in sorted((*_called(manual), *_contained(manual))):
        lines.setdefault(name, []).append(line)
    return [_program(name, tuple(dict.fromkeys(at)), manual, facts) for name, at in lines.items()]


def _called(manual: Manual) -> Iterator[tuple[int, str]]:
    """Scripts that commands and crontabs start."""
    for command in manual.commands:
        for word in command.words[:2]:
            found = _SCRIPT.fullmatch(word.filled)
            if found:
                yield command.line, found[1]
    for entry in manual.cron:
        found = _SCRIPT.match(entry.command.strip())
        if found and not entry.commented:
            yield entry.line, found[1]


def _contained(manual: Manual) -> Iterator[tuple[int, str]]:
    """Scripts whose text stands in a fence, under the path that its head names."""
    for fence in manual.fences:
        found = _SCRIPT.fullmatch(fence.file)
        if found:
            yield fence.line, found[1]


def _program(name: str, lines: tuple[int, ...], manual: Manual, facts: Facts) -> Program:
    stem = name.rpartition(".")[0]
    inside = manual.names.defines(name)
    step = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    holds = next((path for path, steps in facts.runbooks.items() if step in steps), "")
    if inside and holds:
        # The script is one step: what stands beside it in the manual is not part of it.
        others = [word for other in facts.runbooks[holds] if other != step for word in ("--skip", other)]
        return Program(name, lines, ("run", holds, *others))
    command, why_not = _by_name(stem.lower(), facts)
    return Program(name, lines, command, why_not)


def _by_name(stem: str, facts: Facts) -> tuple[tuple[str, ...], str]:
    """What its name says that it is for."""
    if re.search(r"rotat", stem) and "log" in stem:
        return _only("logs rotate", "log policy that rotates", facts.rotations)
    if re.search(r"capacity|trend|analy[sz]|month", stem) and re.search(r"perform|capacity|report|trend", stem):
        return ("report", "capacity", "--period", "month"), ""
    if re.search(r"(?:\b|[-_])docs?(?:umentation)?[-_](?:report|summary|statist)", stem):
        return (), "Keepwell reports how the service did, and its name asks for a report of documents"
    if re.search(r"report|summary|statist", stem):
        return ("report", "weekly", "--period", "day" if "daily" in stem else "week"), ""
    if re.search(r"audit|security", stem):
        return _only("audit run", "audit", facts.audits)
    if re.search(r"restore|recover", stem):
        return (), "a restore says what is restored and where: keepwell backups restore NAME --to DIR"
    if re.search(r"backup", stem):
        return _only("backups run", "backup", facts.backups)
    if re.search(r"test", stem) and re.search(r"alert|monitor|notif", stem):
        return ("notify", "test"), ""
    if re.search(r"health|monitor|check|status|probe", stem):
        return ("status",), ""
    return (), "nothing in Keepwell does what its name says"


def _only(words: str, what: str, names: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The command about the only one there is."""
    if len(names) == 1:
        return (*words.split(), names[0]), ""
    several = f"there are several ({', '.join(names)}), and its name does not say which" if names else "there is none"
    return (), f"it would be the {what}: {several}"


# --- the wrappers --------------------------------------------------------------------------------------------------------------


def wrapper(program: Program, keepwell: str, data: str, folder: str) -> str:
    """The text of a wrapper: what is given to it goes on to the command. ``KEEPWELL`` in the environment names another program than
    ``keepwell``. Every word is quoted in the wrapper's own language."""
    command = (*program.command, "--data", data)
    lines = f"line{'s' if len(program.lines) > 1 else ''} {', '.join(map(str, program.lines[:10]))} of the manual"
    says = (f"{MARK} for {lines}", f"of the operations directory {folder}", f"{program.name}: keepwell {' '.join(program.command)}")
    comments = "".join(f"# {_plain(line)}\n" for line in says)
    if program.name.endswith(_PYTHON):
        words = f'program = os.environ.get("KEEPWELL", {keepwell!r})\nos.execvp(program, [program, *{list(command)!r}, *sys.argv[1:]])\n'
        return f"#!/usr/bin/env python3\n{comments}import os\nimport sys\n\n{words}"
    return f'#!/bin/sh\n{comments}[ -n "$KEEPWELL" ] || KEEPWELL={shlex.quote(keepwell)}\nexec "$KEEPWELL" {shlex.join(command)} "$@"\n'


def is_wrapper(text: str) -> bool:
    """Whether a program's text is a wrapper; one that only speaks of wrappers is none."""
    return text.partition("\n")[2].startswith(f"# {MARK} for ")


def _plain(text: str) -> str:
    """A comment's text on one line."""
    return "".join(character if character.isprintable() else " " for character in text)
