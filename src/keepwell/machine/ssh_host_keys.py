"""Whether the host that answered is the one that was meant: its key against known_hosts, and what to say where it is another."""

import asyncio
import shlex
from pathlib import Path
from typing import Any

import asyncssh

from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted

from .ssh_address import SshAddress

_LARGEST = 4 * 1024 * 1024


class HostKeys:
    """The keys that are known for one address. ``refusal`` says why the host's key was refused, where it was."""

    def __init__(self, address: SshAddress, text: str) -> None:
        self.refusal = ""
        self._address = address
        try:
            self.known = asyncssh.import_known_hosts(text)
        except ValueError as error:
            raise AskError(f"{address.known_hosts} cannot be read as a list of known hosts: {error}") from None

    @classmethod
    async def read(cls, address: SshAddress) -> "HostKeys":
        """Reads the file; a missing one knows no host. Raises AskError where it cannot be read."""
        try:
            text = await asyncio.to_thread(_text, address.known_hosts_file)
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise AskError(f"{address.known_hosts} cannot be read: {reason}") from None
        return cls(address, text)

    def client(self) -> "asyncssh.SSHClient":
        """What asyncssh asks about a key that known_hosts does not hold for this host."""
        return _Client(self)

    def refuse(self, key: Any) -> None:
        """Notes why this key is not accepted, and what a person can do."""
        fingerprint, kind = key.get_fingerprint(), key.get_algorithm()
        address = self._address
        if self._expects_another():
            self.refusal = (
                f"its host key is another one than {address.known_hosts} holds (now {kind} {fingerprint}): somebody may be listening, or "
                f"it was installed anew; where that is so, remove the old key: ssh-keygen -R {quoted(_name(address))[1:-1]}"
            )
            return
        scan = shlex.join(["ssh-keyscan", *(["-p", str(address.port)] if address.port != 22 else []), address.host])
        self.refusal = (
            f"its host key is not known ({kind} {fingerprint}): compare this fingerprint on the host itself, then add the key to "
            f"{address.known_hosts}, for example with {scan}"
        )

    def _expects_another(self) -> bool:
        return bool(self.known.match(self._address.host, self._address.host, self._address.port)[0])


class _Client(asyncssh.SSHClient):
    def __init__(self, keys: HostKeys) -> None:
        self._keys = keys

    def validate_host_public_key(self, host: str, addr: str, port: int, key: Any) -> bool:
        """Asked only where known_hosts does not hold the key: it is refused."""
        self._keys.refuse(key)
        return False


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST).decode()


def _name(address: SshAddress) -> str:
    return address.host if address.port == 22 else f"'[{address.host}]:{address.port}'"
