"""The words of runbooks: what a step would do, a run and its steps, and how each stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from keepwell.config.executables import Executable
from keepwell.config.runbooks import Step


class State(Enum):
    """How a step or a run stands. ``WAITING``: it has not begun, or waits for a person. ``ASKS``: it began, how it ended is unknown, and a
    person has to say what next."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    ASKS = "asks"
    REFUSED = "refused"


ENDED = frozenset({State.DONE, State.FAILED, State.SKIPPED, State.REFUSED})
OPEN = frozenset({State.WAITING, State.RUNNING, State.ASKS})


class Way(Enum):
    """By what a step is done: a shell, the manager of a service, a person who ticks it; or not at all: nobody supplied something
    (``MISSING``), it is too dangerous as written (``REFUSED``), or another part of the directory does it (``ELSEWHERE``)."""

    SHELL = "shell"
    SERVICE = "service"
    PERSON = "person"
    MISSING = "missing"
    REFUSED = "refused"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class ServiceDeed:
    """What is done to a unit: ``verb`` is status, start, stop, restart or reload."""

    verb: str
    unit: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step as it would be done. ``executable`` is what runs only when accepted (None where nothing does), ``accepted_by`` who accepted
    it, ``why_not`` why nobody's acceptance counts. ``danger`` says what it destroys or changes; empty where it does neither. ``check`` is
    the check and ``verifier`` the command that tells whether its effect is there. ``why`` says why it is not done at all."""

    step: Step
    way: Way
    executable: Executable | None = None
    accepted_by: str = ""
    why_not: str = ""
    danger: str = ""
    service: ServiceDeed | None = None
    check: str = ""
    verifier: Executable | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """The step's name, which no other step of the runbook has."""
        return self.step.name

    @property
    def is_verified(self) -> bool:
        """Whether something tells whether its effect is there."""
        return bool(self.check or self.verifier)


@dataclass(frozen=True, slots=True)
class Ready:
    """A runbook as it would be run: ``host`` is where (by its name in the configuration), ``environment`` and ``secrets`` are what its
    steps get beside the usual variables. ``fault``: why it cannot be run, in one sentence."""

    path: str
    title: str
    host: str = "local"
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Prepared, ...] = ()
    fault: str = ""

    def step(self, name: str) -> Prepared | None:
        """The step of that name."""
        return next((prepared for prepared in self.steps if prepared.name == name), None)


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step of a run. ``attempt`` counts how often it was begun, ``ticket`` names the newest of these; ``deadline`` is when that is
    ended by force. ``by`` is the person who ticked, skipped or approved it, ``note`` what they wrote. ``confirmed``: a person said that it
    may be done (again). ``instance`` is which start of its unit there was before it began; empty where it has none or nobody can tell."""

    number: int
    name: str
    title: str
    way: Way
    state: State = State.WAITING
    attempt: int = 0
    ticket: str = ""
    digest: str = ""
    accepted_by: str = ""
    began_at: datetime | None = None
    deadline: datetime | None = None
    ended_at: datetime | None = None
    status: int | None = None
    output_digest: str = ""
    sentence: str = ""
    by: str = ""
    note: str = ""
    confirmed: bool = False
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """An execution of a runbook. ``key`` names its occasion: there is one run a key. ``by`` is who or what started it."""

    number: int
    key: str
    runbook: str
    title: str
    by: str
    asked_at: datetime
    state: State = State.WAITING
    sentence: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[StepRun, ...] = ()
    answered_by: str = ""
    """Who gave what steps ask for, last; empty where it came with the wish."""

    def step(self, name: str) -> StepRun | None:
        """The step of that name."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def subject(self) -> str:
        """What the journal calls it."""
        return f"runs/{self.number}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: a run of a runbook. ``skip`` names steps that are left out; ``confirmed``: whoever starts it confirmed already
    what it destroys."""

    runbook: str
    key: str
    by: str
    at: datetime
    arguments: Mapping[str, str] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    confirmed: bool = False


Facts = Mapping[str, Any]
"""The facts of a journal entry."""
