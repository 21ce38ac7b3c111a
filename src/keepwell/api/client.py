"""The command line's way to a running server: HTTP over the Unix socket of the data directory, one connection a question."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from keepwell.kernel.problems import KeepwellError, Problem

from .errors import error_from

if TYPE_CHECKING:
    import h11

_LIMIT = 64 * 1024 * 1024

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"

T = TypeVar("T")


class ServerClient:
    """Asks the server that runs with a data directory. ``timeout`` (seconds) covers a whole question.

    Every method raises KeepwellError: with the server's own problems where it refuses, with one sentence where none runs.
    """

    def __init__(self, directory: Path, timeout: float = 30.0) -> None:
        self._directory = directory
        self._timeout = timeout

    async def get(self, path: str) -> Any:
        """The JSON answer to a read."""
        return await self._bounded(lambda reader, writer: _exchange(reader, writer, "GET", path, b""))

    async def post(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """The JSON answer to a write; ``body`` is sent as JSON."""
        content = b"" if body is None else json.dumps(body).encode()
        return await self._bounded(lambda reader, writer: _exchange(reader, writer, method, path, content))

    async def form(self, path: str, fields: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and the body of the answer to a form, for what has shapes of its own. An error in the shape of this program is
        raised."""
        content = urlencode(fields).encode()
        status, answer = await self._bounded(lambda reader, writer: _put(reader, writer, ("POST", path, _FORM), content))
        if status >= 300 and (error := _own_error(status, answer)) is not None:
            raise error
        return status, answer

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """The body of the answer to a read, piece by piece, however long it is. ``timeout`` covers the wait for each piece.

        Raises KeepwellError also where the answer breaks off: what was given is then a part only."""
        try:
            async with self._connected() as (reader, writer):
                async for piece in _download(reader, writer, path, self._timeout):
                    yield piece
        except TimeoutError:
            message = f"the Keepwell that runs with the data directory {self._directory} sent nothing for {self._timeout:g} s"
            raise KeepwellError(Problem("server.silent", message)) from None
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            message = f"the Keepwell that runs with the data directory {self._directory} broke off: {error}"
            raise KeepwellError(Problem("server.gone", message)) from error

    async def _bounded(self, ask: "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[T]]") -> T:
        try:
            async with asyncio.timeout(self._timeout), self._connected() as (reader, writer):
                return await ask(reader, writer)
        except TimeoutError:
            message = f"the Keepwell that runs with the data directory {self._directory} did not answer within {self._timeout:g} s"
            raise KeepwellError(Problem("server.silent", message)) from None
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            message = f"the Keepwell that runs with the data directory {self._directory} broke off: {error}"
            raise KeepwellError(Problem("server.gone", message)) from error

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        from keepwell.storage.directory import DataDirectory, connect_path

        try:
            with connect_path(DataDirectory(self._directory).socket) as address:
                reader, writer = await asyncio.open_unix_connection(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            hint = "start it with keepwell up DIR, or name its data directory with --data"
            message = f"no Keepwell is running with the data directory {self._directory}"
            raise KeepwellError(Problem("server.absent", message, hint)) from error
        except OSError as error:
            message = f"the Keepwell of the data directory {self._directory} cannot be reached: {error.strerror}"
            raise KeepwellError(Problem("server.unreachable", message)) from error
        try:
            yield reader, writer
        finally:
            writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: bytes) -> Any:
    status, answer = await _put(reader, writer, (method, path, _JSON), body)
    try:
        content = json.loads(answer) if answer else None
    except ValueError as error:
        if status >= 300:
            raise error_from(status, None) from error
        raise _garbage(error) from error
    if status >= 300:
        raise error_from(status, content)
    return content


async def _put(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: tuple[str, str, str], body: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer. ``asked`` are the method, the path, and of what type the body is."""
    import h11

    method, path, kind = asked
    connection = h11.Connection(h11.CLIENT)
    headers = [("host", "keepwell"), ("accept", _JSON), ("connection", "close"), ("content-length", str(len(body)))]
    if body:
        headers.append(("content-type", kind))
    head = h11.Request(method=method, target=path, headers=headers)
    for event in (head, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    with contextlib.suppress(ConnectionError):  # refused before the body was read: the answer says why
        await writer.drain()
    status = 0
    try:
        status = await _receive_head(connection, reader)
        return status, await _receive_body(connection, reader)
    except (h11.RemoteProtocolError, ValueError) as error:
        raise error_from(status, None) if status >= 300 else _garbage(error) from error


def _garbage(error: Exception) -> KeepwellError:
    return KeepwellError(Problem("server.garbage", f"what answers at the socket is no Keepwell: {error}"))


def _own_error(status: int, answer: bytes) -> KeepwellError | None:
    try:
        content = json.loads(answer) if answer else None
    except ValueError:
        return error_from(status, None)
    return error_from(status, content) if not isinstance(content, dict) or isinstance(content.get("error"), dict) else None


async def _download(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, timeout: float) -> AsyncIterator[bytes]:
    import h11

    connection = h11.Connection(h11.CLIENT)
    head = h11.Request(method="GET", target=path, headers=[("host", "keepwell"), ("accept", "*/*"), ("connection", "close")])
    for event in (head, h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    status, refusal = 0, bytearray()
    while True:
        try:
            received = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise ConnectionResetError(f"the answer is not whole ({error})") from error
        if received is h11.NEED_DATA:
            async with asyncio.timeout(timeout):
                connection.receive_data(await reader.read(256 * 1024))
        elif isinstance(received, h11.Response):
            status = received.status_code
        elif isinstance(received, h11.Data) and status >= 300:
            refusal += received.data
        elif isinstance(received, h11.Data):
            yield bytes(received.data)
        elif isinstance(received, h11.EndOfMessage):
            break
        elif isinstance(received, h11.ConnectionClosed):
            raise ConnectionResetError("it closed the connection without an answer")
    if status >= 300:
        raise error_from(status, json.loads(refusal) if refusal else None)


async def _receive_head(connection: "h11.Connection", reader: asyncio.StreamReader) -> int:
    import h11

    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(64 * 1024)
            if not data and not connection.trailing_data[0]:
                raise ConnectionResetError("it closed the connection without an answer")
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            return event.status_code


async def _receive_body(connection: "h11.Connection", reader: asyncio.StreamReader) -> bytes:
    import h11

    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(64 * 1024))
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LIMIT:
                raise KeepwellError(Problem("server.too-much", f"the answer has more than {_LIMIT} bytes", "ask for less at once"))
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)
