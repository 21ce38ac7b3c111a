"""The words of a check: its questions, the answers, the observation, and what a driver file exports."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.host import Host
from keepwell.ports.http import Request, Response
from keepwell.ports.runner import Command, Result


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The question "what does this file say?", for example ``/proc/meminfo``."""

    path: str
    limit: int = 1024 * 1024


Question = Command | Request | ReadFile
Answer = Result | Response | bytes | AnswerError
"""What came back for each question: a Command gives a Result, a Request a Response, a ReadFile bytes; each may be an AnswerError instead.

An AskError is never handed to a driver: the check is ``unknown`` before its driver is asked to read anything."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at a target gave.

    ``sentence`` says what was seen, what was expected and where that comes from. ``values`` are the named numbers in base units
    (``duration_seconds``, ``used_bytes``, ``used_ratio``); they become samples. ``counters`` are raw running totals that the same check's
    next observation needs to compute a rate. ``detail`` is longer text worth keeping (the output of a command), already redacted.
    """

    state: State
    sentence: str
    values: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The counters of the same check's previous observation, and how many (monotonic) seconds lie between."""

    counters: Mapping[str, float]
    seconds: float


OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True)
class Kind(Generic[OptionsT]):
    """A kind of check that asks and reads: both are pure, so they are tested with data files.

    ``ask`` gets the options and the target they name (None where they name none) and gives the questions; ``read`` gets an answer for
    each question, in order. ``needs_earlier``: the reading is a rate; where no earlier observation is near, the questions are put
    twice, a second apart. ``runs_text``: the options hold a command, script or SQL of the user's own, so it runs only when
    accepted; the function gives its exact text.
    """

    summary: str
    options: type[OptionsT]
    ask: Callable[[OptionsT, Target | None], tuple[Question, ...]]
    read: Callable[[OptionsT, tuple[Answer, ...], Earlier | None], Observation]
    needs_earlier: Callable[[OptionsT], bool] | None = None
    runs_text: Callable[[OptionsT], str] | None = None


@dataclass(frozen=True, slots=True)
class Probe(Generic[OptionsT]):
    """A kind of check that is no single question and answer (a TLS handshake, a TCP connection): the visible exception.

    ``probe(options, target, host, timeout)`` looks at the target itself. AskError and AnswerError may escape it.
    """

    summary: str
    options: type[OptionsT]
    probe: Callable[[OptionsT, Target | None, Host, float], Awaitable[Observation]]
