"""What goes through network interfaces and disks between two looks: /proc/net/dev (proc_pid_net(5)) and /proc/diskstats.

Both count since the host's start (an interface: since it was made), so one look alone gives no rate.
"""

import re
from collections.abc import Iterator, Mapping

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import BytesLimits, NumberLimits, RatioLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Answer, Earlier, ReadFile

from .options import DROPS, ERRORS, WAIT, DiskIoOptions, HostOptions, NetworkOptions
from .parts import LEAST_SPAN, Part, Reading, of_texts, unknown

_MOST = 200
_INTERFACE = re.compile(r"\s*([^\s/:]{1,15}):\s*([0-9 ]{31,400})\s*", re.ASCII)
_DEVICE = re.compile(r"\s*[0-9]+\s+[0-9]+\s+([A-Za-z0-9_!.-]{1,32})((?:\s+[0-9]{1,18}){11,30})\s*", re.ASCII)
_NO_DISK = re.compile(r"(loop|ram|fd|sr)[0-9]+")
_FIELDS = ("receive", "send", "errors", "drops")
_DOWN = ("down", "lowerlayerdown", "notpresent")
_Counts = dict[str, dict[str, float]]


def parts(options: HostOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.network is not None:
        links = tuple(ReadFile(f"/sys/class/net/{name}/operstate", 64) for name in options.network.interfaces)
        yield Part("/proc/net/dev", (ReadFile("/proc/net/dev"), *links), _network)
    if options.disk_io is not None:
        yield of_texts("/proc/diskstats", (ReadFile("/proc/diskstats"),), _disks)


def _network(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Reading:
    wanted = options.network or NetworkOptions()
    found = _interfaces(text_of(answers[0], "/proc/net/dev"))
    verdicts = list(_links(wanted, found, answers[1:]))
    now = {name: counts for name, counts in found.items() if _looked_at(name, wanted)}
    counters = _flat("network", now)
    if not now:
        return Reading((*verdicts, *([] if verdicts else [Verdict(State.OK, "there is no network interface but loopback")])))
    rates = _rates("network", now, earlier)
    if rates is None:
        return Reading((*verdicts, unknown("network traffic needs two readings, and this is the first")), {}, counters)
    values = {}
    for field in _FIELDS:
        name, rate = max(((name, of[field]) for name, of in rates.items()), key=lambda pair: pair[1])
        values[f"network_{field}_{'bytes_' if field in ('receive', 'send') else ''}per_second"] = rate
        verdicts.append(_rate(wanted, field, name, rate))
    return Reading(tuple(verdicts), values, counters)


def _interfaces(text: str) -> _Counts:
    counts: _Counts = {}
    for match in filter(None, map(_INTERFACE.fullmatch, text.splitlines())):
        numbers = [float(number) for number in match[2].split() if len(number) <= 20]
        if len(numbers) >= 16 and len(counts) < _MOST:
            amounts = (numbers[0], numbers[8], numbers[2] + numbers[10], numbers[3] + numbers[11])
            counts[match[1]] = dict(zip(_FIELDS, amounts, strict=True))
    if not counts:
        raise ValueError("it names no interface")
    return counts


def _looked_at(name: str, options: NetworkOptions) -> bool:
    return name in options.interfaces if options.interfaces else name != "lo" and not name.startswith("veth")


def _links(options: NetworkOptions, found: _Counts, answers: tuple[Answer, ...]) -> Iterator[Verdict]:
    for name, answer in zip(options.interfaces, answers, strict=False):
        if name not in found:
            yield Verdict(State.FAIL, f"there is no network interface {name}, expected one with its link up")
            continue
        try:
            state = text_of(answer, f"the state of {name}").strip()
        except AnswerError as error:
            yield unknown(str(error))
            continue
        if state in _DOWN:
            yield Verdict(State.FAIL, f"the link of {name} is down, expected up")
        elif state not in ("up", "unknown"):  # what has no link of its own, as tunnels have none, is unknown
            yield Verdict(State.WARN, f"the link of {name} is {re.sub('[^a-z]', '', state)[:20] or 'in no state'}, expected up")


def _rate(options: NetworkOptions, field: str, name: str, rate: float) -> Verdict:
    if field in ("receive", "send"):
        limits: BytesLimits = getattr(options, field) or BytesLimits()
        return judge(f"{name} {field}s {limits.describe(rate)} per second", rate, limits.warn, limits.fail)
    counted: NumberLimits = getattr(options, field)
    seen = f"{name} {'drops' if field == 'drops' else 'has'} {describe(rate, Unit.NUMBER)} {'packets' if field == 'drops' else 'errors'}"
    return judge(f"{seen} per second", rate, *given_or(counted.warn, counted.fail, ERRORS if field == "errors" else DROPS))


# --- disks -------------------------------------------------------------------------------------------------------------------


def _disks(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    wanted = options.disk_io or DiskIoOptions()
    found = _devices(texts[0])
    missing = [name for name in wanted.devices if name not in found]
    verdicts = [Verdict(State.FAIL, f"there is no disk {name}") for name in missing]
    now = {name: counts for name, counts in found.items() if (name in wanted.devices if wanted.devices else not _NO_DISK.fullmatch(name))}
    counters = _flat("disk_io", now)
    if not now:
        return Reading(tuple(verdicts) or (Verdict(State.OK, "there is no disk"),))
    rates = _rates("disk_io", now, earlier)
    if rates is None:
        return Reading((*verdicts, unknown("the work of disks needs two readings, and this is the first")), {}, counters)
    waits = {name: of["milliseconds"] / of["done"] / 1000 if of["done"] else 0.0 for name, of in rates.items()}
    slowest, busiest = max(waits, key=lambda name: waits[name]), max(rates, key=lambda name: rates[name]["busy"])
    wait, busy = waits[slowest], min(1.0, rates[busiest]["busy"] / 1000)
    seen = f"one read or write takes {slowest} {describe(wait, Unit.SECONDS)} on average"
    verdicts.append(judge(seen, wait, *given_or(wanted.wait.warn, wanted.wait.fail, WAIT)))
    limits = wanted.busy or RatioLimits()
    verdicts.append(judge(f"{busiest} was busy in {describe(busy, Unit.RATIO)} of the time", busy, limits.warn, limits.fail))
    total = {name: max(of[name] for of in rates.values()) for name in ("done", "read", "written")}
    values = {"disk_io_wait_seconds": wait, "disk_io_busy_ratio": busy, "disk_io_per_second": total["done"]}
    values |= {"disk_read_bytes_per_second": total["read"] * 512, "disk_written_bytes_per_second": total["written"] * 512}
    return Reading(tuple(verdicts), values, counters)


def _devices(text: str) -> _Counts:
    counts: _Counts = {}
    matches = list(filter(None, map(_DEVICE.fullmatch, text.splitlines())))
    for match in matches[: 4 * _MOST]:
        numbers = [float(number) for number in match[2].split()]
        if any(numbers[:11]) and len(counts) < _MOST:
            counts[match[1]] = {
                "done": numbers[0] + numbers[4],
                "milliseconds": numbers[3] + numbers[7],
                "busy": numbers[9],
                "read": numbers[2],  # in sectors of 512 bytes, whatever the device's own are
                "written": numbers[6],
            }
    if not matches and text.strip():
        raise ValueError("it names no device")
    return counts


# --- both --------------------------------------------------------------------------------------------------------------------


def _flat(what: str, counts: _Counts) -> dict[str, float]:
    return {f"{what}.{name}.{field}": number for name, of in counts.items() for field, number in of.items()}


def _rates(what: str, now: _Counts, earlier: Earlier | None) -> _Counts | None:
    """Per second since the earlier look, of everything that was there then and did not begin to count anew; None where nothing was."""
    if earlier is None:
        return None
    span = max(earlier.seconds, LEAST_SPAN)
    rates = {}
    for name, of in now.items():
        before = _before(f"{what}.{name}.", of, earlier.counters)
        if before is not None and all(of[field] >= before[field] for field in of):
            rates[name] = {field: (of[field] - before[field]) / span for field in of}
    return rates or None


def _before(prefix: str, of: Mapping[str, float], counters: Mapping[str, float]) -> dict[str, float] | None:
    before = {field: counters[prefix + field] for field in of if prefix + field in counters}
    return before if len(before) == len(of) else None
