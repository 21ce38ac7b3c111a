"""The laboratory's control: one line of JSON asks, one line answers, over a Unix socket that only its owner can reach.

``{"do": "state"}``, ``{"do": "break", "fault": "api-slow"}``, ``{"do": "repair", "fault": "api-slow"}``. The answer is the laboratory's
state, or ``{"problem": {"code": ..., "message": ..., "hint": ...}}``.
"""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import AskError, KeepwellError, NotFound, Problem
from keepwell.kernel.quoting import quoted

from .rendezvous import SOCKET, check_owner
from .supervisor import Laboratory

_PATIENCE_SECONDS = 30.0


async def offer_control(laboratory: Laboratory, folder: Path) -> asyncio.AbstractServer:
    """Listens on the control socket in the folder; one request at a time changes the laboratory."""
    one_at_a_time = asyncio.Lock()

    async def converse(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), one_at_a_time:
                answer = await _answer(laboratory, await reader.readline())
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # who asked is gone or speaks another language: it gets no answer
        finally:
            writer.close()

    return await asyncio.start_unix_server(converse, folder / SOCKET)


async def _answer(laboratory: Laboratory, line: bytes) -> dict[str, Any]:
    request = json.loads(line)
    wanted, fault = (request.get("do"), str(request.get("fault"))) if isinstance(request, dict) else (None, "")
    try:
        match wanted:
            case "break":
                await laboratory.break_(fault)
            case "repair":
                await laboratory.repair(fault)
            case "state":
                pass
            case _:
                raise NotFound(f"the laboratory cannot {quoted(str(wanted))}", hint="it can state, break and repair")
    except KeepwellError as error:
        return problem_value(error)
    return laboratory.state()


def problem_value(error: KeepwellError) -> dict[str, Any]:
    """A problem as the control answers it."""
    problem = error.problems[0]
    return {"problem": {"code": problem.code, "message": problem.message, "hint": problem.hint}}


def raise_problem(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer; where it is a problem, raises it as KeepwellError."""
    if "problem" in answer:
        raise KeepwellError(Problem(**answer["problem"]))
    return answer


async def ask_laboratory(folder: Path, request: dict[str, str]) -> dict[str, Any]:
    """Puts one request to the running laboratory and gives its state. Raises NotFound where none runs, Refused, AskError, KeepwellError."""
    nobody = NotFound("no laboratory of yours is running", hint="start one with  keepwell demo")
    try:
        check_owner(folder)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(folder / SOCKET)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                answer = json.loads(await reader.readline())
            finally:
                writer.close()
    except (FileNotFoundError, ConnectionRefusedError):
        raise nobody from None
    except (TimeoutError, OSError, ValueError) as error:
        raise AskError(f"the laboratory gave no usable answer: {error or type(error).__name__}") from None
    return raise_problem(dict(answer))
