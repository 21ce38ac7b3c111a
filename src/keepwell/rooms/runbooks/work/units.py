"""How the unit stands that a step starts, stops or restarts: before it, after it, and when nobody knows how the step ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.host import Host
from keepwell.ports.scripts import Ended
from keepwell.rooms.runbooks.model import Prepared, State
from keepwell.rooms.runbooks.services import Service, UnitState
from keepwell.rooms.runbooks.usual import systemd_of
from keepwell.rooms.runbooks.work.execution import Execution

SETTLES = 30.0
"""Seconds in which a unit comes into the state that it was told to be in."""

HOLDS = 3.0
"""Seconds that it has to stay there, as one and the same start: many programs end a moment after they were started."""

NO_INSTANCE = "none"
"""Stands for the instance of a unit that does not run, and of which its manager remembers no start."""

_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of watching a unit: whether it is as it was told to be, one sentence, and how it stands (None: that cannot be told)."""

    well: bool
    sentence: str
    state: UnitState | None = None


class Units:
    """Asks the managers of services. ``services`` are those of the configuration in force."""

    def __init__(self, hosts: Callable[[str], Host]) -> None:
        self._hosts = hosts
        self.services: Mapping[str, Service] = {}

    def service(self, prepared: Prepared) -> Service:
        """Who manages the unit of a step."""
        assert prepared.service is not None
        return self.services.get(prepared.service.unit.removesuffix(".service")) or systemd_of(prepared.service.unit)

    async def instance(self, work: Execution) -> str:
        """Which start of its unit there is now (``NO_INSTANCE``: it does not run); empty where that cannot be told, or does not matter."""
        assert work.prepared.service is not None
        if work.prepared.service.verb in ("status", "stop"):
            return ""
        try:
            state = await self._state(work)
        except (AskError, AnswerError):
            return ""
        return state.instance or (NO_INSTANCE if state.rests else "")

    async def judged(self, work: Execution, ended: Ended, state: State, sentence: str) -> tuple[State, str]:
        """What came of a step whose command has ended: ``state`` and ``sentence`` say what is to be thought of the command alone. Managers
        tell by an exit status of their own that a unit does not run, so asking for it is done when there is an answer."""
        assert work.prepared.service is not None
        verb = work.prepared.service.verb
        if ended.timed_out:
            return state, f"{sentence}; {(await self._answered(work)).sentence}"
        if state is State.FAILED and verb != "status":
            said = next((line.strip() for line in ended.output.splitlines() if line.strip()), "")
            return state, f"{sentence}{f' ({quoted(said, 200)})' * bool(said)}; {(await self._arrived(work)).sentence}"
        found = await (self._answered(work) if verb == "status" else self._settled(work, SETTLES))
        begun = work.run.step(work.prepared.name)
        known = {begun.instance if begun is not None else "", found.state.instance if found.state is not None else ""}
        anew = (
            ": it was started anew, where it should have been reloaded" if verb == "reload" and "" not in known and len(known) > 1 else ""
        )
        return State.DONE if found.well else State.FAILED, found.sentence + anew

    async def effect(self, work: Execution, before: str, patience: float) -> tuple[bool | None, str]:
        """Whether the effect of a step is there that was interrupted: None where the manager cannot tell. ``before`` is the instance that
        there was before it; a restart is done when there is another one. ``patience`` is in seconds: what the manager was told goes on
        without whoever told it."""
        assert work.prepared.service is not None
        verb = work.prepared.service.verb
        if verb == "status":
            return False, ""
        found = await self._settled(work, max(patience, SETTLES))
        if found.state is None or found.state.running is None or verb == "reload":
            return None, found.sentence
        if verb == "stop" or not found.well:
            return found.well, found.sentence
        if verb == "start" and not found.state.completed:
            return True, found.sentence
        if not before or not found.state.instance:
            return None, found.sentence
        if found.state.instance == before:
            return False, f"{found.sentence}, as it was before the step"
        return True, f"{found.sentence}, another one than before the step"

    async def _state(self, work: Execution) -> UnitState:
        """How it stands. Raises AskError and AnswerError."""
        assert work.prepared.service is not None
        service, unit = self.service(work.prepared), work.prepared.service.unit
        command = replace(service.command("status", unit), environment=work.environment)
        result = await self._hosts(work.ready.host).runner.run(command)
        if result.timed_out:
            raise AnswerError(f"{service.kind} did not say within {command.timeout:g} s how {unit} stands")
        return service.read(unit, result)

    async def _answered(self, work: Execution) -> Settled:
        assert work.prepared.service is not None
        try:
            state = await self._state(work)
        except (AskError, AnswerError) as error:
            return Settled(False, str(error))
        return Settled(True, f"{work.prepared.service.unit} is {state.words}", state)

    async def _arrived(self, work: Execution) -> Settled:
        """How it stands when it is no longer on its way, or after ``SETTLES``: supervisord goes on trying after it said that it failed."""
        clock = self._hosts(work.ready.host).clock
        end = clock.monotonic() + SETTLES
        while (found := await self._answered(work)).state is not None and found.state.running is None and clock.monotonic() < end:
            await clock.sleep(_EVERY)
        return found

    async def _settled(self, work: Execution, patience: float) -> Settled:
        """Watches until it is as it was told to be, and stays so; or rests otherwise, and stays so; or the time is over."""
        assert work.prepared.service is not None
        verb, clock = work.prepared.service.verb, self._hosts(work.ready.host).clock
        watched = _Watched(verb)
        began = clock.monotonic()
        while True:
            found = await self._answered(work)
            now = clock.monotonic()
            if watched.saw(found.state, now) >= watched.long_enough:
                return replace(found, well=watched.is_well)
            left = began + (patience if found.state is not None else min(patience, SETTLES)) - now
            if left <= (-HOLDS if watched.is_well else 0.0):
                return replace(found, well=False, sentence=found.sentence + watched.remark)
            await clock.sleep(_EVERY)


class _Watched:
    """What was seen of a unit so far."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._last: tuple[bool, bool, str] = (False, False, "")
        self._since = 0.0
        self._instances: set[str] = set()
        self.long_enough = HOLDS
        self.is_well = False

    def saw(self, state: UnitState | None, now: float) -> float:
        """For how many seconds it has been as it is now, if that is an answer; else -1."""
        if state is None:
            self.is_well = False
            self._last = (False, False, "")
            return -1.0
        told = state.running is (self._verb != "stop")
        self.is_well = told or (state.completed and self._verb in ("start", "restart"))
        self.long_enough = 0.0 if self.is_well and (state.completed or self._verb == "stop") else HOLDS
        self._instances |= {state.instance} if state.running and state.instance else set()
        this = (self.is_well, state.rests, state.instance)
        if this != self._last:
            self._last, self._since = this, now
        return now - self._since if self.is_well or state.rests else -1.0

    @property
    def remark(self) -> str:
        """What is to be said of one that did not settle, beside how it stands now."""
        starts = len(self._instances)
        return f"; it does not stay: {starts} starts of it were seen" if starts > 1 else ""
