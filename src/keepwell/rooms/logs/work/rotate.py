"""A policy's files are rotated: renamed, the writer told, waited for, and only then compressed."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from keepwell.kernel.problems import KeepwellError
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.host import Host
from keepwell.ports.runner import Command
from keepwell.rooms.logs.files.copying import copy_and_cut
from keepwell.rooms.logs.files.holders import holders_of, process, runs, tell
from keepwell.rooms.logs.files.listing import Found, Live, archive_of, live_files
from keepwell.rooms.logs.files.rotating import set_aside, tidy, wait_for_release
from keepwell.rooms.logs.model import Holder, Policy, Rotate, Step, Tally

T = TypeVar("T")
_COMMAND_TIMEOUT = 120.0
_KNOWN = "no line is lost, and it stays uncompressed; look why it did not open its files anew"
_UNKNOWN = "no line is lost, and it stays uncompressed; say with reopen or then how it opens its files anew"
_ALIKE = "would have the same names in the one archive, so neither is rotated: give them archives of their own (a relative one is)"
_LOSES = (
    "loses every line that is written between copying and cutting: leave it out and say with reopen or then how the writer opens its files "
    "anew, or write in place of true why this writer cannot"
)


class Blocking(Protocol):
    """Runs a function that blocks, in a thread; its answer."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Why(Protocol):
    """Why a text of a policy (``logs/NAME/then``) may not run; nothing where a person accepted it."""

    def __call__(self, name: str, text: str, /) -> str: ...


async def in_thread(work: Callable[[], T]) -> T:
    """The usual ``Blocking``."""
    return await asyncio.to_thread(work)


def _rotated_name(live: Live, policy: Policy) -> tuple[str, str]:
    """Where the rotated ones of a file lie, and how their names begin."""
    return archive_of(live.folder, policy.rotate.archive if policy.rotate is not None else ""), live.name


class Rotating:
    """Rotates what policies say, on this machine."""

    def __init__(self, host: Host, blocking: Blocking) -> None:
        self._host, self._blocking = host, blocking

    async def survey(self, policy: Policy, rotating: Sequence[Policy]) -> Found:
        """The files of a policy. Those that would have the same names when rotated as others of the policies that are ``rotating`` are left
        out, and said: one's would count as the other's, and be removed for it."""
        found = await self._blocking(lambda: live_files(policy.paths))
        others = [one for one in rotating if one.name != policy.name]
        theirs = await self._blocking(lambda: [(live, one) for one in others for live in live_files(one.paths).files])
        named: dict[tuple[str, str], set[str]] = {}
        for live, one in [*((live, policy) for live in found.files), *theirs]:
            named.setdefault(_rotated_name(live, one), set()).add(live.path)
        alike = {
            live.path: sorted(named[_rotated_name(live, policy)]) for live in found.files if len(named[_rotated_name(live, policy)]) > 1
        }
        faults = dict.fromkeys(f"{' and '.join(paths)} {_ALIKE}" for paths in alike.values())
        return Found([live for live in found.files if live.path not in alike], [*found.faults, *faults])

    async def rotate(self, name: str, rotate: Rotate, files: Sequence[Live], why: Why) -> Tally:
        """Rotates these files; ``tidy`` is to follow. Called again with the same files after a crash, it does what is left to do."""
        tally = Tally()
        refused = _refused(name, rotate, why)
        if refused:
            tally.faults.append(refused)
            tally.refused = True
            return tally
        if rotate.first:
            await self._run(rotate.first, "what runs before (first)", tally)
        if tally.faults:
            tally.refused = True
            return tally
        if rotate.copies:
            await self._each(files, lambda live: self._blocking(lambda: copy_and_cut(live, rotate)), tally)
        else:
            await self._each(files, lambda live: self._blocking(lambda: set_aside(live, rotate)), tally)
            await self._reopen(rotate, files, tally)
            await self._released(rotate, files, tally)
        return tally

    async def tidy(self, rotate: Rotate, files: Sequence[Live], tally: Tally) -> None:
        """Compresses and removes what is old."""
        now = self._host.clock.now().timestamp()
        for live in files:

            def work(live: Live = live) -> list[Step]:
                return list(tidy(live.folder, live.name, rotate, now))

            try:
                tally.steps += await self._blocking(work)
            except OSError as error:
                tally.faults.append(f"what was rotated of {live.path} cannot be looked through: {error.strerror}")
        tally.faults += [step.why for step in tally.steps if step.did == "failed"]

    async def _each(self, files: Sequence[Live], do: Callable[[Live], Awaitable[Step | None]], tally: Tally) -> None:
        for live in files:
            try:
                step = await do(live)
            except (OSError, LookupError) as error:
                said = error.strerror if isinstance(error, OSError) else error.args[0]
                tally.faults.append(f"{live.path} cannot be rotated: {said}")
            else:
                tally.steps += [step] if step is not None else []

    async def _reopen(self, rotate: Rotate, files: Sequence[Live], tally: Tally) -> None:
        """Makes the writers open their files anew: once for all files."""
        if not files:
            return
        if rotate.signal:
            await self._signal(rotate, files, tally)
        if rotate.then:
            await self._run(rotate.then, "what makes the writer open its files anew (then)", tally)

    async def _signal(self, rotate: Rotate, files: Sequence[Live], tally: Tally) -> None:
        def send() -> list[str]:
            said = []
            for holder in _written_in(rotate.pid_file) if rotate.pid_file else _writers(files):
                try:
                    if tell(holder, rotate.signal):
                        continue
                    if runs(holder):
                        said.append(f"{holder} has no handler for SIG{rotate.signal}, which would have ended it: it was not sent")
                    elif rotate.pid_file:
                        said.append(
                            f"{rotate.pid_file} names the process {holder.pid}, which does not run: SIG{rotate.signal} went to nobody"
                        )
                except PermissionError:
                    said.append(f"{holder} belongs to another user: SIG{rotate.signal} could not be sent")
            return said

        try:
            tally.faults += await self._blocking(send)
        except (OSError, ValueError) as error:
            tally.faults.append(f"the process number in {rotate.pid_file} cannot be read: {error}")

    async def _released(self, rotate: Rotate, files: Sequence[Live], tally: Tally) -> None:
        seconds = rotate.release.total_seconds()
        for live in files:

            def wait(live: Live = live) -> str:
                return wait_for_release(live.folder, live.name, rotate.archive, live.identity, seconds)

            try:
                who = await self._blocking(wait)
            except OSError as error:
                who = f"nobody knows whom ({error.strerror})"
            if who:
                why = _KNOWN if rotate.signal or rotate.then else _UNKNOWN
                tally.faults.append(f"{live.path} was renamed, and {who} still writes to it after {seconds:g} s: {why}")

    async def _run(self, text: str, what: str, tally: Tally) -> None:
        try:
            result = await self._host.runner.run(Command(("/bin/sh", "-c", text), timeout=_COMMAND_TIMEOUT))
        except KeepwellError as error:
            tally.faults.append(f"{what} could not be started: {error}")
            return
        if not result.succeeded:
            ended = "took longer than two minutes" if result.timed_out else f"ended with status {result.status}"
            words = redact_patterns((result.stderr or result.stdout).strip().partition("\n")[0][:200])
            tally.faults.append(f"{what} {ended}{': ' + words if words else ''}")


def _refused(name: str, rotate: Rotate, why: Why) -> str:
    """Why nothing is rotated at all."""
    if rotate.copies == "true":
        return f"logs.{name}.rotate.copy_and_truncate {_LOSES}"
    for key, text in (("first", rotate.first), ("then", rotate.then)):
        reason = why(f"logs/{name}/{key}", text) if text else ""
        if reason:
            return f"logs.{name}.rotate.{key} may not run: {reason}"
    return ""


def _writers(files: Sequence[Live]) -> list[Holder]:
    found = {holder.pid: holder for live in files for holder in holders_of(live.identity) if holder.pid != os.getpid()}
    return list(found.values())


def _written_in(pid_file: str) -> list[Holder]:
    with open(pid_file, encoding="ascii", errors="replace") as file:
        return [process(int(file.read(32)))]
