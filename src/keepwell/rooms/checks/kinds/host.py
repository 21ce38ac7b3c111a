"""The ``host`` kind: how full file systems are, and memory, processors, load, traffic, clock and more of a Linux host.

It asks ``df -P`` (POSIX.1-2017, "df") and a few other programs, and reads /proc; each part stands in ``keepwell.rooms.checks.hosts``. The
limits of a control group, as containers have them, are not read: inside a container the numbers are those of the machine around it.
"""

from collections.abc import Iterator

from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.rooms.checks.hosts import clocks, disks, memory, processors, traffic
from keepwell.rooms.checks.hosts.options import DiskIoOptions, HostOptions, NetworkOptions, PressureOptions
from keepwell.rooms.checks.hosts.parts import Part, Reading
from keepwell.rooms.checks.hosts.values import VALUES
from keepwell.rooms.checks.limits import Verdict, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question

__all__ = ["DRIVER", "DiskIoOptions", "HostOptions", "NetworkOptions", "PressureOptions"]


def _parts(options: HostOptions) -> Iterator[Part]:
    yield from disks.parts(options)
    yield from memory.parts(options)
    yield from processors.parts(options)
    yield from traffic.parts(options)
    yield from memory.pressure(options)
    yield from processors.numbers_of_things(options)
    yield from clocks.parts(options)


def ask(options: HostOptions, target: Target | None) -> tuple[Question, ...]:
    """The questions of every part that the options name."""
    return tuple(question for part in _parts(options) for question in part.questions)


def read(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The worst of the parts, each with its sentence."""
    rest = list(answers)
    readings = []
    for part in _parts(options):
        mine, rest = tuple(rest[: len(part.questions)]), rest[len(part.questions) :]
        readings.append(_read_part(part, options, mine, earlier))
    verdict = together(verdict for reading in readings for verdict in reading.verdicts)
    values = {name: value for reading in readings for name, value in reading.values.items()}
    counters = {name: value for reading in readings for name, value in reading.counters.items()}
    return Observation(verdict.state, verdict.sentence, values, counters)


def _read_part(part: Part, options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Reading:
    try:
        return part.read(options, answers, earlier)
    except AnswerError as error:
        return Reading((Verdict(State.FAIL, str(error)),))
    except ValueError as error:
        return Reading((Verdict(State.FAIL, f"{part.asked} gave no usable answer: {error}"),))


def _rates(options: HostOptions) -> bool:
    return options.cpu is not None or options.network is not None or options.disk_io is not None


DRIVER = Kind(
    summary="How full file systems are, and memory, swap, processors, load, traffic, processes, clock and reboots of a Linux host",
    options=HostOptions,
    ask=ask,
    read=read,
    needs_earlier=_rates,
    values=VALUES,
    example="""\
checks:
  disk:
    host: {mount: /, warn: "> 80%", fail: "> 90%", full_in: {warn: "< 7d"}}
    every: 1m
  machine:
    host: {memory: {}, load: {}, swap: {}, cpu: {warn: "> 95%"}}
    every: 1m
""",
)
