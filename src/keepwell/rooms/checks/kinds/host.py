"""The ``host`` kind: how full a file system is, and memory, swap, processors and load of a Linux host.

It asks ``df -P`` (POSIX.1-2017, "df") and reads /proc (proc_meminfo(5), proc_stat(5), proc_loadavg(5)). The limits of a control group, as
containers have them, are not read: inside a container the numbers are those of the machine around it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

from pydantic import model_validator

from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Comparison, Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command
from keepwell.rooms.checks.answers import text_of, whole
from keepwell.rooms.checks.limits import (
    BytesLimits,
    NumberLimits,
    RatioLimit,
    RatioLimits,
    Verdict,
    WarnsBeforeItFails,
    given_or,
    judge,
    together,
)
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question, ReadFile
from keepwell.rooms.checks.texts import show

_FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
_SWAPPED = (parse_comparison("> 50%"), parse_comparison("> 80%"))
_LOADED = (parse_comparison("> 1.5"), parse_comparison("> 3"))


class HostOptions(WarnsBeforeItFails):
    """What to look at on a host; at least one of mount, memory, swap, cpu and load."""

    mount: str | None = None
    """A path on the file system to look at, usually its mount point. Its use is what ``df`` prints: used / (used + available)."""
    warn: RatioLimit | None = None
    """The file system is ``warn`` where its use compares so. Without warn, fail and free: ``> 80%``."""
    fail: RatioLimit | None = None
    """The file system is ``fail`` where its use compares so. Without warn, fail and free: ``> 90%``."""
    free: BytesLimits | None = None
    """Limits on the bytes that the file system still has for ordinary users, for example ``{warn: "< 20GB", fail: "< 5GB"}``."""
    inodes: RatioLimits | None = None
    """Limits on the share of used inodes of the file system; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    memory: RatioLimits | None = None
    """Limits on used memory: 1 - MemAvailable / MemTotal; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    swap: RatioLimits | None = None
    """Limits on used swap space; ``{}`` stands for ``{warn: "> 50%", fail: "> 80%"}``. A host without swap is ``ok``."""
    cpu: RatioLimits | None = None
    """Limits on the share of time in which all processors together were busy since the check's last look (waiting for disks is not
    busy); ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    load: NumberLimits | None = None
    """Limits on the load average of five minutes divided by the number of processors (1 means: as much work as processors);
    ``{}`` stands for ``{warn: "> 1.5", fail: "> 3"}``."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.mount is None and not (self.memory or self.swap or self.cpu or self.load):
            raise ValueError("nothing to look at: give at least one of mount, memory, swap, cpu and load")
        for name in ("warn", "fail", "free", "inodes"):
            if self.mount is None and getattr(self, name) is not None:
                raise ValueError(f"{name} belongs to mount, which is not given (memory, swap, cpu and load hold their own warn and fail)")
        if self.mount is not None and not self.mount.startswith("/"):
            raise ValueError(f"mount is a path that starts with /, not {show(self.mount)}")
        return self


@dataclass(frozen=True, slots=True)
class _Reading:
    """One part's verdicts, values and counters."""

    verdicts: tuple[Verdict, ...]
    values: dict[str, float]
    counters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    """One thing to look at: what it asks, what that is called in a sentence, and how the texts that come back are read."""

    asked: str
    questions: tuple[Question, ...]
    read: Callable[[HostOptions, tuple[str, ...], Earlier | None], _Reading]


def _parts(options: HostOptions) -> Iterator[_Part]:
    if options.mount is not None:
        yield _Part("df", (_df(options.mount, "-k"),), _disk)
    if options.inodes is not None:
        yield _Part("df -i", (_df(options.mount or "/", "-i"),), _inodes)
    if options.memory is not None:
        yield _Part("/proc/meminfo", (ReadFile("/proc/meminfo"),), _memory)
    if options.swap is not None:
        yield _Part("/proc/meminfo", (ReadFile("/proc/meminfo"),), _swap)
    if options.cpu is not None:
        yield _Part("/proc/stat", (ReadFile("/proc/stat"),), _processors)
    if options.load is not None:
        yield _Part("/proc/loadavg", (ReadFile("/proc/loadavg"), ReadFile("/proc/stat")), _load)


def _df(path: str, unit: str) -> Command:
    return Command(("df", "-P", unit, "--", path), environment={"LC_ALL": "C"})


def ask(options: HostOptions, target: Target | None) -> tuple[Question, ...]:
    """The questions of every part that the options name."""
    return tuple(question for part in _parts(options) for question in part.questions)


def read(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The worst of the parts, each with its sentence."""
    rest = list(answers)
    readings = []
    for part in _parts(options):
        mine, rest = rest[: len(part.questions)], rest[len(part.questions) :]
        readings.append(_read_part(part, options, mine, earlier))
    verdict = together(verdict for reading in readings for verdict in reading.verdicts)
    values = {name: value for reading in readings for name, value in reading.values.items()}
    counters = {name: value for reading in readings for name, value in reading.counters.items()}
    return Observation(verdict.state, verdict.sentence, values, counters)


def _read_part(part: _Part, options: HostOptions, answers: list[Answer], earlier: Earlier | None) -> _Reading:
    try:
        return part.read(options, tuple(text_of(answer, part.asked) for answer in answers), earlier)
    except AnswerError as error:
        absent = options.mount is not None and part.asked.startswith("df") and "No such file or directory" in str(error)
        sentence = f"there is no {options.mount} on this host, expected a path on a file system" if absent else str(error)
        return _Reading((Verdict(State.FAIL, sentence),), {})
    except ValueError as error:
        return _Reading((Verdict(State.FAIL, f"{part.asked} gave no usable answer: {error}"),), {})


_ROW = re.compile(r"(?P<source>.*\S)\s+(?P<size>\d{1,18})\s+(?P<used>\d{1,18})\s+(?P<free>-?\d{1,18})\s+(?:\d+%|-)\s+(?P<at>/.*)", re.ASCII)
_LONGEST_ROW = 4096


def _row(text: str) -> tuple[int, int, str]:
    """Used and available units of the last line of ``df -P``, and where the file system is mounted; names may hold spaces."""
    lines = text.strip().splitlines()
    match = _ROW.fullmatch(lines[-1][:_LONGEST_ROW].strip()) if lines else None
    if match is None:
        raise ValueError(f"{show(lines[-1] if lines else '')} is no line of df")
    used, free = int(match["used"]), max(0, int(match["free"]))
    if used + free == 0:
        raise ValueError(f"the file system at {show(match['at'])} has no size, as virtual file systems have none")
    return used, free, match["at"]


def _place(mount: str | None, at: str) -> str:
    return at if mount is None or mount.rstrip("/") == at.rstrip("/") else f"{mount} (on the file system at {at})"


def _disk(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> _Reading:
    used_blocks, free_blocks, at = _row(texts[0])
    used, free = used_blocks * 1024, free_blocks * 1024
    ratio = used / (used + free)
    place = _place(options.mount, at)
    share = f"{place} is {describe(ratio, Unit.RATIO)} full ({_bytes(used)} of {_bytes(used + free)})"
    limits = (options.warn, options.fail) if options.free else given_or(options.warn, options.fail, _FULL)
    verdicts = [judge(share, ratio, *limits)]
    if options.free:
        verdicts.append(judge(f"{options.free.describe(free)} are free on {place}", free, options.free.warn, options.free.fail))
    values = {"disk_used_ratio": ratio, "disk_used_bytes": float(used), "disk_available_bytes": float(free)}
    return _Reading(tuple(verdicts), values)


def _inodes(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> _Reading:
    used, free, at = _row(texts[0])
    ratio = used / (used + free)
    seen = f"{_place(options.mount, at)} has {describe(ratio, Unit.RATIO)} of its inodes in use ({used} of {used + free})"
    return _Reading((_judged(seen, ratio, options.inodes),), {"disk_inodes_used_ratio": ratio, "disk_inodes_available": float(free)})


def _memory(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> _Reading:
    sizes = _sizes(texts[0], "MemTotal", "MemAvailable")
    total, available = sizes["MemTotal"], sizes["MemAvailable"]
    if not 0 <= available <= total or not total:
        raise ValueError("MemTotal and MemAvailable contradict each other")
    ratio = (total - available) / total
    seen = f"memory is {describe(ratio, Unit.RATIO)} used ({_bytes(total - available)} of {_bytes(total)})"
    values = {"memory_used_ratio": ratio, "memory_available_bytes": float(available), "memory_size_bytes": float(total)}
    return _Reading((_judged(seen, ratio, options.memory),), values)


def _swap(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> _Reading:
    sizes = _sizes(texts[0], "SwapTotal", "SwapFree")
    total, free = sizes["SwapTotal"], sizes["SwapFree"]
    if not total:
        return _Reading((Verdict(State.OK, "there is no swap space"),), {"swap_size_bytes": 0.0})
    if free > total:
        raise ValueError("SwapTotal and SwapFree contradict each other")
    ratio = (total - free) / total
    seen = f"swap is {describe(ratio, Unit.RATIO)} used ({_bytes(total - free)} of {_bytes(total)})"
    values = {"swap_used_ratio": ratio, "swap_size_bytes": float(total)}
    return _Reading((_judged(seen, ratio, options.swap, _SWAPPED),), values)


def _processors(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> _Reading:
    fields = next((line.split()[1:] for line in texts[0].splitlines() if line.startswith("cpu ")), [])
    if len(fields) < 4:
        raise ValueError('there is no line "cpu"')
    # The ninth and tenth field, the time of guests, are contained in the first and second: proc_stat(5).
    ticks = [whole(part) for part in fields[:8]]
    total = float(sum(ticks))
    counters = {"cpu_total_ticks": total, "cpu_busy_ticks": total - sum(ticks[3:5])}
    if earlier is None or not counters.keys() <= earlier.counters.keys():
        return _Reading((Verdict(State.UNKNOWN, "processor use needs two readings, and this is the first"),), {}, counters)
    passed, busy = (counters[name] - earlier.counters[name] for name in ("cpu_total_ticks", "cpu_busy_ticks"))
    if passed <= 0 or busy < 0:
        return _Reading((Verdict(State.UNKNOWN, "processor time ran backwards between two readings, as after a restart"),), {}, counters)
    ratio = min(1.0, busy / passed)
    seen = f"processors were {describe(ratio, Unit.RATIO)} busy in the last {describe(earlier.seconds, Unit.SECONDS)}"
    return _Reading((_judged(seen, ratio, options.cpu),), {"cpu_used_ratio": ratio}, counters)


_AVERAGE = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")


def _load(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> _Reading:
    averages = texts[0].split()[:3]
    if len(averages) < 3 or not all(_AVERAGE.fullmatch(average) for average in averages):
        raise ValueError(f"{show(texts[0].strip())} holds no three averages")
    processors = len(re.findall(r"^cpu[0-9]+ ", texts[1], re.MULTILINE))
    if not processors:
        raise ValueError("/proc/stat names no processor")
    one, five, fifteen = (float(average) for average in averages)
    share = five / processors
    seen = f"load is {share:.2f} per processor (average of 5 minutes: {five:.2f} on {processors})"
    limits = options.load or NumberLimits()
    values = {"load_1m": one, "load_5m": five, "load_15m": fifteen, "load_per_cpu": share, "cpus": float(processors)}
    return _Reading((judge(seen, share, *given_or(limits.warn, limits.fail, _LOADED)),), values)


def _judged(seen: str, ratio: float, limits: RatioLimits | None, otherwise: tuple[Comparison, Comparison] = _FULL) -> Verdict:
    given = limits or RatioLimits()
    return judge(seen, ratio, *given_or(given.warn, given.fail, otherwise))


def _sizes(text: str, *names: str) -> dict[str, int]:
    """Lines of /proc/meminfo in bytes (``kB`` there means 1024 bytes)."""
    lines = dict(re.findall(r"^(\w+): +([0-9]{1,15}) kB$", text, re.MULTILINE | re.ASCII))
    missing = [name for name in names if name not in lines]
    if missing:
        raise ValueError(f"there is no {' and no '.join(missing)}")
    return {name: int(lines[name]) * 1024 for name in names}


def _bytes(value: float) -> str:
    return describe(value, Unit.BYTES)


DRIVER = Kind(
    summary="How full a file system is, and memory, swap, processors and load of a Linux host",
    options=HostOptions,
    ask=ask,
    read=read,
    needs_earlier=lambda options: options.cpu is not None,
)
