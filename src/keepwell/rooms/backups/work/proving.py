"""Proving a backup: its copy is restored beside, compared, questioned, and perhaps started; how long that took is the recovery time."""

import asyncio
import fnmatch
import mmap
import os
import socket
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import AnswerError, AskError, NotAccepted
from keepwell.kernel.quoting import quoted
from keepwell.ports.runner import Command, Result
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.compare import compare
from keepwell.rooms.backups.archive.extract import extract
from keepwell.rooms.backups.archive.reading import check_parts, members_of
from keepwell.rooms.backups.archive.repository import found_in
from keepwell.rooms.backups.model import Copy, Manifest, Run
from keepwell.rooms.backups.options import QuestionOptions, StartOptions
from keepwell.rooms.backups.questions import searcher
from keepwell.rooms.backups.resolve import Backup, question_name, start_name
from keepwell.rooms.backups.words import count as counted
from keepwell.rooms.backups.words import size as size_words
from keepwell.storage import journal

from .making import identities, signer
from .ports import Ports, remove, scratch
from .repositories import reconcile, repository_of

if TYPE_CHECKING:
    from .keeper import Look

QUESTION_TIME = 300.0
"""Seconds that a question's command may take."""

_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof restored, and where."""

    ports: Ports
    backup: Backup
    copy: Copy
    folder: Path


async def prove(ports: Ports, backup: Backup, run: Run, wanted: str, look: "Look") -> Run:
    """Proves the copy that is ``wanted``, else the newest; gives the run as it ended. Raises KeepwellError or OSError where none could be
    looked at: then nothing is said against any."""
    key = await signer(ports)
    copies = await reconcile(ports, backup, key.public)
    copy = _chosen(copies, wanted, backup.name)
    _refuse_sealed(backup)
    for name, why in backup.waits.items():
        raise NotAccepted(f"{name} may not run: {why}", hint="read and accept it with keepwell accept")
    folder = scratch(ports.data) / f"proof-{run.id}"
    began = ports.host.clock.now()
    started = ports.host.clock.monotonic()
    try:
        said = await _proved(Proof(ports, backup, copy, folder), key.public, look)
        seconds, fault = ports.host.clock.monotonic() - started, ""
    except AnswerError as error:
        said, seconds, fault = [], 0.0, str(error)
    finally:
        await ports.blocking(lambda: remove(folder))
    ended = _ended(run, copy, fault or _sentence(copy, said, seconds), "failed" if fault else "done", ports.host.clock.now())
    point = (began - copy.started).total_seconds()
    ended = replace(ended, facts={} if fault else {"recovery_seconds": seconds, "recovery_point_seconds": point, "files": copy.files})
    now = ports.host.clock.now()
    proven = replace(copy, fault=fault) if fault else replace(copy, fault="", proven_at=now, recovery_seconds=seconds)
    await ports.database.write(lambda connection: _store(connection, ended, proven, said))
    return ended


def _refuse_sealed(backup: Backup) -> None:
    place = backup.place
    if place is not None and place.recipients and not place.identity:
        sentence = f"the copies of {backup.name} are encrypted, and its repository has no identity that opens them"
        raise AskError(sentence, hint="write identity: secret:NAME")
    if backup.opens:
        raise NotAccepted(f"the command that fetches the identity of {backup.repository} may not run: {backup.opens}")


def _chosen(copies: list[Copy], wanted: str, name: str) -> Copy:
    fitting = [copy for copy in copies if not wanted or copy.id == wanted]
    if not fitting:
        raise AnswerError(f"there is no copy {quoted(wanted)} of {name}" if wanted else f"there is no copy of {name} to prove")
    return fitting[-1]


async def _proved(proof: Proof, public: bytes, look: "Look") -> list[str]:
    """Every step of the proof, in order; what each found, a sentence each. Raises AnswerError for the first that fails."""
    ports, backup = proof.ports, proof.backup
    manifest = await ports.blocking(lambda: _manifest(proof, public))
    keys = await identities(ports, backup)
    said = [await ports.blocking(lambda: _restored(proof, manifest, keys))]
    for number, question in enumerate(backup.prove.questions, 1):
        ports.stop()
        said.append(await _answered(proof, question, question_name(backup.name, number)))
    if backup.prove.start is not None:
        said.append(await _started(proof, backup.prove.start, look))
    return said


def _manifest(proof: Proof, public: bytes) -> Manifest:
    """The copy's manifest, where nothing is wrong with it or with what it names."""
    folder = repository_of(proof.backup).copy(proof.backup.name, proof.copy.id)
    found = found_in(folder, public)
    if found.fault:
        raise AnswerError(found.fault)
    if found.manifest is None or found.digest != proof.copy.digest:
        raise AnswerError("its manifest is not the one that was written when it was made")
    check_parts(folder, found.manifest, proof.ports.stop)
    return found.manifest


def _restored(proof: Proof, manifest: Manifest, keys: list[object]) -> str:
    folder = repository_of(proof.backup).copy(proof.backup.name, proof.copy.id)
    remove(proof.folder)
    proof.folder.parent.mkdir(mode=0o700, exist_ok=True)
    proof.folder.mkdir(mode=0o700)
    with_owners = os.geteuid() == 0
    stop = proof.ports.stop
    extract(folder, manifest, proof.folder, keys, stop)
    count = compare(proof.folder, members_of(folder, manifest, keys), stop, with_owners)
    words = "contents, modes, times and owners" if with_owners else "contents, modes and times (only root could compare owners)"
    return f"{counted(count, 'member')} restored, {words} as they were"


async def _answered(proof: Proof, question: QuestionOptions, name: str) -> str:
    if question.command is not None:
        return await _command_answered(proof, question, name)
    return await proof.ports.blocking(lambda: _looked_at(proof.folder, question))


def _looked_at(root: Path, question: QuestionOptions) -> str:
    if question.files is not None:
        assert question.expect is not None
        number = sum(fnmatch.fnmatchcase(path, question.files) for path in _files(root))
        if not question.expect.holds(number):
            raise AnswerError(f"{counted(number, 'file')} found by {question.files}, expected {question.expect}")
        return f"{counted(number, 'file')} found by {question.files}"
    path = question.size or question.text or ""
    file = root / path.lstrip("/")
    if file.is_symlink() or not file.resolve().is_relative_to(root.resolve()) or not file.is_file():
        raise AnswerError(f"{path} is no file in the restored copy")
    if question.size is not None:
        assert question.expect is not None
        size = file.stat().st_size
        if not question.expect.holds(size):
            raise AnswerError(f"{path} has {size_words(size)}, expected {question.expect}")
        return f"{path} has {size_words(size)}"
    if not _holds(file, question.holds or ""):
        raise AnswerError(f"{path} does not hold {quoted(question.holds or '')}")
    return f"{path} holds {quoted(question.holds or '')}"


def _holds(file: Path, pattern: str) -> bool:
    """Whether a file holds what is looked for; however large it is, it is never in memory as a whole."""
    if not file.stat().st_size:  # which cannot be mapped
        return searcher(pattern)(b"")
    with file.open("rb") as content, mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return searcher(pattern)(text)


def _files(root: Path) -> list[str]:
    """The paths of all files, from the root as they were."""
    return [os.path.join(folder, name)[len(str(root)) :] for folder, _, names in os.walk(root) for name in names]


def _command(proof: Proof, text: str, timeout: float, more: dict[str, str]) -> Command:
    return Command(
        ("bash", "-euo", "pipefail", "-c", text),
        environment={"KEEPWELL_RESTORED": str(proof.folder), **more},
        directory=str(proof.folder),
        timeout=timeout,
    )


async def _command_answered(proof: Proof, question: QuestionOptions, name: str) -> str:
    result = await proof.ports.host.runner.run(_command(proof, question.command or "", QUESTION_TIME, {}))
    if not result.succeeded:
        raise AnswerError(f"the command {name} {_how(result)}")
    if question.holds is not None and not searcher(question.holds)(result.stdout.encode()):
        raise AnswerError(f"what the command {name} printed does not hold {quoted(question.holds)}")
    return f"the command {name} ended with status 0"


def _how(result: Result) -> str:
    how = "took too long" if result.timed_out else f"ended with status {result.status}" if result.status is not None else "was killed"
    last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
    return f"{how}: {last[0]}" if last else how


async def _started(proof: Proof, start: StartOptions, look: "Look") -> str:
    """The service, run from the copy until its checks are ok or the time is over; then ended with all that it started."""
    port = _free_port()
    within = start.within.total_seconds()
    command = _command(proof, start.run, within + QUESTION_TIME, {"KEEPWELL_PORT": str(port)})
    running = asyncio.ensure_future(proof.ports.host.runner.run(command))
    try:
        return await _checked(proof, start, start.url.replace("{port}", str(port)), running, look)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _checked(proof: Proof, start: StartOptions, url: str, running: "asyncio.Future[Result]", look: "Look") -> str:
    clock = proof.ports.host.clock
    began = clock.monotonic()
    within = start.within.total_seconds()
    while True:
        seen = [(check, *await look(check, url)) for check in start.checks]
        if running.done():  # first: what answers then is something else
            raise AnswerError(f"the service started from the copy {_how(running.result())}")
        if all(is_ok for _, is_ok, _ in seen):
            return f"started from the copy ({start_name(proof.backup.name)}): {', '.join(check for check, _, _ in seen)} ok"
        if clock.monotonic() - began > within:
            check, _, sentence = next(one for one in seen if not one[1])
            raise AnswerError(f"the service started from the copy was not ok within {format_duration(start.within)}: {check}: {sentence}")
        proof.ports.stop()
        await clock.sleep(_BETWEEN_LOOKS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _sentence(copy: Copy, said: list[str], seconds: float) -> str:
    return f"the copy of {copy.started:%Y-%m-%d %H:%M} UTC is proven in {describe(seconds, Unit.SECONDS)}: {'; '.join(said)}"


def _ended(run: Run, copy: Copy, sentence: str, state: str, now: datetime) -> Run:
    said = f"the copy of {copy.started:%Y-%m-%d %H:%M} UTC cannot be relied on: {sentence}" if state == "failed" else sentence
    return replace(run, state=state, ended=now, copy=copy.id, sentence=said)


def _store(connection: Connection, run: Run, copy: Copy, said: list[str]) -> None:
    assert run.ended is not None
    # As it stands now: while it was proven it may have been accepted, or retention may have deleted it.
    known = store.copy(connection, copy.backup, copy.id) or copy
    store.put(connection, replace(known, fault=copy.fault, proven_at=copy.proven_at, recovery_seconds=copy.recovery_seconds))
    store.end(connection, run)
    facts = {"run": run.id, "copy": copy.id, "sentence": run.sentence, "steps": said, **run.facts}
    event = "backup.proven" if run.state == "done" else "backup.not-proven"
    journal.append(connection, journal.NewEntry(run.by, event, f"backups/{copy.backup}", facts), run.ended)
