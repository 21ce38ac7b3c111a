"""Memory, swap and pressure (proc_meminfo(5); "PSI - Pressure Stall Information" of the kernel's documentation)."""

import re
from collections.abc import Iterator

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import Verdict
from keepwell.rooms.checks.model import Answer, Earlier, ReadFile
from keepwell.rooms.checks.texts import show

from .options import PRESSED, SWAPPED, HostOptions
from .parts import Part, Reading, judged, kilobytes, of_texts, size, unknown

_SOME = re.compile(r"^some avg10=[0-9.]{1,12} avg60=([0-9]{1,3}(?:\.[0-9]{1,6})?) ", re.MULTILINE)


def parts(options: HostOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.memory is not None:
        yield of_texts("/proc/meminfo", (ReadFile("/proc/meminfo"),), _memory)
    if options.swap is not None:
        yield of_texts("/proc/meminfo", (ReadFile("/proc/meminfo"),), _swap)


def pressure(options: HostOptions) -> Iterator[Part]:
    """A part for each resource whose pressure is limited."""
    for name in PRESSED:
        if options.pressure is not None and getattr(options.pressure, name) is not None:
            yield _pressure_of(name)


def _memory(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    sizes = kilobytes(texts[0], "MemTotal", "MemAvailable")
    total, available = sizes["MemTotal"], sizes["MemAvailable"]
    if not 0 <= available <= total or not total:
        raise ValueError("MemTotal and MemAvailable contradict each other")
    ratio = (total - available) / total
    seen = f"memory is {describe(ratio, Unit.RATIO)} used ({size(total - available)} of {size(total)})"
    values = {"memory_used_ratio": ratio, "memory_available_bytes": float(available), "memory_size_bytes": float(total)}
    return Reading((judged(seen, ratio, options.memory),), values)


def _swap(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    sizes = kilobytes(texts[0], "SwapTotal", "SwapFree")
    total, free = sizes["SwapTotal"], sizes["SwapFree"]
    if not total:
        return Reading((Verdict(State.OK, "there is no swap space"),), {"swap_size_bytes": 0.0})
    if free > total:
        raise ValueError("SwapTotal and SwapFree contradict each other")
    ratio = (total - free) / total
    seen = f"swap is {describe(ratio, Unit.RATIO)} used ({size(total - free)} of {size(total)})"
    values = {"swap_used_ratio": ratio, "swap_size_bytes": float(total)}
    return Reading((judged(seen, ratio, options.swap, SWAPPED),), values)


def _pressure_of(name: str) -> Part:
    path = f"/proc/pressure/{name}"

    def read(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Reading:
        try:
            text = text_of(answers[0], path)
        except AnswerError as error:
            return Reading((unknown(f"{error}: this kernel does not measure pressure (CONFIG_PSI, psi=1)"),))
        match = _SOME.search(text)
        if match is None or float(match[1]) > 100:
            raise ValueError(f"{show(text.strip())} holds no average of a minute")
        ratio = float(match[1]) / 100
        waited = {"cpu": "a processor", "memory": "memory", "io": "disks"}[name]
        seen = f"something waited for {waited} in {describe(ratio, Unit.RATIO)} of the last minute"
        return Reading((judged(seen, ratio, getattr(options.pressure, name), PRESSED[name]),), {f"pressure_{name}_ratio": ratio})

    return Part(path, (ReadFile(path),), read)
