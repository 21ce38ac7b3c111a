"""Redis's protocol, RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/), with a bound on everything that is read."""

import asyncio
import contextlib
from collections.abc import Sequence

from keepwell.kernel.problems import AnswerError
from keepwell.ports.redis import Reply, ReplyFault

MOST_BYTES = 16 * 1024 * 1024
"""Bytes that are read over one connection, whatever the server sends."""

_DEEPEST = 8
_LONGEST_NUMBER = 20


class NotRedis(Exception):
    """What came is no reply of Redis."""


class TooMuch(AnswerError):
    """More came than is read over one connection."""


class Conversation:
    """One connection: commands out, replies in."""

    def __init__(self, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peer = peer
        self._reader = reader
        self._writer = writer
        self._left = MOST_BYTES
        self.heard = False
        """Whether anything came at all."""

    async def ask(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """Sends several commands at once and gives their replies. Raises NotRedis, TooMuch, OSError and EOFError."""
        if not self._writer.is_closing():
            self._writer.write(b"".join(packed(command) for command in commands))
        # A server that refuses every connection says why and closes: what it said is worth more than that writing failed.
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
        return [await self._reply(0) for _ in commands]

    async def one(self, *words: str | int) -> Reply:
        """Sends one command and gives its reply."""
        return (await self.ask([words]))[0]

    def close(self) -> None:
        """Ends the connection at once."""
        self._writer.transport.abort()

    async def _reply(self, depth: int) -> Reply:
        line = await self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return _text(rest)
        if kind == b"-":
            return ReplyFault(_text(rest.split(b" ", 1)[0]), _text(rest))
        if kind == b":":
            return _number(rest)
        if kind == b"$":
            return await self._bulk(_number(rest))
        if kind == b"*" and depth < _DEEPEST:
            return await self._array(_number(rest), depth)
        raise NotRedis

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError:
            raise NotRedis from None
        self._take(len(line))
        return line[:-2]

    async def _bulk(self, length: int) -> Reply:
        if length < 0:
            return None
        self._take(length + 2)
        data = await self._reader.readexactly(length + 2)
        if data[-2:] != b"\r\n":
            raise NotRedis
        return _text(data[:-2])

    async def _array(self, length: int, depth: int) -> Reply:
        if length < 0:
            return None
        if length * 4 > self._left:  # the shortest reply has four bytes
            self._take(length * 4)
        return tuple([await self._reply(depth + 1) for _ in range(length)])

    def _take(self, count: int) -> None:
        self.heard = True
        self._left -= count
        if self._left < 0:
            raise TooMuch(f"{self._peer} answered with more than {MOST_BYTES // 2**20} MiB, which is not read any further")


def packed(words: Sequence[str | int]) -> bytes:
    """A command as it travels: an array of bulk strings, so that no value is ever read as syntax."""
    encoded = [str(word).encode("utf-8", "surrogateescape") for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _number(data: bytes) -> int:
    digits = data.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > _LONGEST_NUMBER:
        raise NotRedis
    return int(data)
