"""How full file systems are, in bytes and inodes, and how fast one of them fills: ``df -P`` (POSIX.1-2017, "df")."""

import re
from collections.abc import Iterator

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import BytesLimits, SecondsLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Answer, Earlier
from keepwell.rooms.checks.texts import show

from .options import FULL, FULL_IN, HostOptions
from .parts import Part, Reading, judged, of_texts, size

_ROW = re.compile(r"(?P<source>.*\S)\s+(?P<size>\d{1,18})\s+(?P<used>\d{1,18})\s+(?P<free>-?\d{1,18})\s+(?:\d+%|-)\s+(?P<at>/.*)", re.ASCII)
_LONGEST_ROW = 4096
_MOST_ROWS = 500
_OUTPUT = 1024 * 1024
# In memory, read only, or shown a second time: none of these fills a disk of this host.
_NOT_ON_DISK = ("tmpfs", "devtmpfs", "squashfs", "overlay", "iso9660", "efivarfs", "fuse.lxcfs")
_DAY = 86_400.0
_HOUR = 3_600.0
_Row = tuple[int, int, str]
_Points = list[tuple[float, float]]


def parts(options: HostOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.mount is not None:
        yield Part("df", (_df("-k", options.mount),), _disk)
    if options.mounts:
        yield of_texts("df", (_several(options, "-k"),), _disks)
    if options.inodes is not None:
        asked = _several(options, "-i") if options.mounts else _df("-i", options.mount or "/")
        yield of_texts("df -i", (asked,), _inodes)


def _df(unit: str, *paths: str) -> Command:
    return Command(("df", "-P", unit, "--", *paths), environment={"LC_ALL": "C"})


def _several(options: HostOptions, unit: str) -> Command:
    if isinstance(options.mounts, tuple):
        return _df(unit, *options.mounts)
    excluded = (word for kind in _NOT_ON_DISK for word in ("-x", kind))
    return Command(("df", "-P", "-l", unit, *excluded), environment={"LC_ALL": "C"}, output_limit=_OUTPUT)


def _disk(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Reading:
    try:
        text = text_of(answers[0], "df")
    except AnswerError as error:
        if "No such file or directory" not in str(error):
            raise
        return Reading((Verdict(State.FAIL, f"there is no {options.mount} on this host, expected a path on a file system"),))
    used_blocks, free_blocks, at = _row(text)
    used, free = used_blocks * 1024, free_blocks * 1024
    place = _place(options.mount, at)
    verdicts = list(_fullness(options, place, used, free))
    values = {"disk_used_ratio": used / (used + free), "disk_used_bytes": float(used), "disk_available_bytes": float(free)}
    counters: dict[str, float] = {}
    if options.growth is not None or options.full_in is not None:
        points = _points(used, used + free, earlier)
        counters = {"disk_size": float(used + free)}
        for number, (age, then) in enumerate(points):
            counters |= {f"disk_point_{number}_age": age, f"disk_point_{number}_used": then}
        found, more = _growth(options, place, used, free, points)
        verdicts += found
        values |= more
    return Reading(tuple(verdicts), values, counters)


def _fullness(options: HostOptions, place: str, used: int, free: int) -> Iterator[Verdict]:
    ratio = used / (used + free)
    share = f"{place} is {describe(ratio, Unit.RATIO)} full ({size(used)} of {size(used + free)})"
    limits = (options.warn, options.fail) if options.free else given_or(options.warn, options.fail, FULL)
    yield judge(share, ratio, *limits)
    if options.free:
        yield judge(f"{options.free.describe(free)} are free on {place}", free, options.free.warn, options.free.fail)


def _disks(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    rows = _rows(texts[0])
    verdicts = [verdict for used, free, at in rows for verdict in _fullness(options, at, used * 1024, free * 1024)]
    fullest = max(used / (used + free) for used, free, _ in rows)
    least = min(free for _, free, _ in rows) * 1024.0
    values = {"disk_used_ratio": fullest, "disk_available_bytes": least, "file_systems": float(len(rows))}
    return Reading(tuple(_only_bad(verdicts, f"{len(rows)} file systems", fullest)), values)


def _only_bad(verdicts: list[Verdict], those: str, fullest: float) -> list[Verdict]:
    """Of many file systems only those that are not well are told; of few, all."""
    if len(verdicts) <= 3:
        return verdicts
    bad = [verdict for verdict in verdicts if verdict.state is not State.OK]
    return bad or [Verdict(State.OK, f"{those} are within their limits, the fullest is {describe(fullest, Unit.RATIO)} full")]


def _inodes(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    # Some file systems (btrfs, vfat) count no inodes and show 0; among several those say nothing.
    rows = _rows(texts[0]) if options.mounts else [_row(texts[0])]
    verdicts = []
    for used, free, at in rows:
        ratio = used / (used + free)
        seen = f"{_place(options.mount, at)} has {describe(ratio, Unit.RATIO)} of its inodes in use ({used} of {used + free})"
        verdicts.append(judged(seen, ratio, options.inodes))
    fullest = max(used / (used + free) for used, free, _ in rows)
    values = {"disk_inodes_used_ratio": fullest, "disk_inodes_available": float(min(free for _, free, _ in rows))}
    return Reading(tuple(verdicts if len(verdicts) <= 3 else _worst_inodes(verdicts)), values)


def _worst_inodes(verdicts: list[Verdict]) -> list[Verdict]:
    bad = [verdict for verdict in verdicts if verdict.state is not State.OK]
    return bad or [Verdict(State.OK, f"{len(verdicts)} file systems have inodes left")]


def _rows(text: str) -> list[_Row]:
    """Every line of ``df -P`` but its head; file systems without a size are left out. Raises ValueError where none is left."""
    lines = text.strip().splitlines()[1 : _MOST_ROWS + 1]
    matches = [match for line in lines if (match := _ROW.fullmatch(line[:_LONGEST_ROW].strip()))]
    rows = {match["at"]: (int(match["used"]), max(0, int(match["free"])), match["at"]) for match in matches}
    found = [row for row in rows.values() if row[0] + row[1] > 0]
    if not found:
        raise ValueError("it shows no file system that has a size")
    return [(used, free, show(at)[1:-1]) for used, free, at in found]


def _row(text: str) -> _Row:
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


# --- growth ------------------------------------------------------------------------------------------------------------------


def _points(used: int, whole: int, earlier: Earlier | None) -> _Points:
    """What was in use when, oldest first: a point an hour, of the last day, carried on from look to look by the check's counters."""
    points: _Points = []
    counters = earlier.counters if earlier is not None else {}
    if earlier is not None and counters.get("disk_size") == float(whole):  # another size: another file system, or one that was enlarged
        while f"disk_point_{len(points)}_used" in counters and f"disk_point_{len(points)}_age" in counters:
            number = len(points)
            points.append((counters[f"disk_point_{number}_age"] + max(0.0, earlier.seconds), counters[f"disk_point_{number}_used"]))
    points = [point for point in points if point[0] <= _DAY + _HOUR]
    if not points or points[-1][0] >= _HOUR:
        points.append((0.0, float(used)))
    return points


def _growth(options: HostOptions, place: str, used: int, free: int, points: _Points) -> tuple[list[Verdict], dict[str, float]]:
    age, then = points[0]
    if age < _HOUR:
        wait = f"how fast {place} fills is known after {describe(_HOUR, Unit.SECONDS)} of looking"
        return [Verdict(State.OK, f"{wait} (so far {describe(age, Unit.SECONDS)})")], {}
    daily = (used - then) / age * _DAY
    values = {"disk_growth_bytes_per_day": daily}
    limits = options.growth or BytesLimits()
    word = "grows" if daily >= 0 else "shrinks"
    seen = f"{place} {word} by {limits.describe(abs(daily))} per day, seen over {describe(age, Unit.SECONDS)}"
    verdicts = [judge(seen, daily, limits.warn, limits.fail)]
    if daily > 0:
        values["disk_full_in_seconds"] = left = free / daily * _DAY
        due = options.full_in or SecondsLimits()
        usual = FULL_IN if options.full_in is not None else (None, None)
        pair = (due.warn, due.fail) if due.warn is not None or due.fail is not None else usual
        verdicts.append(judge(f"at that rate it is full in {describe(left, Unit.SECONDS)}", left, *pair))
    return verdicts, values
