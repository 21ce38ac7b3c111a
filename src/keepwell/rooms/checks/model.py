"""The words of a check: its questions, the answers, the observation, and what a driver file exports."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import Field, model_validator

from keepwell.config.options import Duration, Options, Reference
from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.databases import Query, Rows
from keepwell.ports.host import Host
from keepwell.ports.http import Request, Response
from keepwell.ports.names import Answered, Lookup
from keepwell.ports.redis import Inquiry, Replies
from keepwell.ports.runner import Command, Result


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The question "what does this file say?", for example ``/proc/meminfo``."""

    path: str
    limit: int = 1024 * 1024


Question = Command | Request | ReadFile | Query | Inquiry | Lookup
Answer = Result | Response | bytes | Rows | Replies | Answered | AnswerError
"""What came back for each question: a Command gives a Result, a Request a Response, a ReadFile bytes, a Query Rows, an Inquiry
Replies, a Lookup an Answered; each may be an AnswerError instead.

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
    explained_by: str = ""


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
    accepted; the function gives its exact text, empty where these options hold none. ``target_key`` is the key of a target that holds
    the address which this kind asks. ``then``: where a question depends on an answer (a log-in, then a page behind it), it is given the
    answers so far and gives the next questions, none where that was all; ``read`` gets the answers to all of them.

    ``values`` says what each value of its observations means, by name; capitals in a name stand for what the options or the target name
    (``table_NAME_bytes``). ``example`` is a part of a keepwell.yaml that makes such a check. ``keepwell check --explain`` shows both.
    """

    summary: str
    options: type[OptionsT]
    ask: Callable[[OptionsT, Target | None], tuple[Question, ...]]
    read: Callable[[OptionsT, tuple[Answer, ...], Earlier | None], Observation]
    needs_earlier: Callable[[OptionsT], bool] | None = None
    runs_text: Callable[[OptionsT], str] | None = None
    target_key: str = "url"
    then: Callable[[OptionsT, Target | None, tuple[Answer, ...]], tuple[Question, ...]] | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    example: str = ""


@dataclass(frozen=True, slots=True)
class Probe(Generic[OptionsT]):
    """A kind of check that is no single question and answer (a TLS handshake, a TCP connection): the visible exception.

    ``probe(options, target, host, timeout)`` looks at the target itself. AskError and AnswerError may escape it. ``runs_text`` and
    ``target_key``, ``values`` and ``example`` are as in ``Kind``.
    """

    summary: str
    options: type[OptionsT]
    probe: Callable[[OptionsT, Target | None, Host, float], Awaitable[Observation]]
    runs_text: Callable[[OptionsT], str] | None = None
    target_key: str = "url"
    values: Mapping[str, str] = field(default_factory=dict)
    example: str = ""


class CheckOptions(Options):
    """One check: how often it is made, how long it may take, and how many results in a row change its state."""

    every: Duration = timedelta(minutes=1)
    """How often the check is made. Intervals use the monotonic clock; the first look is spread so that checks do not start together."""
    timeout: Duration | None = None
    """How long one look may take: 10s, or four fifths of ``every`` where that is shorter. Always below ``every``."""
    fail_after: int = Field(default=1, ge=1, le=100)
    """So many worse results in a row before the state becomes worse."""
    recover_after: int = Field(default=1, ge=1, le=100)
    """So many better results in a row before the state becomes better."""
    on: Annotated[str, Reference("hosts", also="local")] | None = None
    """Where it looks: ``local``, or one of the hosts. Without it: where its target stands, else here. Programs and files are that host's
    own; the network is that of the machine Keepwell runs on."""
    was: str | None = None
    """The name this check had before: its history goes on under the new one."""

    @model_validator(mode="after")
    def _deadline_below_interval(self) -> Self:
        if self.every < timedelta(seconds=1):
            raise ValueError("every is below one second: write every: 1s or longer")
        if self.timeout is not None and not timedelta(0) < self.timeout < self.every:
            raise ValueError("timeout must be above zero and below every, so that one look ends before the next begins")
        return self

    @property
    def deadline(self) -> float:
        """Seconds that one look may take."""
        if self.timeout is not None:
            return self.timeout.total_seconds()
        return min(10.0, 0.8 * self.every.total_seconds())


@dataclass(frozen=True, slots=True)
class Check:
    """A check as it runs: its options and driver resolved. ``needs_acceptance`` is the exact text that must have been accepted
    before it runs (None for a typed, reading check); ``accepted_by`` who did. ``host`` is where it looks. ``looks_at`` is the name of its
    target, ``needs`` those of the targets which that one needs, nearest first."""

    name: str
    kind: str
    options: CheckOptions
    driver: Kind[Any] | Probe[Any]
    settings: Any
    target: Target | None = None
    needs_acceptance: str | None = None
    accepted_by: str | None = None
    waits_because: str = ""
    host: str = "local"
    looks_at: str = ""
    needs: tuple[str, ...] = ()

    @property
    def waiting(self) -> bool:
        """Whether it waits for a person to accept its text."""
        return self.needs_acceptance is not None and self.accepted_by is None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a check stands. ``state`` holds ``since``; ``streak`` counts the results in a row that disagree with it.

    ``sentence`` is the newest observation's. ``observed`` is that observation's own state, which ``state`` follows only after
    ``fail_after`` or ``recover_after`` of them.
    """

    state: State
    since: datetime
    observed: State
    sentence: str
    last_at: datetime
    streak: int = 0
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A state change: from ``before`` (None at the first observation) to ``after``, with the sentence that decided it."""

    at: datetime
    before: State | None
    after: State
    sentence: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation on its way to the store. ``ordinal`` counts the check's observations and chooses its place in the ring;
    ``accepted_by`` is who accepted the text that ran, where one did; ``moved`` whether more of the standing is new than what the
    observation itself says; ``target`` is the name of what it looks at, empty where it names none."""

    check_id: int
    name: str
    ordinal: int
    at: datetime
    observation: Observation
    standing: Standing
    change: Change | None
    accepted_by: str | None = None
    moved: bool = True
    target: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows of a check: its number, where it stands (None before its first observation), and its next ordinal."""

    check_id: int
    standing: Standing | None
    ordinal: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A check as it may be shown: only what is stored. ``standing`` is None before the first stored observation."""

    check: Check
    number: int
    standing: Standing | None
    strip: tuple[State, ...]

    @property
    def state(self) -> State:
        """The state that a person sees: unknown until the first observation is stored."""
        return self.standing.state if self.standing else State.UNKNOWN


@dataclass(frozen=True, slots=True)
class Stored:
    """What listeners hear after each write: which checks have news, and the changes among it. ``reconfigured``: the checks themselves
    are others now."""

    names: frozenset[str]
    changes: tuple[tuple[str, Change], ...]
    reconfigured: bool = False


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A stored state change with its check's name."""

    number: int
    name: str
    change: Change
