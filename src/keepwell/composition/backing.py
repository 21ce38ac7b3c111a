"""Backups put together: the section's entries, what is accepted, checks that look at what was started, and who asks how it stands."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition import verbs
from keepwell.composition.hosts import Hosts
from keepwell.config.operations import Operations
from keepwell.kernel.problems import NotFound, UsageError
from keepwell.kernel.states import State
from keepwell.ports.activity import Activity
from keepwell.ports.offer import Face
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.backups import offer
from keepwell.rooms.backups.face import face
from keepwell.rooms.backups.resolve import Backup, resolve
from keepwell.rooms.backups.views import Shown
from keepwell.rooms.backups.words import count
from keepwell.rooms.backups.work.keeper import Backups
from keepwell.rooms.backups.work.ports import Blocking, in_thread
from keepwell.rooms.backups.work.showing import Promise, Showing
from keepwell.storage.database import Database

if TYPE_CHECKING:
    from keepwell.rooms.backups.work.restoring import Restored
    from keepwell.rooms.checks.model import Check


class BackupRoom:
    """The room of backups while a server runs. ``data`` is the data directory; ``blocking`` runs what waits for disks in a thread."""

    def __init__(self, database: Database, hosts: Hosts, data: Path, blocking: Blocking = in_thread) -> None:
        host = hosts.of(verbs.LOCAL)
        self._clock = host.clock
        self._looking = Looking(hosts)
        self._promises: Sequence[Promise] = ()
        self.backups = Backups(database, host, data, self._looking.look, blocking)
        self.showing = Showing(self.backups, lambda: self._promises)

    @property
    def performs(self) -> Mapping[str, Perform]:
        """It makes and proves backups."""
        return dict.fromkeys(("backup", "proof", "recovery"), self.backups.perform)

    @property
    def activities(self) -> Sequence[Activity]:
        """None: its times are the calendar's."""
        return ()

    def on_wake(self, wake: Callable[[], None]) -> None:
        """It wakes nobody."""

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """The backups and proofs that are made by themselves."""
        return offer.recurring_of(operations)

    async def begin(self, operations: Operations) -> None:
        """Takes the first configuration, and looks what lies in the repositories."""
        await self.configure(operations)
        await self.backups.begin()

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration."""
        user = verbs.effective_user()
        self._looking.checks = {check.name: check for check in verbs.resolve_checks(operations, user)}
        self._promises = promises_of(operations)
        self.backups.configure(backups_of(operations, user), operations.service, user)

    async def end(self) -> None:
        """Ends what is under way; it goes on after the next start."""
        await self.backups.end()

    async def listed(self) -> Sequence[Shown]:
        """Every backup as it stands."""
        return await self.showing.listed()

    def face(self) -> Face:
        """What it shows."""
        return face(self.showing, self._clock.now, _caller)


class Looking:
    """Looks at checks as if their target were somewhere else: at what was started from a copy."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self.checks: Mapping[str, Check] = {}

    async def look(self, check: str, url: str) -> tuple[bool, str]:
        """See keepwell.rooms.backups.work.keeper.Look."""
        from keepwell.rooms.checks.work.observe import observe

        found = self.checks.get(check)
        if found is None:
            raise NotFound(f"no check is called {check}")
        if found.target is None or found.target.url is None:
            return False, "it has no target with an address that could be exchanged"
        there = replace(found, target=found.target.model_copy(update={"url": url}))
        seen = await observe(there, self._hosts.of(found.host), None)
        return seen.state in (State.OK, State.WARN), seen.sentence


def backups_of(operations: Operations, user: str) -> dict[str, Backup]:
    """The backups of a directory as they would run, with its acceptances."""
    from keepwell.config.acceptance import Executable, read_acceptances

    acceptances = read_acceptances(operations.directory)

    def why_not(name: str, text: str) -> str:
        return acceptances.why_not(Executable(name, text, "", verbs.LOCAL, user))

    return resolve(operations.entries("backups"), operations.entries("repositories"), offer.kinds(), why_not)


def promises_of(operations: Operations) -> tuple[Promise, ...]:
    """The objectives that promise a recovery time or point: of the backup that they name or are called as, else of all."""
    backups = operations.entries("backups")
    objectives = operations.options("objectives")
    promising = {name: one for name, one in objectives.items() if one.rto is not None or one.rpo is not None}
    return tuple(Promise(one.rto, one.rpo, name if name in backups else "") for name, one in promising.items())


async def restore(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``keepwell backups restore``: by the operations directory, or by the repository's folder alone. Raises KeepwellError."""
    from keepwell.rooms.backups.archive.signing import is_public, public_in
    from keepwell.rooms.backups.work.restoring import Wanted
    from keepwell.rooms.backups.work.restoring import restore as bring_back

    folder, identities = await _where(arguments)
    public = _read(arguments["key"]) if arguments["key"] else public_in(verbs.data_directory(arguments["data"]))
    if public is not None and not is_public(public):
        raise UsageError(f"{arguments['key']} holds no public key as keepwell backups key prints it")
    wanted = Wanted(folder, arguments["name"], public, identities, Path(arguments["to"]), arguments["copy"], arguments["only"] or ())
    try:
        restored = await asyncio.to_thread(bring_back, wanted)
    except OSError as error:
        raise UsageError(f"the copy cannot be restored: {error}") from error
    return _said(restored, arguments["to"], public is not None)


async def _where(arguments: Mapping[str, Any]) -> tuple[Path, Sequence[Any]]:
    """The repository's folder, and the identities that open its copies."""
    from keepwell.rooms.backups.archive.sealing import identities_of

    if (arguments["directory"] is None) is (arguments["repository"] is None):
        raise UsageError("say where the copies lie: --directory OPS or --repository FOLDER")
    given = identities_of(_read(arguments["identity_file"]).decode("utf-8", "replace")) if arguments["identity_file"] else []
    if arguments["repository"] is not None:
        return Path(arguments["repository"]), given
    operations = verbs.load(arguments["directory"])
    backups = backups_of(operations, verbs.effective_user())
    name = arguments["name"]
    if name not in backups:
        raise NotFound(f"there is no backup {name}", hint=f"the backups are: {', '.join(backups) or 'none'}")
    place = backups[name].place
    if place is None:
        raise UsageError(f"{name} has no copies: {backups[name].why_not}")
    if given or not place.identity or backups[name].opens:
        return Path(place.path), given
    async with verbs.local_host() as host:
        return Path(place.path), identities_of(await host.secrets.resolve(place.identity))


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _said(restored: "Restored", to: str, is_signed: bool) -> dict[str, Any]:
    manifest = restored.manifest
    notes = (
        []
        if is_signed
        else ["who signed it was not looked at: no key was given, and the data directory has none that can be read (--key FILE)"]
    )
    notes += [f"the newer copy {one.id} cannot be relied on, and was passed over: {one.fault}" for one in restored.passed_over]
    what = f"{count(restored.members, 'member')} of the copy of {manifest.started:%Y-%m-%d %H:%M} UTC"
    sentence = f"{what} restored into {to}, each compared with its list"
    return {"copy": manifest.id, "members": restored.members, "to": to, "sentence": sentence, "notes": notes}


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
