"""Processors and load, open files, and how many processes there are (proc_stat(5), proc_loadavg(5), proc_sys_fs(5), ps(1))."""

import re
from collections.abc import Iterator

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.runner import Command
from keepwell.rooms.checks.answers import whole
from keepwell.rooms.checks.limits import NumberLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Earlier, ReadFile
from keepwell.rooms.checks.texts import show

from .options import LOADED, ZOMBIES, HostOptions
from .parts import Part, Reading, judged, of_texts, unknown

_AVERAGE = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")
_FILES = re.compile(r"\s*([0-9]{1,18})\s+[0-9]{1,18}\s+([0-9]{1,20})\s*")
_UNLIMITED = 2**62  # systemd sets the largest number that there is
_STATES = Command(("ps", "-eo", "s="), environment={"LC_ALL": "C"}, output_limit=8 * 1024 * 1024)


def parts(options: HostOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.cpu is not None:
        yield of_texts("/proc/stat", (ReadFile("/proc/stat"),), _processors)
    if options.load is not None or options.load_average is not None:
        yield of_texts("/proc/loadavg", (ReadFile("/proc/loadavg"), ReadFile("/proc/stat")), _load)


def numbers_of_things(options: HostOptions) -> Iterator[Part]:
    """The parts that count things of the kernel."""
    if options.descriptors is not None:
        yield of_texts("/proc/sys/fs/file-nr", (ReadFile("/proc/sys/fs/file-nr"),), _descriptors)
    if options.processes is not None or options.zombies is not None:
        yield of_texts("ps", (_STATES,), _processes)


def _processors(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    fields = next((line.split()[1:] for line in texts[0].splitlines() if line.startswith("cpu ")), [])
    if len(fields) < 4:
        raise ValueError('there is no line "cpu"')
    # The ninth and tenth field, the time of guests, are contained in the first and second: proc_stat(5).
    ticks = [whole(part) for part in fields[:8]]
    total = float(sum(ticks))
    counters = {"cpu_total_ticks": total, "cpu_busy_ticks": total - sum(ticks[3:5])}
    if earlier is None or not counters.keys() <= earlier.counters.keys():
        return Reading((unknown("processor use needs two readings, and this is the first"),), {}, counters)
    passed, busy = (counters[name] - earlier.counters[name] for name in ("cpu_total_ticks", "cpu_busy_ticks"))
    if passed <= 0 or busy < 0:
        return Reading((unknown("processor time ran backwards between two readings, as after a restart"),), {}, counters)
    ratio = min(1.0, busy / passed)
    seen = f"processors were {describe(ratio, Unit.RATIO)} busy in the last {describe(earlier.seconds, Unit.SECONDS)}"
    return Reading((judged(seen, ratio, options.cpu),), {"cpu_used_ratio": ratio}, counters)


def _load(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    averages = texts[0].split()[:3]
    if len(averages) < 3 or not all(_AVERAGE.fullmatch(average) for average in averages):
        raise ValueError(f"{show(texts[0].strip())} holds no three averages")
    processors = len(re.findall(r"^cpu[0-9]+ ", texts[1], re.MULTILINE))
    if not processors:
        raise ValueError("/proc/stat names no processor")
    one, five, fifteen = (float(average) for average in averages)
    share = five / processors
    verdicts = []
    if options.load is not None:
        seen = f"load is {share:.2f} per processor (average of 5 minutes: {five:.2f} on {processors})"
        verdicts.append(judge(seen, share, *given_or(options.load.warn, options.load.fail, LOADED)))
    if options.load_average is not None:
        seen = f"load is {five:.2f} on average of 5 minutes, {one:.2f} of 1 and {fifteen:.2f} of 15"
        verdicts.append(judge(seen, five, options.load_average.warn, options.load_average.fail))
    values = {"load_1m": one, "load_5m": five, "load_15m": fifteen, "load_per_cpu": share, "cpus": float(processors)}
    return Reading(tuple(verdicts), values)


def _descriptors(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    match = _FILES.fullmatch(texts[0])
    if match is None or not int(match[2]):
        raise ValueError(f"{show(texts[0].strip())} holds no number of open files and their limit")
    used, most = int(match[1]), int(match[2])
    ratio = used / most
    share = f"{describe(ratio, Unit.RATIO)} of the {most} that fs.file-max allows" if most < _UNLIMITED else "fs.file-max sets no limit"
    seen = f"{used} files are open on the host, {share}"
    values = {"open_files": float(used), "open_files_ratio": ratio}
    return Reading((judged(seen, ratio, options.descriptors),), values)


def _processes(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    states = texts[0].split()
    if not states or any(len(state) != 1 for state in states):
        raise ValueError(f"{show(texts[0].strip())} is no list of states")
    count, defunct = max(0, len(states) - 1), states.count("Z")  # less ps itself
    verdicts: list[Verdict] = []
    if options.processes is not None:
        verdicts.append(judge(f"{count} processes exist", count, options.processes.warn, options.processes.fail))
    if options.zombies is not None:
        limits: NumberLimits = options.zombies
        seen = f"{defunct or 'no'} process{'es are' if defunct > 1 else ' is'} defunct"
        verdicts.append(judge(seen, defunct, *given_or(limits.warn, limits.fail, ZOMBIES)))
    return Reading(
        tuple(verdicts) or (Verdict(State.OK, f"{count} processes exist"),), {"processes": float(count), "zombies": float(defunct)}
    )
