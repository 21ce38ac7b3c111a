"""The ``tcp`` kind: whether a port accepts connections, how quickly, and, where asked, what it says first or answers."""

import asyncio
import time
from typing import Annotated, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AskError
from keepwell.kernel.states import State
from keepwell.ports.host import Host
from keepwell.rooms.checks.connections import Connected, address_text, dial, split_address, target_address
from keepwell.rooms.checks.limits import SecondsLimit, Verdict, WarnsBeforeItFails, judge, together
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show

_READ_LIMIT = 4096


class TcpOptions(WarnsBeforeItFails):
    """A port and what is expected of it. Exactly one of address and target."""

    address: ExpandedText | None = None
    """``host:port`` or ``[IPv6]:port``. ``${VAR}`` is replaced from the environment."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target; its url gives host and port (80 or 443 where the url has none)."""
    send: str | None = Field(default=None, min_length=1)
    """Text (UTF-8) to send once connected, for example ``"PING\\r\\n"``. It may change something, so it is sent only when accepted."""
    expect: str | None = Field(default=None, min_length=1)
    """Text that the first 4096 bytes of the answer (or of the greeting, without ``send``) must contain."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where connecting (without name resolution) takes so long, for example ``> 100ms``. No limit is usual."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where connecting takes so long. Without it only the check's timeout counts."""

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if (self.address is None) == (self.target is None):
            raise ValueError("give exactly one of address (host:port) and target")
        if self.address is not None and "${" not in self.address:
            split_address(self.address)
        return self


async def probe(options: TcpOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Connects, then sends and listens where asked. Raises AnswerError and AskError as ``connections.dial`` does."""
    name, port = _address(options, target)
    deadline = asyncio.get_running_loop().time() + timeout
    connected = await dial(name, port, deadline)
    values = {"dns_seconds": connected.dns, "connect_seconds": connected.connect}
    peer = address_text(name, port)
    seen = f"{peer} accepted a connection in {describe(connected.connect, Unit.SECONDS)}"
    verdicts = [judge(seen, connected.connect, options.warn, options.fail)]
    if options.send is None and options.expect is None:
        connected.socket.close()
    else:
        started = time.monotonic()
        verdicts.append(await _converse(options, connected, peer, deadline))
        values["answer_seconds"] = time.monotonic() - started
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


def _address(options: TcpOptions, target: Target | None) -> tuple[str, int]:
    if options.address is None:
        return target_address(target)[:2]
    try:
        return split_address(options.address)
    except ValueError as error:
        raise AskError(str(error)) from None


async def _converse(options: TcpOptions, connected: Connected, peer: str, deadline: float) -> Verdict:
    """Sends the text and reads until the expected text came, the other side closed, or the limit or the deadline is reached."""
    wanted = (options.expect or "").encode()
    received = bytearray()
    reader, writer = await asyncio.open_connection(sock=connected.socket)
    writer.transport.set_write_buffer_limits(0)  # drain waits until everything is handed to the kernel
    try:
        async with asyncio.timeout_at(deadline):
            if not writer.is_closing():
                writer.write((options.send or "").encode())
            await writer.drain()
            while wanted not in received and len(received) < _READ_LIMIT:
                part = await reader.read(_READ_LIMIT - len(received))
                if not part:
                    return _missed(options, received, f"{peer} closed the connection after")
                received += part
    except TimeoutError:
        return _missed(options, received, f"{peer} sent in time")
    except OSError:
        return _missed(options, received, f"{peer} broke the connection after")
    finally:
        if writer.transport.get_write_buffer_size():
            writer.transport.abort()
        writer.close()
    if wanted in received:
        return Verdict(State.OK, f"it said {show(_text(received))}" if wanted else f"it took {len(options.send or '')} characters")
    return _missed(options, received, f"{peer} sent")


def _missed(options: TcpOptions, received: bytearray, how: str) -> Verdict:
    said = show(_text(received)) if received else "nothing"
    return Verdict(State.FAIL, f"{how} {said}, expected {show(options.expect or '')}")


def _text(received: bytearray) -> str:
    return received.decode(errors="replace").rstrip()


def runs_text(options: TcpOptions) -> str:
    """What is sent and to whom, where something is sent: that may change something. Otherwise empty."""
    if options.send is None:
        return ""
    return f"connect to {options.address or f'target {options.target}'} and send:\n{options.send}"


DRIVER = Probe(
    summary="Whether a port accepts connections, how quickly, and what it says",
    options=TcpOptions,
    probe=probe,
    runs_text=runs_text,
    values={
        "dns_seconds": "how long the name took to be resolved",
        "connect_seconds": "how long connecting took",
        "answer_seconds": "how long the expected text took to come",
    },
    example="""\
checks:
  mail-port:
    tcp: {address: "mail.example.org:25", expect: "220 ", warn: "> 200ms"}
    every: 1m
""",
)
