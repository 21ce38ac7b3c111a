"""The ``process`` kind: whether the processes of a program run, how many, as whom, and how much of the host they use.

It asks ``ps`` of procps once for everything (ps(1)); busybox has no such ``ps``. Processor time, threads and the instant of the start are
asked of /proc/PID/stat, and open files, once it is known which processes are meant, of /proc/PID/fd.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Result
from keepwell.rooms.checks import processes as host
from keepwell.rooms.checks.limits import (
    BytesLimits,
    NumberLimit,
    NumberLimits,
    RatioLimits,
    SecondsLimits,
    Verdict,
    given_or,
    judge,
    together,
)
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question, ReadFile
from keepwell.rooms.checks.paths import PlainPath, refused
from keepwell.rooms.checks.patterns import RegularExpression
from keepwell.rooms.checks.processes import Owner, Process, Stat
from keepwell.rooms.checks.texts import show

_AT_LEAST_ONE = parse_comparison(">= 1")
_FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
_NAME_LENGTH = 15
_TICKS_PER_SECOND = 100.0  # USER_HZ as Linux shows it to programs on x86-64 and arm64: time(7)
_MAIN = "main."


class ProcessOptions(Options):
    """Which processes, and how they should be. Exactly one of name, match, pid_file and unit; a pid_file may have a name or match too."""

    name: str | None = Field(default=None, min_length=1)
    """The program's name as ``ps -o comm`` and ``top`` show it. Linux keeps 15 bytes of a name, so only so many are compared."""
    match: RegularExpression | None = None
    """A regular expression found anywhere in the whole command line (``ps -o args``). Keepwell's own look at it never counts."""
    pid_file: PlainPath | None = None
    """A file whose first line is the number of a process: that process and all that descend from it. With name or match, the process must
    fit these as well, so that a file that was left behind does not name a stranger."""
    unit: str | None = Field(default=None, min_length=1, max_length=256, pattern=r"^[A-Za-z0-9:_.@\\-]+$")
    """The processes of a unit of systemd (of its control group), for example ``nginx`` or ``shop.slice``. The kind ``systemd`` looks at the
    unit itself."""
    count: NumberLimit | None = None
    """How many processes there must be; without it ``>= 1``. ``== 0`` where none may run. Defunct processes do not count."""
    cpu: RatioLimits | None = None
    """Limits on the processor time of all of them together since the check's last look; ``100%`` is one processor. No limit is usual."""
    memory: BytesLimits | None = None
    """Limits on their resident memory together (pages that they share are counted in each). No limit is usual."""
    threads: NumberLimits | None = None
    """Limits on the threads of all of them together. No limit is usual."""
    open_files: NumberLimits | None = None
    """Limits on the open files of the process that has most. To count them one must be root or the user who runs it. No limit is usual."""
    open_files_share: RatioLimits | None = None
    """Limits on open files as a share of what the process may open (its soft ``ulimit -n``); ``{}`` stands for
    ``{warn: "> 80%", fail: "> 90%"}``."""
    user: str | None = Field(default=None, min_length=1, max_length=64)
    """The user, by name or number, as whom every one of them must run."""
    age: SecondsLimits | None = None
    """Limits on how long the oldest of them has been running, for example ``{warn: "< 5m"}``. No limit is usual."""
    restarted: Literal["ok", "warn", "fail"] | None = None
    """The state of the look that finds the oldest of them (or the one of the pid_file) to be another than at the look before, at most 15
    minutes ago. How often it was started in between, nobody can tell: the kind ``systemd`` counts restarts."""

    @model_validator(mode="after")
    def _names_processes(self) -> Self:
        chosen = [self.name is not None or self.match is not None, self.unit is not None]
        alone = self.pid_file is not None and not chosen[1]
        if (self.name is not None and self.match is not None) or not (alone or sum(chosen) == 1) or (self.pid_file and self.unit):
            raise ValueError(
                "give exactly one of name (the program's name), match (a regular expression over the command line), pid_file and unit; "
                "only with pid_file one of name and match may be given too"
            )
        return self

    @property
    def unit_name(self) -> str | None:
        """The unit with its type, as systemctl reads it."""
        return self.unit if self.unit is None or "." in self.unit else f"{self.unit}.service"


@dataclass(slots=True)
class _Look:
    """What was found out, and what is concluded from it."""

    running: list[Process] = field(default_factory=list)
    defunct: int = 0
    stats: dict[int, Stat] = field(default_factory=dict)
    owners: dict[int, Owner] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)


def _questions(options: ProcessOptions) -> Iterator[tuple[str, Question]]:
    yield "list", host.LIST
    if options.cpu is not None or options.threads is not None or options.restarted is not None:
        yield "stats", host.STATS
    if options.user is not None or options.unit is not None:
        yield "owners", host.OWNERS
    if options.pid_file is not None:
        yield "pid", ReadFile(options.pid_file, 4096)


def ask(options: ProcessOptions, target: Target | None) -> tuple[Question, ...]:
    """The list of processes and what else the options need of all of them."""
    return tuple(question for _, question in _questions(options))


def then(options: ProcessOptions, target: Target | None, answers: tuple[Answer, ...]) -> tuple[Question, ...]:
    """The open files of the processes that are meant, once these are known."""
    wanted = options.open_files is not None or options.open_files_share is not None
    if not wanted or len(answers) > len(tuple(_questions(options))):
        return ()
    try:
        found = _found(options, answers)
    except AnswerError:
        return ()
    return host.open_files_questions(process.pid for process in found.running) if found.running else ()


def read(options: ProcessOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The count against what is expected, then everything else against its limits."""
    if any(isinstance(answer, Result) and any(answer.dropped) for answer in answers):
        return Observation(State.UNKNOWN, f"the list of processes is longer than {describe(host.OUTPUT_LIMIT, Unit.BYTES)}")
    try:
        look = _found(options, answers)
        _observe(options, look, answers[len(tuple(_questions(options))) :], earlier)
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    verdict = together(look.verdicts)
    return Observation(verdict.state, verdict.sentence, look.values, look.counters)


# --- which processes -----------------------------------------------------------------------------------------------------------


def _found(options: ProcessOptions, answers: tuple[Answer, ...]) -> _Look:
    """The processes that are meant, and what is known of all of them. Raises AnswerError."""
    given = dict(zip((name for name, _ in _questions(options)), answers, strict=False))
    everyone = host.processes(given["list"])
    look = _Look(stats=host.stats(given["stats"]) if "stats" in given else {})
    look.owners = host.owners(given["owners"]) if "owners" in given else {}
    if options.pid_file is not None:
        matching = _of_file(options, everyone, host.pid_of(given["pid"], options.pid_file))
    elif options.unit is not None:
        matching = [process for process in everyone if process.pid in look.owners and look.owners[process.pid].unit == options.unit_name]
    else:
        matching = [process for process in everyone if _matches(options, process)]
    if options.match is not None:
        own = _own(everyone)
        matching = [process for process in matching if process.pid not in own]
    look.running = [process for process in matching if not process.defunct]
    look.defunct = len(matching) - len(look.running)
    return look


def _of_file(options: ProcessOptions, everyone: list[Process], pid: int) -> list[Process]:
    root = next((process for process in everyone if process.pid == pid), None)
    if root is None or ((options.name is not None or options.match is not None) and not _matches(options, root)):
        return []
    return host.with_descendants(root, everyone)


def _matches(options: ProcessOptions, process: Process) -> bool:
    if options.match is not None:
        return options.match.found_in(process.line)
    return process.name.encode()[:_NAME_LENGTH] == (options.name or "").encode()[:_NAME_LENGTH]


def _own(everyone: list[Process]) -> set[int]:
    """Our own look: ps itself, who started it, those above it whose command line names keepwell too, and copies of that which a fork
    leaves for a moment before it becomes ps. The command line ``keepwell check DIR nginx`` is no nginx."""
    by_pid = {process.pid: process for process in everyone}
    looks = [process for process in everyone if process.line == " ".join(host.LIST.argv)]
    own = {process.pid for process in looks}
    for look in looks:
        above = by_pid.get(look.parent)
        if above is not None:
            own |= {above.pid} | {process.pid for process in everyone if (process.parent, process.line) == (above.pid, above.line)}
            above = by_pid.get(above.parent)
        while above is not None and above.pid not in own and "keepwell" in above.line:
            own.add(above.pid)
            above = by_pid.get(above.parent)
    return own


# --- how they are --------------------------------------------------------------------------------------------------------------


def _observe(options: ProcessOptions, look: _Look, more: tuple[Answer, ...], earlier: Earlier | None) -> None:
    running = look.running
    look.values |= {"count": float(len(running)), "memory_bytes": float(sum(process.memory for process in running))}
    look.verdicts.append(_counted(options, len(running), look.defunct))
    if options.restarted is not None:
        _restarted(options.restarted, look, earlier)
    if not running:
        return
    look.values["oldest_seconds"] = oldest = float(max(process.age for process in running))
    if options.memory is not None:
        used, limits = look.values["memory_bytes"], options.memory
        look.verdicts.append(judge(f"{limits.describe(used)} of memory are resident", used, limits.warn, limits.fail))
    if options.cpu is not None:
        _busy(options.cpu, look, earlier)
    if options.threads is not None:
        look.values["threads"] = threads = float(sum(look.stats[process.pid].threads for process in running if process.pid in look.stats))
        seen = f"{threads:.0f} thread{'s run' if threads != 1 else ' runs'}"
        look.verdicts.append(judge(seen, threads, options.threads.warn, options.threads.fail))
    if options.user is not None:
        _owned(options.user, look)
    if options.age is not None:
        seen = f"the oldest has been running for {describe(oldest, Unit.SECONDS)}"
        look.verdicts.append(judge(seen, oldest, options.age.warn, options.age.fail))
    if options.open_files is not None or options.open_files_share is not None:
        _open_files(options, look, more)


def _counted(options: ProcessOptions, count: int, defunct: int) -> Verdict:
    expected = options.count or _AT_LEAST_ONE
    number = f"{count or 'no'} process{'es' if count > 1 else ''} {_which(options)}"
    aside = f" (and {defunct} defunct)" if defunct else ""
    state = State.OK if expected.holds(count) else State.FAIL
    return Verdict(state, f"{number}{aside}, expected {expected.text}")


def _which(options: ProcessOptions) -> str:
    words = [f"of {options.pid_file}"] if options.pid_file is not None else []
    words += [f"of the unit {options.unit_name}"] if options.unit is not None else []
    words += [f"named {show(options.name)}"] if options.name is not None else []
    words += [f"with {show(options.match.text)} in the command line"] if options.match is not None else []
    return " ".join(words)


def _restarted(state: str, look: _Look, earlier: Earlier | None) -> None:
    before = [name for name in (earlier.counters if earlier is not None else {}) if name.startswith(_MAIN)]
    known = [process for process in look.running if process.pid in look.stats]
    if not known:
        look.counters |= dict.fromkeys(before, 1.0)  # so that what comes back is known to be another
        return
    oldest = max(known, key=lambda process: (process.age, -process.pid))
    now = f"{_MAIN}{oldest.pid}.{look.stats[oldest.pid].start}"
    look.counters[now] = 1.0
    if earlier is not None and before:
        look.values["restarted"] = float(now not in before)
        if now not in before:
            age, span = describe(oldest.age, Unit.SECONDS), describe(earlier.seconds, Unit.SECONDS)
            sentence = f"it was started anew since the last look ({span} ago): process {oldest.pid} has been running for {age}"
            look.verdicts.append(Verdict(State(state), sentence))


def _busy(limits: RatioLimits, look: _Look, earlier: Earlier | None) -> None:
    look.counters |= {_key(process, look): look.stats[process.pid].ticks for process in look.running if process.pid in look.stats}
    if earlier is None:
        look.verdicts.append(Verdict(State.UNKNOWN, "processor use needs two readings, and this is the first"))
        return
    ratio = sum(_used(look, earlier)) / _TICKS_PER_SECOND / max(earlier.seconds, 0.001)
    look.values["cpu_ratio"] = ratio
    look.verdicts.append(judge(f"{describe(ratio, Unit.RATIO)} of a processor is used", ratio, limits.warn, limits.fail))


def _key(process: Process, look: _Look) -> str:
    return f"cpu_ticks.{process.pid}.{look.stats[process.pid].start}"


def _used(look: _Look, earlier: Earlier) -> Iterator[float]:
    """Ticks that each process used since the earlier look; of one that began since then all, of one not seen before none."""
    for process in look.running:
        if process.pid in look.stats:
            now = look.stats[process.pid].ticks
            began_since = process.age <= earlier.seconds
            yield max(0.0, now - earlier.counters.get(_key(process, look), 0.0 if began_since else now))


def _owned(user: str, look: _Look) -> None:
    others = [process for process in look.running if (owner := look.owners.get(process.pid)) and user not in (owner.user, owner.number)]
    if not others:
        look.verdicts.append(Verdict(State.OK, f"run by {show(user)}"))
        return
    who = ", ".join(dict.fromkeys(show(look.owners[process.pid].user) for process in others[:5]))
    look.verdicts.append(Verdict(State.FAIL, f"{len(others)} of them run by {who}, expected {show(user)}"))


def _open_files(options: ProcessOptions, look: _Look, more: tuple[Answer, ...]) -> None:
    counts = host.open_files(more[0]) if len(more) == 2 else {}
    if len(more) == 2 and refused(more[0]):
        look.verdicts.append(Verdict(State.UNKNOWN, "this user may not count the open files of all of them"))
    if not counts:
        return
    pid = max(counts, key=lambda pid: counts[pid])
    look.values["open_files"] = float(counts[pid])
    if options.open_files is not None:
        seen = f"process {pid} has {counts[pid]} files open"
        look.verdicts.append(judge(seen, counts[pid], options.open_files.warn, options.open_files.fail))
    limits = host.open_file_limits(more[1])
    shares = {pid: counts[pid] / limits[pid] for pid in counts if pid in limits}
    if options.open_files_share is not None and shares:
        pid = max(shares, key=lambda pid: shares[pid])
        look.values["open_files_ratio"] = shares[pid]
        seen = f"process {pid} has {describe(shares[pid], Unit.RATIO)} of the {limits[pid]} files open that it may"
        look.verdicts.append(judge(seen, shares[pid], *given_or(options.open_files_share.warn, options.open_files_share.fail, _FULL)))


DRIVER = Kind(
    summary="Whether the processes of a program run, how many, as whom, and how much memory, processor, threads and files they use",
    options=ProcessOptions,
    ask=ask,
    read=read,
    then=then,
    needs_earlier=lambda options: options.cpu is not None,
    values={
        "count": "how many processes of the program run",
        "memory_bytes": "the resident memory of all of them; what they share counts once for each",
        "oldest_seconds": "how long ago the oldest of them was started",
        "threads": "the threads of all of them",
        "open_files": "the open files of the process that has most",
        "open_files_ratio": "open files as a share of what the process may open; of several the highest",
        "restarted": "1 where the oldest is another than at the last look, else 0",
        "cpu_ratio": "the processor time that they used since the last look; 1 is one processor",
    },
    example="""\
checks:
  worker:
    process: {name: worker, count: ">= 2", memory: {warn: "> 500MB"}, cpu: {warn: "> 90%"}}
    every: 30s
""",
)
