"""Starts the child process that works on files (``files/child.py``), and brings back what it says."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = "keepwell.rooms.samples.files.child"


@dataclass(frozen=True, slots=True)
class Done:
    """What a child did: an outcome for each hour or day, in their order, up to the first that failed; and why that failed, as a part of a
    sentence (empty where none did)."""

    outcomes: Sequence[Mapping[str, Any]]
    fault: str = ""


async def work_in_child(kind: str, folder: Path, log: Path, starts: Sequence[int]) -> Done:
    """Compacts (``compact``) or rolls up (``roll``) hours, or merges (``merge``) days, in a process of its own that ends with the work.
    Cancelling ends the process; what it left unfinished is never read."""
    # -P: a folder named keepwell where the server was started is not the program.
    arguments = (sys.executable, "-P", "-m", _PROGRAM, kind, str(folder), str(log), *map(str, starts))
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        return Done((), f"its process could not be started ({error.strerror or error})")
    try:
        output, errors = await process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return _done(process.returncode or 0, output, errors)


def _done(status: int, output: bytes, errors: bytes) -> Done:
    outcomes: list[Mapping[str, Any]] = [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]
    if outcomes and "fault" in outcomes[-1]:
        return Done(outcomes[:-1], str(outcomes[-1]["fault"]))
    if status == 0:
        return Done(outcomes)
    last = errors.decode(errors="replace").strip().rpartition("\n")[2][:300]
    ended = f"was ended by signal {-status} (out of memory?)" if status < 0 else f"ended with status {status}"
    return Done(outcomes, f"its process {ended}{': ' + last if last else ''}")
