"""``keepwell samples export``: through the running server, or from the data directory."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlencode

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import KeepwellError, Problem, UsageError
from keepwell.ports.offer import Call

from .asked import ExportAsked, wanted
from .exporting import export
from .model import Format

if TYPE_CHECKING:
    from .commands import Open, Server

_BY_SUFFIX = {".csv": Format.CSV, ".parquet": Format.PARQUET}
UNFINISHED = ".unfinished"
"""How the name of a file ends while it is written."""


async def run_export(call: Call, server: "Server", open_store: "Open") -> int:
    """The command. Raises KeepwellError; a file that is not whole is not left under its name."""
    output = call.arguments["output"]
    asked = _asked(call)
    if output is None:
        _refuse_terminal(call, asked)
        await _write(_pieces(call, asked, server, open_store), sys.stdout.buffer)
        return Exit.OK
    written = await _to_file(_pieces(call, asked, server, open_store), Path(output))
    call.output.data({"file": output, "format": asked.format, "bytes": written})
    call.output.say(f"{written} bytes of {asked.format} in {output}", style="ok")
    return Exit.OK


def _asked(call: Call) -> ExportAsked:
    suffix = Path(call.arguments["output"] or "").suffix
    format = call.arguments["format"] or _BY_SUFFIX.get(suffix, Format.OPENMETRICS).value
    given = {name: call.arguments[name] for name in ("start", "end", "over") if call.arguments[name] is not None}
    return ExportAsked(match=call.arguments["match"], format=format, **given)


def _refuse_terminal(call: Call, asked: ExportAsked) -> None:
    if call.output.wants_json:
        raise UsageError("--json and the samples themselves would both go to standard output", hint="name a file with --output FILE")
    if asked.format == Format.PARQUET.value and sys.stdout.isatty():
        raise UsageError("Parquet is nothing for a terminal", hint="name a file with --output FILE.parquet")


async def _pieces(call: Call, asked: ExportAsked, server: "Server", open_store: "Open") -> AsyncIterator[bytes]:
    data = call.arguments["data"]
    if server.runs(data):
        address = f"/api/v1/samples/export?{urlencode(asked.model_dump(exclude_none=True))}"
        async with aclosing(server.download(data, address)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece
        return
    async with open_store(data, call.arguments["operations"], "read") as opened:
        what = wanted(asked, opened.now())
        async for piece in export(opened.source, what.matchers, what.start, what.end - 1, what.format):
            yield piece


async def _write(pieces: AsyncIterator[bytes], file: BinaryIO) -> int:
    written = 0
    try:
        async with aclosing(pieces):  # type: ignore[type-var]
            async for piece in pieces:
                file.write(piece)
                written += len(piece)
        file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritten(file.name, error) from error
    return written


async def _to_file(pieces: AsyncIterator[bytes], path: Path) -> int:
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            written = await _write(pieces, file)
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise _unwritten(str(path), error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return written


def _unwritten(name: str, error: OSError) -> KeepwellError:
    return KeepwellError(Problem("samples.export", f"{name} cannot be written: {error.strerror or error}", "name another file"))
