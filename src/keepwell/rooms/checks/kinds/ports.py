"""The ``ports`` kind: whether a host listens where it should, and nowhere else.

It reads /proc/net/tcp, tcp6, udp and udp6, so it sees the network of the host (or container) itself, whatever a firewall lets through.
Who listens is asked of ``ss`` (iproute2) only where that is wanted; it names other users' processes to root alone.
"""

import re
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import Verdict, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question, ReadFile
from keepwell.rooms.checks.sockets import Listener, Named, PortName, listeners, named
from keepwell.rooms.checks.texts import show

# Of TCP the kernel lists those that listen before all connections, so the beginning will do, however busy the host is.
_LIMITS = {"tcp": 512 * 1024, "tcp6": 512 * 1024, "udp": 4 * 1024 * 1024, "udp6": 4 * 1024 * 1024}
_SHOWN = 8
_HEAD = "local_address"
_OWNER = re.compile(r'\s(\S{1,80}):([0-9]{1,5})\s+\S+\s+users:\(\("([^"]{1,64})"')


class PortsOptions(Options):
    """Where a host must listen, and where else it may."""

    expect: tuple[PortName, ...] = ()
    """Ports on which something must listen: ``22`` on whatever address, ``127.0.0.1:5432`` on that one, ``localhost:6379`` on loopback
    only, ``[::]:443`` on every address, ``53/udp``. Listening elsewhere on the same port is a failure, too."""
    allow: tuple[PortName, ...] | None = None
    """Further ports that may listen, written likewise, or as a range: ``8000-8010``. With it (``[]`` is enough), whatever else listens is
    told and judged by ``others``."""
    others: Literal["ok", "warn", "fail"] | None = None
    """The state where something else listens. Without it: ``warn`` where allow is given, and otherwise nobody looks."""
    loopback: bool = False
    """Whether what only the host itself can reach counts among the others."""
    udp: bool = False
    """Whether UDP counts among the others. (Programs that ask over UDP hold a port for a moment.)"""
    owners: bool = False
    """Whether to name the programs that listen, by ``ss``."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.expect and self.allow is None and self.others is None:
            raise ValueError("nothing to look at: give expect (ports that must listen), allow (all that may), or others")
        return self

    @property
    def of_others(self) -> State | None:
        """The state where something unexpected listens; None where nobody looks."""
        return State(self.others) if self.others is not None else State.WARN if self.allow is not None else None


def _over_udp(options: PortsOptions) -> bool:
    return options.udp or any(named(port).over == "udp" for port in options.expect)


def _tables(options: PortsOptions) -> tuple[str, ...]:
    return tuple(_LIMITS) if _over_udp(options) else ("tcp", "tcp6")


def ask(options: PortsOptions, target: Target | None) -> tuple[Question, ...]:
    """The kernel's tables and, where wanted, the programs."""
    questions: list[Question] = [ReadFile(f"/proc/net/{table}", _LIMITS[table]) for table in _tables(options)]
    if options.owners:
        flags = "-tulnpH" if _over_udp(options) else "-tlnpH"
        questions.append(Command(("ss", flags), environment={"LC_ALL": "C"}, output_limit=1024 * 1024))
    return tuple(questions)


def read(options: PortsOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The expected ports, then the others."""
    tables = _tables(options)
    try:
        found = _listening(tables, answers)
        owners = _owners(text_of(answers[len(tables)], "ss")) if options.owners else {}
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    cut = [f"/proc/net/{table}" for table, answer in zip(tables, answers, strict=False) if _cut(table, answer)]
    if cut:
        return Observation(State.UNKNOWN, f"{cut[0]} is so long that not all of what listens was read")
    expected = [named(port) for port in options.expect]
    absent = [_absent(port, found) for port in expected if not any(port.covers(one) for one in found)]
    stray = list(dict.fromkeys(_stray(expected, found)))
    verdicts = [Verdict(State.FAIL, sentence) for sentence in absent]
    verdicts += [Verdict(State.FAIL, f"{_named(one, owners)} listens, expected {port.text}") for port, one in stray]
    if expected and not verdicts:
        verdicts.append(
            Verdict(State.OK, f"{_list([port.text for port in expected])} listen{'s' if len(expected) == 1 else ''} as expected")
        )
    values = {"listening": float(len(found)), "public": float(sum(not one.loopback for one in found)), "missing": float(len(absent))}
    if options.of_others is not None:
        others = _others(options, expected, found)
        values["unexpected"] = float(len(others))
        verdicts.append(_judged(options.of_others, others, owners, options))
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


def _cut(table: str, answer: Answer) -> bool:
    """Whether the answer ends before everything that listens was listed: the last whole line of it is still one of those."""
    if not isinstance(answer, bytes) or len(answer) < _LIMITS[table]:
        return False
    last = b"\n".join(answer.rsplit(b"\n", 2)[-2:-1]).decode(errors="replace")
    return bool(listeners(last, table[:3])) or table.startswith("udp")


def _listening(tables: tuple[str, ...], answers: tuple[Answer, ...]) -> list[Listener]:
    found: list[Listener] = []
    for table, answer in zip(tables, answers, strict=False):
        if table.endswith("6") and isinstance(answer, AnswerError):
            continue  # a host without IPv6
        text = text_of(answer, f"/proc/net/{table}")
        if _HEAD not in text[:200]:
            raise AnswerError(f"/proc/net/{table} gave no usable answer: it has no head")
        found += listeners(text, table[:3])
    return found


def _absent(port: Named, found: list[Listener]) -> str:
    elsewhere = [one for one in found if port.same_port(one)]
    if elsewhere:
        return f"{port.text} does not listen, but {_list([str(one) for one in elsewhere])} does"
    return f"nothing listens on {port.text}, expected it to"


def _stray(expected: list[Named], found: list[Listener]) -> Iterator[tuple[Named, Listener]]:
    """Listeners on an expected port, but on an address that nobody expected; told only where the expected one listens as well."""
    for port in expected:
        if port.address is None or not any(port.covers(one) for one in found):
            continue
        for one in found:
            if port.same_port(one) and not any(other.covers(one) for other in expected) and not one.loopback:
                yield port, one


def _others(options: PortsOptions, expected: list[Named], found: list[Listener]) -> list[Listener]:
    allowed = [*expected, *(named(port) for port in options.allow or ())]
    looked_at = [one for one in found if (options.loopback or not one.loopback) and (options.udp or one.over == "tcp")]
    return [one for one in looked_at if not any(port.covers(one) for port in allowed)]


def _judged(state: State, others: list[Listener], owners: dict[tuple[str, int], str], options: PortsOptions) -> Verdict:
    where = "" if options.loopback else " on an address that others can reach"
    if not others:
        return Verdict(State.OK, f"nothing unexpected listens{where}")
    return Verdict(state, f"{len(others)} unexpected{where}: {_list([_named(one, owners) for one in others])}")


def _named(one: Listener, owners: dict[tuple[str, int], str]) -> str:
    owner = owners.get((one.over, one.port))
    return f"{one} ({show(owner)})" if owner else str(one)


def _list(texts: list[str]) -> str:
    return ", ".join(texts[:_SHOWN]) + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")


def _owners(text: str) -> dict[tuple[str, int], str]:
    """The first program of each port. With one protocol asked, ss leaves out its column; with both, the line begins with it."""
    found: dict[tuple[str, int], str] = {}
    for line in text.splitlines():
        match = _OWNER.search(line[:1000])
        if match:
            found.setdefault(("udp" if line.startswith("udp") else "tcp", int(match[2])), match[3])
    return found


DRIVER = Kind(
    summary="Whether a host listens on the ports that it should, and on no others",
    options=PortsOptions,
    ask=ask,
    read=read,
    values={
        "listening": "how many sockets listen on the host",
        "public": "how many of them on an address that others can reach",
        "missing": "how many expected ports nobody listens on",
        "unexpected": "how many listen that nobody expected",
    },
    example="""\
checks:
  open-ports:
    ports: {expect: ["443", "127.0.0.1:5432"], allow: ["22"]}
    every: 5m
""",
)
