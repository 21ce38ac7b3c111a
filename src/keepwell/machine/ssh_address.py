"""Whom to reach by SSH, and how both sides are known."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SshAddress:
    """Whom to connect to as whom, and how both sides are known: ``identity`` is a private key's path (None: the agent and the usual
    files below ``~/.ssh``), ``known_hosts`` the path of the hosts' keys. ``jump`` is the host to go through."""

    user: str
    host: str
    port: int = 22
    identity: str | None = None
    known_hosts: str = "~/.ssh/known_hosts"
    jump: "SshAddress | None" = None

    @property
    def text(self) -> str:
        """``user@host:port`` as sentences name it; the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}" + (f":{self.port}" if self.port != 22 else "")

    @property
    def keys(self) -> tuple[str, ...]:
        """The paths of private keys, ``~`` resolved; empty where none was named."""
        return (os.path.expanduser(self.identity),) if self.identity is not None else ()

    @property
    def known_hosts_file(self) -> Path:
        """The file of known hosts, ``~`` resolved."""
        return Path(os.path.expanduser(self.known_hosts))
