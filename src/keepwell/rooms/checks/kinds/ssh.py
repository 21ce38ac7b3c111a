"""The ``ssh`` kind: whether an SSH server answers, as what, and with which host key. Nobody logs in.

The identification comes first (RFC 4253 section 4.2); where keys are expected, a second connection exchanges keys up to the point at which
the server has proved its own, and ends there.
"""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine.network_errors import socket_fault
from keepwell.ports.host import Host
from keepwell.rooms.checks.connections import address_text, dial, target_address, within
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show

if TYPE_CHECKING:
    import asyncssh

_MOST_LINES = 50
_LINE = 255  # RFC 4253 section 4.2
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_ALGORITHM = r"^[a-z0-9@.-]{1,64}$"
_MISSING = "looking at host keys needs asyncssh, which is not installed: pip install 'keepwell[ssh]'"


class SshOptions(SecondsLimits):
    """An SSH server. Exactly one of host and target."""

    host: ExpandedText | None = Field(default=None, min_length=1)
    """Name or address of the server. ``${VAR}`` is replaced from the environment."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target; the host of its url is asked."""
    port: int = Field(default=22, ge=1, le=65535)
    """Port."""
    banner: str | None = Field(default=None, min_length=1)
    """Text that the identification contains, for example ``OpenSSH_9``."""
    algorithm: str | None = Field(default=None, pattern=_ALGORITHM)
    """The algorithm of the host key that is asked for, for example ``ssh-ed25519``; a server that has none of it fails."""
    fingerprints: tuple[str, ...] = ()
    """The fingerprints that the host key may have, as ``ssh-keygen -l`` prints them: ``[SHA256:...]``. With algorithm it is one of that."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.host is None) == (self.target is None):
            raise ValueError("give exactly one of host and target")
        if self.host is not None and ("/" in self.host or self.host.count(":") == 1):
            raise ValueError(f"host is a name or an address alone, not {show(self.host)}: a port stands in port")
        if wrong := next((text for text in self.fingerprints if not _FINGERPRINT.fullmatch(text)), None):
            raise ValueError(f"{show(wrong)} is no fingerprint: write it as ssh-keygen -l prints it, SHA256: and 43 characters")
        return self


async def probe(options: SshOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Reads the identification, and the host key where one is expected."""
    name = options.host.strip("[]") if options.host is not None else target_address(target)[0]
    deadline = asyncio.get_running_loop().time() + timeout
    peer = address_text(name, options.port)
    said, values = await _identification(name, options.port, peer, deadline)
    took = values["banner_seconds"]
    seen = f"{peer} introduced itself as {show(said)} in {describe(took, Unit.SECONDS)}"
    verdicts = [judge(seen, took, options.warn, options.fail)]
    if not said.startswith(("SSH-2.0-", "SSH-1.99-")):
        verdicts.append(Verdict(State.FAIL, "it does not speak version 2 of SSH"))
    if options.banner is not None and options.banner not in said:
        verdicts.append(Verdict(State.FAIL, f"its identification does not contain {show(options.banner)}"))
    if options.fingerprints or options.algorithm is not None:
        verdicts.append(await _host_key(options, name, peer, deadline))
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


async def _identification(name: str, port: int, peer: str, deadline: float) -> tuple[str, dict[str, float]]:
    """The line that begins with SSH-; a server may say other lines before it."""
    connected = await dial(name, port, deadline)
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(sock=connected.socket, limit=4 * _LINE)
    try:
        async with within(deadline, lambda: AnswerError(f"{peer} did not introduce itself in time")):
            for _ in range(_MOST_LINES):
                line = (await reader.readuntil(b"\n")).decode(errors="replace").rstrip("\r\n")
                if line.startswith("SSH-"):
                    return line[:_LINE], {"connect_seconds": connected.connect, "banner_seconds": time.monotonic() - started}
        raise AnswerError(f"{peer} says {_MOST_LINES} lines and none that introduces an SSH server")
    except asyncio.IncompleteReadError as error:
        words = f" after {show(error.partial.decode(errors='replace'))}" if error.partial else " without a word"
        raise AnswerError(f"{peer} closed the connection{words}, expected an SSH server") from None
    except asyncio.LimitOverrunError:
        raise AnswerError(f"{peer} sends a line without end, expected an SSH server") from None
    except OSError as error:
        raise socket_fault(peer, error) from error
    finally:
        writer.transport.abort()


async def _host_key(options: SshOptions, name: str, peer: str, deadline: float) -> Verdict:
    key = await _shown_key(options, name, peer, deadline)
    if key is None:
        return Verdict(State.FAIL, f"{peer} shows no host key")
    algorithm, fingerprint = key.get_algorithm(), key.get_fingerprint("sha256")
    seen = f"its host key is {show(algorithm)[1:-1]} {fingerprint}"
    if options.fingerprints and fingerprint not in {text.rstrip("=") for text in options.fingerprints}:
        return Verdict(State.FAIL, f"{seen}, expected {' or '.join(options.fingerprints[:3])}")
    return Verdict(State.OK, f"{seen}{', as expected' if options.fingerprints else ''}")


async def _shown_key(options: SshOptions, name: str, peer: str, deadline: float) -> "asyncssh.SSHKey | None":
    try:
        import asyncssh
    except ImportError:
        raise AskError(_MISSING) from None
    connected = await dial(name, options.port, deadline)
    wanted: dict[str, Any] = {"server_host_key_algs": [options.algorithm]} if options.algorithm is not None else {}
    try:
        async with within(deadline, lambda: AnswerError(f"{peer} did not show its host key in time")):
            return await asyncssh.get_server_host_key(sock=connected.socket, config=None, **wanted)
    except (asyncssh.Error, ConnectionError, EOFError, UnicodeError) as error:  # sshd without such a key just closes the connection
        what = f" of {options.algorithm}" if options.algorithm is not None else ""
        raise AnswerError(f"{peer} shows no host key{what}: {show(str(error))}") from error
    except OSError as error:
        raise socket_fault(peer, error) from error
    except ValueError as error:
        raise AskError(f"{options.algorithm} is no algorithm that can be asked for: {show(str(error))}") from error
    finally:
        connected.socket.close()


DRIVER = Probe(
    summary="Whether an SSH server answers, as what, and with which host key",
    options=SshOptions,
    probe=probe,
    values={
        "connect_seconds": "how long connecting took",
        "banner_seconds": "how long until the server introduced itself",
    },
    example="""\
checks:
  ssh-of-web1:
    ssh:
      host: web1.example.org
      algorithm: ssh-ed25519
      fingerprints: ["SHA256:EYQsg/XGaxV9DJBwlJTFPjoQ40HF+jL9MbzHP6+rGTY"]
    every: 10m
""",
)
