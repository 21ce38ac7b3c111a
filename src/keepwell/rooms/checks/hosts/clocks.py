"""The host's clock against its time source, a pending reboot, and how long the host has been up.

Which of chronyc(1), ntpq(1) and timedatectl(1) a host has is found out by a fixed script, because one look asks once.
"""

import re
from collections.abc import Iterator

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.runner import Command
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Answer, Earlier, ReadFile
from keepwell.rooms.checks.reboots import QUESTIONS, pending
from keepwell.rooms.checks.texts import show
from keepwell.rooms.checks.units import uptime

from .options import JUST_STARTED, OFFSET, HostOptions
from .parts import Part, Reading, of_texts, unknown

# Each gets a few seconds: timedatectl waits half a minute for a service that does not start.
_SCRIPT = """
if command -v chronyc >/dev/null 2>&1 && said=$(timeout 3 chronyc -n -c tracking 2>/dev/null); then echo chronyc; echo "$said"
elif command -v ntpq >/dev/null 2>&1 && said=$(timeout 3 ntpq -c "rv 0 leap,stratum,offset" 2>/dev/null) && [ "$said" ]; then
  echo ntpq; echo "$said"
elif command -v timedatectl >/dev/null 2>&1 && said=$(timeout 3 timedatectl show 2>/dev/null); then
  echo timedatectl; echo "$said"; timeout 3 timedatectl timesync-status 2>/dev/null || :
else echo nothing
fi
"""
_ASK = Command(("/bin/sh", "-c", _SCRIPT), environment={"LC_ALL": "C", "TZ": "UTC"})
_NUMBER = r"([+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?(?:e[+-]?[0-9]{1,2})?)"
_NTPQ = re.compile(rf"\boffset={_NUMBER}")
_SPANS = {"y": 31557600.0, "month": 2629800.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_TIMESYNC = re.compile(r"^ *Offset: ([+-]?)([0-9a-z. ]{1,60})$", re.MULTILINE)
_SPAN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(y|month|w|d|h|min|ms|us|s)")


def parts(options: HostOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.clock is not None:
        yield of_texts("the program for the clock", (_ASK,), _clock)
    if options.reboot is not None:
        yield Part("the running kernel", QUESTIONS, _reboot)
    if options.uptime is not None:
        yield of_texts("/proc/uptime", (ReadFile("/proc/uptime"),), _uptime)


def _clock(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    program, _, said = texts[0].strip().partition("\n")
    if program not in _READ:
        if program == "nothing":
            return Reading((unknown("neither chronyc nor ntpq nor timedatectl says how far the clock is off"),))
        raise ValueError(f"{show(program)} is no program that was asked")
    follows, offset = _READ[program](said)
    if not follows:
        return Reading((Verdict(State.WARN, f"the clock follows no time source ({program})"),), {"clock_synchronised": 0.0})
    values = {"clock_synchronised": 1.0}
    if offset is None:
        sentence = f"the clock follows a time source; how far it is off {program} does not say"
        return Reading((Verdict(State.OK, sentence),), values)
    limits = options.clock or SecondsLimits()
    seen = f"the clock is off by {describe(abs(offset), Unit.SECONDS)} ({program})"
    verdict = judge(seen, abs(offset), *given_or(limits.warn, limits.fail, OFFSET))
    return Reading((verdict,), {**values, "clock_offset_seconds": offset})


def _chronyc(said: str) -> tuple[bool, float | None]:
    """Whether it follows a source, and its offset: the fields of ``chronyc -c tracking`` (4: offset in seconds, 13: leap status)."""
    fields = said.strip().split(",")
    if len(fields) < 14 or not re.fullmatch(_NUMBER, fields[4]):
        raise ValueError(f"{show(said.strip())} is no answer of chronyc")
    return "Not synchronised" not in fields[13], float(fields[4])


def _ntpq(said: str) -> tuple[bool, float | None]:
    """Leap indicator 3 (or 11, in binary) means not synchronised; the offset is in milliseconds."""
    match = _NTPQ.search(said)
    if match is None:
        raise ValueError(f"{show(said.strip())} is no answer of ntpq")
    return re.search(r"\bleap=(3|11)\b|\bstratum=16\b", said) is None, float(match[1]) / 1000


def _timedatectl(said: str) -> tuple[bool, float | None]:
    match = re.search(r"^NTPSynchronized=(yes|no)$", said, re.MULTILINE)
    if match is None:
        raise ValueError(f"{show(said.strip())} is no answer of timedatectl")
    return match[1] == "yes", _timesync(said)


def _timesync(said: str) -> float | None:
    match = _TIMESYNC.search(said)
    if match is None:
        return None
    spans = [_SPAN.fullmatch(part) for part in match[2].split()]
    if not spans or not all(spans):
        return None
    seconds = sum(float(span[1]) * _SPANS[span[2]] for span in spans if span)
    return -seconds if match[1] == "-" else seconds


_READ = {"chronyc": _chronyc, "ntpq": _ntpq, "timedatectl": _timedatectl}


def _reboot(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Reading:
    reboot = pending(answers)
    state = State(options.reboot) if reboot.pending and options.reboot is not None else State.OK
    return Reading((Verdict(state, reboot.sentence),), {"reboot_pending": float(reboot.pending)})


def _uptime(options: HostOptions, texts: tuple[str, ...], earlier: Earlier | None) -> Reading:
    seconds = uptime(texts[0])
    limits = options.uptime or SecondsLimits()
    usual = (JUST_STARTED, None) if limits.warn is None and limits.fail is None else (limits.warn, limits.fail)
    seen = f"the host has been up for {describe(seconds, Unit.SECONDS)}"
    return Reading((judge(seen, seconds, *usual),), {"uptime_seconds": seconds})
