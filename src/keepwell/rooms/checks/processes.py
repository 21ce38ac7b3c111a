"""What ps(1) of procps and /proc say of a host's processes: the questions, and their answers as values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result

from .answers import text_of
from .model import Answer
from .texts import first_line, show

OUTPUT_LIMIT = 8 * 1024 * 1024
_LOCALE = {"LC_ALL": "C.UTF-8"}
# The name is padded to more than any name's length: names hold spaces, but never twenty in a row.
LIST = Command(("ps", "-ww", "-eo", "pid=,ppid=,s=,rss=,etimes=,comm:90=,args="), environment=_LOCALE, output_limit=OUTPUT_LIMIT)
"""Every process with its parent, state, memory, age, name and command line."""
OWNERS = Command(("ps", "-ww", "-eo", "pid=,uid=,user:64=,unit:256="), environment=_LOCALE, output_limit=OUTPUT_LIMIT)
"""Every process with its user and its unit of systemd."""
STATS = Command(("/bin/sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || :"), output_limit=OUTPUT_LIMIT)
"""Processor time, threads and start of every process; ps gives time in whole seconds, which is too coarse between two looks."""

_ROW = re.compile(r" *([0-9]{1,10}) +([0-9]{1,10}) +(\S) +([0-9]{1,15}) +([0-9]{1,15}) (.*?) {20,}(.*)")
_OWNER = re.compile(r" *([0-9]{1,10}) +([0-9]{1,10}) +(\S{1,64}) +(\S{1,256}) *")
_DIRECTORY = re.compile(r"/proc/([0-9]{1,10})/fd")
_LIMIT = re.compile(r"/proc/([0-9]{1,10})/limits:Max open files\s+([0-9]{1,18})\s.*")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Process:
    """One line of ps: resident memory in bytes, age in seconds."""

    pid: int
    parent: int
    defunct: bool
    memory: int
    age: int
    name: str
    line: str


@dataclass(frozen=True, slots=True)
class Stat:
    """Of one process its start (in ticks since the machine's), the ticks of processor time it has used, and its threads."""

    start: str
    ticks: float
    threads: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Of one process its user by name and number, and its unit (``-`` where it has none)."""

    user: str
    number: str
    unit: str


def processes(answer: Answer) -> list[Process]:
    """The answer to ``LIST``. Raises AnswerError where it is none."""
    rows = [match.groups() for match in map(_ROW.fullmatch, text_of(answer, "ps").splitlines()) if match]
    if not rows:
        raise AnswerError("ps gave no usable answer: there is not one process in it")
    return [
        Process(int(pid), int(parent), state == "Z", int(resident) * 1024, int(age), name, line)
        for pid, parent, state, resident, age, name, line in rows
    ]


def owners(answer: Answer) -> dict[int, Owner]:
    """The answer to ``OWNERS``, by process. Raises AnswerError where it is none."""
    rows = [match.groups() for match in map(_OWNER.fullmatch, text_of(answer, "ps").splitlines()) if match]
    if not rows:
        raise AnswerError("ps gave no usable answer: it names no user of a process")
    return {int(pid): Owner(user, number, unit) for pid, number, user, unit in rows}


def stats(answer: Answer) -> dict[int, Stat]:
    """The answer to ``STATS``, by process (proc_pid_stat(5)); lines that are none are left out."""
    found = {}
    for line in text_of(answer, "reading /proc/PID/stat").splitlines():
        pid, _, rest = line.partition(" (")
        fields = rest.rpartition(") ")[2].split()
        if len(fields) > 19 and all(field.isascii() and field.isdigit() for field in (pid, fields[11], fields[12], fields[17], fields[19])):
            ticks = float(fields[11][:18]) + float(fields[12][:18])
            found[int(pid[:10])] = Stat(fields[19][:20], ticks, int(fields[17][:9]))
    return found


def pid_of(answer: Answer, path: str) -> int:
    """The number in a PID file: its first line. Raises AnswerError where there is none."""
    written = first_line(text_of(answer, path)[:100])
    if not (written.isascii() and written.isdigit() and 0 < int(written) < 2**31):
        raise AnswerError(f"{path} holds no number of a process: {show(written)}")
    return int(written)


def with_descendants(root: Process, all_of_them: Iterable[Process]) -> list[Process]:
    """The process and all that descend from it."""
    children: dict[int, list[Process]] = {}
    for process in all_of_them:
        children.setdefault(process.parent, []).append(process)
    found, waiting = {root.pid: root}, [root.pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return list(found.values())


# --- open files --------------------------------------------------------------------------------------------------------------


def open_files_questions(pids: Iterable[int]) -> tuple[Command, ...]:
    """What tells how many files these processes have open, and how many each may; of very many the first are asked."""
    numbers = sorted(pids)[:_MOST]
    folders = tuple(f"/proc/{pid}/fd" for pid in numbers)
    limits = tuple(f"/proc/{pid}/limits" for pid in numbers)
    locale = {"LC_ALL": "C"}
    return (
        Command(("find", *folders, "-mindepth", "1", "-maxdepth", "1", "-printf", "%h\\n"), environment=locale, output_limit=OUTPUT_LIMIT),
        Command(("grep", "-H", "-s", "^Max open files", *limits), environment=locale, output_limit=OUTPUT_LIMIT),
    )


def open_files(answer: Answer) -> dict[int, int]:
    """How many files each process has open; those that ended meanwhile are not among them. Raises AnswerError where there is no answer."""
    if not isinstance(answer, Result) or answer.timed_out or answer.signal is not None:
        text_of(answer, "counting open files")
        raise AnswerError("counting open files gave no text")
    counts: dict[int, int] = {}
    for line in answer.stdout.splitlines():
        match = _DIRECTORY.fullmatch(line)
        if match:
            counts[int(match[1])] = counts.get(int(match[1]), 0) + 1
    return counts


def open_file_limits(answer: Answer) -> dict[int, int]:
    """How many files each process may have open (its soft limit); those without a limit are not among them."""
    text = answer.stdout if isinstance(answer, Result) else ""
    matches = [match for match in map(_LIMIT.fullmatch, text.splitlines()) if match]
    return {int(match[1]): int(match[2]) for match in matches if int(match[2]) > 0}
