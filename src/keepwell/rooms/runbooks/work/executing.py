"""One step is done: as a script that outlives Keepwell where that is possible, else by the host's runner."""

import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.host import Host
from keepwell.ports.runner import Command
from keepwell.ports.scripts import Ended, Script, Scripts
from keepwell.rooms.runbooks.decide import USUAL_TIMEOUT
from keepwell.rooms.runbooks.model import Prepared, Ready, Run
from keepwell.rooms.runbooks.prepare import interpreter
from keepwell.rooms.runbooks.services import Service, UnitState
from keepwell.rooms.runbooks.usual import systemd_of

OUTPUT_LIMIT = 1024 * 1024
"""Bytes of a step's output that are kept, its head and its tail."""

SETTLES = 30.0
"""Seconds in which a unit comes into the state that it was told to be in."""

VERIFIES = 60.0
"""Seconds in which the effect of a step shows itself."""

_EVERY = 1.0
_LOCAL = "local"


class Look(Protocol):
    """Looks at a check now: whether it is well (None: that could not be told), and its sentence. Raises NotFound."""

    async def __call__(self, check: str, /) -> tuple[bool | None, str]: ...


@dataclass(frozen=True, slots=True)
class Execution:
    """A step that is to be done in a run."""

    run: Run
    ready: Ready
    prepared: Prepared

    @property
    def environment(self) -> Mapping[str, str]:
        """The values of its variables that are no secrets."""
        asked = {name: self.run.arguments[name] for name in self.prepared.step.asks if name in self.run.arguments}
        return {**self.ready.environment, **asked, "KEEPWELL_RUN": str(self.run.number), "KEEPWELL_STEP": self.prepared.name}

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return (self.prepared.step.timeout or USUAL_TIMEOUT).total_seconds()


class Executing:
    """Does steps. ``services`` are those of the configuration in force; ``directory`` is where steps on this machine start."""

    def __init__(self, scripts: Scripts, hosts: Callable[[str], Host], look: Look) -> None:
        self._scripts, self._hosts, self._look = scripts, hosts, look
        self.directory = "/"
        self.services: Mapping[str, Service] = {}

    def ticket(self, name: str) -> str:
        """A ticket for a step that begins."""
        return self._scripts.ticket(name)

    def tidy(self, tickets: Collection[str]) -> None:
        """Removes what is kept of steps that are none of these."""
        self._scripts.tidy(tickets)

    def forget(self, ticket: str) -> None:
        """Removes what is kept of a step whose end is stored."""
        self._scripts.forget(ticket)

    async def run(self, work: Execution, ticket: str, on_output: Callable[[str], None]) -> Ended:
        """Does it. Raises AskError where it cannot be begun."""
        argv, text = self._program(work.prepared)
        if self._outlives(work.ready):
            script = Script(argv, text, self.directory, work.seconds, work.environment, OUTPUT_LIMIT)
            return await self._scripts.run(ticket, script, on_output)
        host = self._hosts(work.ready.host)
        command = Command(
            (*_without_startup(argv), "-c", text),
            environment=work.environment,
            secrets=work.ready.secrets,
            timeout=work.seconds,
            output_limit=OUTPUT_LIMIT,
        )
        result = await host.runner.run(command)
        output = "\n".join(part for part in (result.stdout, result.stderr) if part)
        status = result.status if result.signal is None else 128 + result.signal
        return Ended(status, output, result.seconds, result.timed_out, dropped=sum(result.dropped))

    async def resume(self, ready: Ready, ticket: str, seconds: float, on_output: Callable[[str], None]) -> Ended | None:
        """What came of one that another process began; None where it never began."""
        if self._outlives(ready):
            return await self._scripts.resume(ticket, seconds, on_output)
        return Ended(None, "", 0.0, lost=True)

    def _outlives(self, ready: Ready) -> bool:
        """Whether its steps outlive Keepwell: on this machine, and with no secret, since what they print lies in a file for a while."""
        return ready.host == _LOCAL and not ready.secrets

    def _program(self, prepared: Prepared) -> tuple[tuple[str, ...], str]:
        if prepared.service is None:
            return interpreter(prepared.step), prepared.step.text
        service = self._service(prepared)
        return ("bash", "-euo", "pipefail"), service.text(prepared.service.verb, prepared.service.unit)

    def _service(self, prepared: Prepared) -> Service:
        assert prepared.service is not None
        return self.services.get(prepared.service.unit.removesuffix(".service")) or systemd_of(prepared.service.unit)

    async def settled(self, work: Execution) -> tuple[bool, str]:
        """Whether a unit is in the state that its step told it to be in, and how it stands."""
        assert work.prepared.service is not None
        deed, service, host = work.prepared.service, self._service(work.prepared), self._hosts(work.ready.host)
        end = host.clock.monotonic() + SETTLES
        while True:
            try:
                state = await unit_state(service, deed.unit, host)
                words, settled = f"{deed.unit} is {state.words}", deed.verb == "status" or state.running is (deed.verb != "stop")
            except (AskError, AnswerError) as error:
                words, settled = str(error), False
            if settled or host.clock.monotonic() >= end:
                return settled, words
            await host.clock.sleep(_EVERY)

    async def verified(self, work: Execution, patience: float) -> tuple[bool | None, str]:
        """Whether its effect is there, within so many seconds: None where it has no verification or that could not be asked."""
        clock = self._hosts(work.ready.host).clock
        end = clock.monotonic() + patience
        while True:
            effect, sentence = await self._verified_once(work)
            if effect or clock.monotonic() >= end:
                return effect, sentence
            await clock.sleep(_EVERY)

    async def _verified_once(self, work: Execution) -> tuple[bool | None, str]:
        prepared = work.prepared
        try:
            if prepared.check:
                return await self._look(prepared.check)
            if prepared.verifier is None:
                return None, ""
            argv = ("bash", "--norc", "-euo", "pipefail", "-c", prepared.verifier.text)
            command = Command(argv, environment=work.environment, secrets=work.ready.secrets, timeout=SETTLES)
            result = await self._hosts(work.ready.host).runner.run(command)
        except AskError as error:
            return None, str(error)
        said = (result.stderr or result.stdout).strip().partition("\n")[0][:200]
        return result.succeeded, f"{shlex.quote(prepared.verifier.text)} says {'yes' if result.succeeded else 'no'}" + (
            f" ({said})" * bool(said)
        )


def _without_startup(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The interpreter without the files that bash reads when it finds itself below sshd (bash(1), INVOCATION): they are for people, and
    do not bear ``-u``."""
    at = next((number for number, word in enumerate(argv, 1) if word.rpartition("/")[2] == "bash"), 0)
    return (*argv[:at], "--norc", *argv[at:]) if at else argv


async def unit_state(service: Service, unit: str, host: Host) -> UnitState:
    """How a unit stands. Raises AskError and AnswerError."""
    return service.read(unit, await host.runner.run(service.command("status", unit)))
