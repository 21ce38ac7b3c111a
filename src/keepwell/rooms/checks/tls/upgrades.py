"""Protocols that begin in clear text and turn to TLS: SMTP (RFC 3207) and PostgreSQL (its documentation, "SSL Session Encryption")."""

import asyncio
import struct
from dataclasses import dataclass

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.checks.texts import show

_MOST_LINES = 100
_POSTGRES_TLS = struct.pack("!ii", 8, 80877103)


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP server's reply: its code and the text of each line."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The reply on one line."""
        return f"{self.code} {' '.join(self.lines)}".strip()


async def smtp_reply(reader: asyncio.StreamReader, peer: str) -> Reply:
    """One reply of at most 100 lines (RFC 5321 section 4.2.1). Raises AnswerError where it is none."""
    lines: list[str] = []
    while len(lines) < _MOST_LINES:
        try:
            line = (await reader.readuntil(b"\n")).decode(errors="replace").rstrip("\r\n")
        except asyncio.IncompleteReadError as error:
            said = f" after {show(error.partial.decode(errors='replace'))}" if error.partial else ""
            raise AnswerError(f"{peer} closed the connection{said}, expected a reply of SMTP") from None
        except asyncio.LimitOverrunError:
            raise AnswerError(f"{peer} sends a line without end, expected a reply of SMTP") from None
        if not (line[:3].isascii() and line[:3].isdigit() and line[3:4] in ("", " ", "-")):
            raise AnswerError(f"{peer} said {show(line)}, expected a reply of SMTP")
        lines.append(line[4:])
        if line[3:4] != "-":
            return Reply(int(line[:3]), tuple(lines))
    raise AnswerError(f"{peer} sends a reply without end")


async def smtp_ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str, peer: str) -> Reply:
    """Sends a command and gives the reply."""
    if not writer.is_closing():
        writer.write(f"{command}\r\n".encode())
    await writer.drain()
    return await smtp_reply(reader, peer)


async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
    """Greeting, EHLO, STARTTLS."""
    for command, wanted in (("", 220), ("EHLO keepwell.invalid", 250), ("STARTTLS", 220)):
        reply = await smtp_ask(reader, writer, command, peer) if command else await smtp_reply(reader, peer)
        if reply.code != wanted:
            what = f"answered {command.partition(' ')[0]} with" if command else "greeted with"
            raise AnswerError(f"{peer} {what} {show(reply.text)}, expected {wanted}")


async def postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
    """SSLRequest, answered with one letter."""
    if not writer.is_closing():
        writer.write(_POSTGRES_TLS)
    await writer.drain()
    try:
        letter = await reader.readexactly(1)
    except asyncio.IncompleteReadError:
        raise AnswerError(f"{peer} closed the connection, expected an answer of PostgreSQL") from None
    if letter == b"N":
        raise AnswerError(f"{peer} is a PostgreSQL server that offers no TLS")
    if letter != b"S":
        raise AnswerError(f"{peer} said {show(letter.decode(errors='replace'))}, expected an answer of PostgreSQL")
