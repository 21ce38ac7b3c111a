"""Starts the child process that works on files (``files/child.py``), and brings back what it says."""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROGRAM = "keepwell.rooms.samples.files.child"


class WorkFailed(Exception):
    """The work was not done; the text says why, as a part of a sentence."""


async def work_in_child(kind: str, folder: Path, log: Path, start: int) -> Mapping[str, Any]:
    """Compacts (``compact``) or rolls up (``roll``) an hour, or merges (``merge``) a day, in a process of its own that ends with the work.
    Raises WorkFailed. Cancelling ends the process; what it left unfinished is never read."""
    # -P: a folder named keepwell where the server was started is not the program.
    arguments = (sys.executable, "-P", "-m", _PROGRAM, kind, str(folder), str(log), str(start))
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise WorkFailed(f"its process could not be started ({error.strerror or error})") from error
    try:
        output, errors = await process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return _outcome(process.returncode or 0, output, errors)


def _outcome(status: int, output: bytes, errors: bytes) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads(output)
    except ValueError:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2][:300]
        ended = f"was ended by signal {-status} (out of memory?)" if status < 0 else f"ended with status {status}"
        raise WorkFailed(f"its process {ended}{': ' + last if last else ''}") from None
    if "fault" in said:
        raise WorkFailed(str(said["fault"]))
    return said
