"""The ``process`` kind: whether the processes of a program run, how many, and how much memory and processor they use.

It asks ``ps`` of procps once for everything (ps(1)); busybox has no such ``ps``. Processor use is asked of /proc/PID/stat
(proc_pid_stat(5)), because ps gives processor time in whole seconds, which is too coarse between two looks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import BytesLimits, NumberLimit, RatioLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.patterns import RegularExpression
from keepwell.rooms.checks.texts import show

_AT_LEAST_ONE = parse_comparison(">= 1")
_NAME_LENGTH = 15
_OUTPUT_LIMIT = 8 * 1024 * 1024
_TICKS_PER_SECOND = 100.0  # USER_HZ as Linux shows it to programs on x86-64 and arm64: time(7)
# The name is padded to more than any name's length: names hold spaces, but never twenty in a row.
_LIST = Command(
    ("ps", "-ww", "-eo", "pid=,ppid=,s=,rss=,etimes=,comm:90=,args="), environment={"LC_ALL": "C.UTF-8"}, output_limit=_OUTPUT_LIMIT
)
_ROW = re.compile(r" *([0-9]{1,10}) +([0-9]{1,10}) +(\S) +([0-9]{1,15}) +([0-9]{1,15}) (.*?) {20,}(.*)")
_TIMES = Command(("/bin/sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || :"), output_limit=_OUTPUT_LIMIT)


class ProcessOptions(Options):
    """Which processes, and how many there should be. Exactly one of name and match."""

    name: str | None = Field(default=None, min_length=1)
    """The program's name as ``ps -o comm`` and ``top`` show it. Linux keeps 15 bytes of a name, so only so many are compared."""
    match: RegularExpression | None = None
    """A regular expression found anywhere in the whole command line (``ps -o args``). Keepwell's own look at it never counts."""
    count: NumberLimit | None = None
    """How many processes there must be; without it ``>= 1``. ``== 0`` where none may run. Defunct processes do not count."""
    cpu: RatioLimits | None = None
    """Limits on the processor time of all of them together since the check's last look; ``100%`` is one processor. No limit is usual."""
    memory: BytesLimits | None = None
    """Limits on their resident memory together (pages that they share are counted in each). No limit is usual."""

    @model_validator(mode="after")
    def _names_processes(self) -> Self:
        if (self.name is None) == (self.match is None):
            raise ValueError("give exactly one of name (the program's name) and match (a regular expression over the command line)")
        return self


@dataclass(frozen=True, slots=True)
class _Process:
    """One line of ps: resident memory in bytes, age in seconds."""

    pid: int
    parent: int
    defunct: bool
    memory: int
    age: int
    name: str
    line: str


def ask(options: ProcessOptions, target: Target | None) -> tuple[Question, ...]:
    """The list of processes and, where processor use is limited, everyone's processor time."""
    return (_LIST,) if options.cpu is None else (_LIST, _TIMES)


def read(options: ProcessOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The count against what is expected, then memory and processor use against their limits."""
    if any(isinstance(answer, Result) and any(answer.dropped) for answer in answers):
        return Observation(State.UNKNOWN, f"the list of processes is longer than {describe(_OUTPUT_LIMIT, Unit.BYTES)}")
    try:
        processes = _processes(text_of(answers[0], "ps"))
        times = _times(text_of(answers[1], "reading /proc/PID/stat")) if options.cpu is not None else {}
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    matching = [process for process in processes if _matches(options, process)]
    if options.match is not None:
        own = _own(processes)
        matching = [process for process in matching if process.pid not in own]
    running = [process for process in matching if not process.defunct]
    return _observe(options, running, len(matching) - len(running), times, earlier)


def _processes(text: str) -> list[_Process]:
    rows = [match.groups() for match in map(_ROW.fullmatch, text.splitlines()) if match]
    if not rows:
        raise AnswerError("ps gave no usable answer: there is not one process in it")
    return [
        _Process(int(pid), int(parent), state == "Z", int(resident) * 1024, int(age), name, line)
        for pid, parent, state, resident, age, name, line in rows
    ]


def _matches(options: ProcessOptions, process: _Process) -> bool:
    if options.match is not None:
        return options.match.found_in(process.line)
    return process.name.encode()[:_NAME_LENGTH] == (options.name or "").encode()[:_NAME_LENGTH]


def _own(processes: list[_Process]) -> set[int]:
    """Our own look: ps itself, who started it, those above it whose command line names keepwell too, and copies of that which a fork
    leaves for a moment before it becomes ps. The command line ``keepwell check DIR nginx`` is no nginx."""
    by_pid = {process.pid: process for process in processes}
    looks = [process for process in processes if process.line == " ".join(_LIST.argv)]
    own = {process.pid for process in looks}
    for look in looks:
        above = by_pid.get(look.parent)
        if above is not None:
            own |= {above.pid} | {process.pid for process in processes if (process.parent, process.line) == (above.pid, above.line)}
            above = by_pid.get(above.parent)
        while above is not None and above.pid not in own and "keepwell" in above.line:
            own.add(above.pid)
            above = by_pid.get(above.parent)
    return own


def _times(text: str) -> dict[int, tuple[str, float]]:
    """Of each process its start (in ticks since the machine's) and the ticks of processor time it has used, by its number."""
    found = {}
    for line in text.splitlines():
        pid, _, rest = line.partition(" (")
        fields = rest.rpartition(") ")[2].split()
        if len(fields) > 19 and all(field.isascii() and field.isdigit() for field in (pid, fields[11], fields[12], fields[19])):
            found[int(pid[:10])] = (fields[19][:20], float(fields[11][:18]) + float(fields[12][:18]))
    return found


def _observe(
    options: ProcessOptions, running: list[_Process], defunct: int, times: dict[int, tuple[str, float]], earlier: Earlier | None
) -> Observation:
    values = {"count": float(len(running)), "memory_bytes": float(sum(process.memory for process in running))}
    verdicts = [_counted(options, len(running), defunct)]
    counters = {}
    if running:
        values["oldest_seconds"] = float(max(process.age for process in running))
        verdicts += _memory(options, values["memory_bytes"])
    if running and options.cpu is not None:
        counters = {_key(process, times): times[process.pid][1] for process in running if process.pid in times}
        ratio = None if earlier is None else sum(_used(running, times, earlier)) / _TICKS_PER_SECOND / max(earlier.seconds, 0.001)
        verdicts.append(_busy(options.cpu, ratio))
        values |= {} if ratio is None else {"cpu_ratio": ratio}
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values, counters)


def _counted(options: ProcessOptions, count: int, defunct: int) -> Verdict:
    expected = options.count or _AT_LEAST_ONE
    which = (
        f"named {show(options.name)}"
        if options.name is not None
        else f"with {show(options.match.text if options.match else '')} in the command line"
    )
    number = f"{count or 'no'} process{'es' if count > 1 else ''} {which}"
    aside = f" (and {defunct} defunct)" if defunct else ""
    state = State.OK if expected.holds(count) else State.FAIL
    return Verdict(state, f"{number}{aside}, expected {expected.text}")


def _memory(options: ProcessOptions, used: float) -> Iterator[Verdict]:
    if options.memory is not None:
        yield judge(f"{options.memory.describe(used)} of memory are resident", used, options.memory.warn, options.memory.fail)


def _key(process: _Process, times: dict[int, tuple[str, float]]) -> str:
    return f"cpu_ticks.{process.pid}.{times[process.pid][0]}"


def _used(running: list[_Process], times: dict[int, tuple[str, float]], earlier: Earlier) -> Iterator[float]:
    """Ticks that each process used since the earlier look; of one that began since then all, of one not seen before none."""
    for process in running:
        if process.pid in times:
            now = times[process.pid][1]
            began_since = process.age <= earlier.seconds
            yield max(0.0, now - earlier.counters.get(_key(process, times), 0.0 if began_since else now))


def _busy(limits: RatioLimits, ratio: float | None) -> Verdict:
    if ratio is None:
        return Verdict(State.UNKNOWN, "processor use needs two readings, and this is the first")
    return judge(f"{describe(ratio, Unit.RATIO)} of a processor is used", ratio, limits.warn, limits.fail)


DRIVER = Kind(
    summary="Whether the processes of a program run, how many, and how much memory and processor they use",
    options=ProcessOptions,
    ask=ask,
    read=read,
    needs_earlier=lambda options: options.cpu is not None,
    values={
        "count": "how many processes of the program run",
        "memory_bytes": "the resident memory of all of them; what they share counts once for each",
        "oldest_seconds": "how long ago the oldest of them was started",
        "cpu_ratio": "the processor time that they used since the last look; 1 is one processor",
    },
    example="""\
checks:
  worker:
    process: {name: worker, count: ">= 2", memory: {warn: "> 500MB"}, cpu: {warn: "> 90%"}}
    every: 30s
""",
)
