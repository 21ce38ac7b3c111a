"""The command line's client against real servers on Unix sockets: good ones, refusing ones, dead ones and strangers."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from keepwell.api.client import ServerClient
from keepwell.kernel.problems import KeepwellError, NotFound, Place, Problem, StorageError
from keepwell.storage.directory import DataDirectory
from tests.services.web_face import FakeRoom, Running, bind_unix

THINGS = "/api/v1/things"


class Failing(FakeRoom):
    """A room whose reads fail with several problems."""

    async def read(self, limit: int = 10) -> dict[str, int]:
        raise StorageError(Problem("storage.locked", "locked", "wait", Place("keepwell.sqlite", 1)), Problem("storage.full", "full"))


@pytest.mark.parametrize("depth", [0, 12])
async def test_it_reads_and_writes_however_deep_the_socket_lies(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["a-long-name-of-a-folder"] * depth)
    directory.mkdir(parents=True, exist_ok=True)
    socket = DataDirectory(directory).socket
    async with Running(FakeRoom([]), unix=socket) as running:
        client = ServerClient(directory)
        assert await client.get(THINGS + "?limit=3") == {"limit": 3}
        assert await client.post(THINGS, {"a": "ü"}) == {"written": 1}
        with pytest.raises(NotFound, match="There is nothing at /nowhere"):
            await client.get("/nowhere")
    assert running.room.written == [{"a": "ü"}]
    with pytest.raises(KeepwellError, match="no Keepwell is running"):
        await client.get(THINGS)


async def test_it_raises_the_server_s_problems(tmp_path: Path) -> None:
    async with Running(Failing([]), unix=DataDirectory(tmp_path).socket):
        with pytest.raises(StorageError) as told:
            await ServerClient(tmp_path).get(THINGS)
    assert told.value.problems == (
        Problem("storage.locked", "locked", "wait", Place("keepwell.sqlite", 1)),
        Problem("storage.full", "full"),
    )


async def test_a_body_that_is_too_large_is_told(tmp_path: Path) -> None:
    async with Running(FakeRoom([]), unix=DataDirectory(tmp_path).socket):
        with pytest.raises(KeepwellError, match="larger than"):
            await ServerClient(tmp_path).post(THINGS, {"a": "x" * (2 * 1024 * 1024)})


@pytest.mark.parametrize("there", ["nothing", "folder", "stale socket", "file"])
async def test_without_a_server_there_is_one_sentence(tmp_path: Path, there: str) -> None:
    directory = tmp_path / "data"
    if there != "nothing":
        directory.mkdir()
    if there == "stale socket":
        bind_unix(directory / "keepwell.sock").close()
    if there == "file":
        (directory / "keepwell.sock").write_text("")
    with pytest.raises(KeepwellError) as told:
        await ServerClient(directory).get(THINGS)
    assert str(told.value) == f"no Keepwell is running with the data directory {directory}"
    assert "--data" in told.value.problems[0].hint


Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def stranger(directory: Path, speak: Speak) -> AsyncIterator[None]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await speak(reader, writer)
        writer.close()

    server = await asyncio.start_unix_server(once, DataDirectory(directory).socket)
    try:
        yield
    finally:
        server.close()


def saying(text: bytes) -> Speak:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return speak


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no Keepwell"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "no Keepwell"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html", "no Keepwell"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xff", "no Keepwell"),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n[]", "gave no reason"),
    ],
)
async def test_a_stranger_at_the_socket_is_one_sentence(tmp_path: Path, said: bytes, sentence: str) -> None:
    async with stranger(tmp_path, saying(said)):
        with pytest.raises(KeepwellError, match=sentence):
            await ServerClient(tmp_path).get(THINGS)


async def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with stranger(tmp_path, silent):
        with pytest.raises(KeepwellError, match=r"did not answer within 0\.2 s"):
            await ServerClient(tmp_path, timeout=0.2).get(THINGS)


def test_what_the_command_line_imports_is_light() -> None:
    program = (
        "import sys; import keepwell.api.offer, keepwell.api.client; "
        "heavy = {'fastapi', 'starlette', 'uvicorn', 'pydantic', 'jinja2', 'h11', 'sqlalchemy', 'aiohttp', 'httptools'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == ""
