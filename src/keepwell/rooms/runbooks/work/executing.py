"""One step is done: as a script that outlives Keepwell where that is possible, else by the host's runner."""

import shlex
from collections.abc import Callable, Collection
from typing import Protocol

from keepwell.kernel.problems import AskError
from keepwell.ports.host import Host
from keepwell.ports.runner import Command
from keepwell.ports.scripts import Ended, Script, Scripts
from keepwell.rooms.runbooks.model import Prepared, Ready
from keepwell.rooms.runbooks.prepare import interpreter

from .execution import Execution
from .units import Units

OUTPUT_LIMIT = 1024 * 1024
"""Bytes of a step's output that are kept, its head and its tail."""

VERIFIER_SECONDS = 30.0
"""How long one question of a verification may take."""

VERIFIES = 60.0
"""Seconds in which the effect of a step shows itself."""

_EVERY = 1.0
_LOCAL = "local"


class Look(Protocol):
    """Looks at a check now: whether it is well (None: that could not be told), and its sentence. Raises NotFound."""

    async def __call__(self, check: str, /) -> tuple[bool | None, str]: ...


class Executing:
    """Does steps. ``directory`` is where steps on this machine start."""

    def __init__(self, scripts: Scripts, hosts: Callable[[str], Host], look: Look) -> None:
        self._scripts, self._hosts, self._look = scripts, hosts, look
        self.directory = "/"
        self.units = Units(hosts)

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
        service = self.units.service(prepared)
        return ("bash", "-euo", "pipefail"), service.text(prepared.service.verb, prepared.service.unit)

    async def interrupted(self, work: Execution, instance: str, patience: float) -> tuple[bool | None, str]:
        """Whether the effect of a step is there of which nobody knows how it ended: what the manager of its unit says, and its
        verification; None where neither tells. ``instance`` is that of its unit before it began, ``patience`` the seconds that it had
        left."""
        there, how = None, ""
        if work.prepared.service is not None:
            there, how = await self.units.effect(work, instance, patience)
        if there is False or not work.prepared.is_verified:
            return there, how
        effect, said = await self.verified(work, VERIFIES if there else 0.0)
        return effect, "; ".join(part for part in (how, said) if part)

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
            command = Command(argv, environment=work.environment, secrets=work.ready.secrets, timeout=VERIFIER_SECONDS)
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
