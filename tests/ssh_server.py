"""A real sshd on a free port of loopback, for the length of a ``with``: its own host key, one user key, no PAM, nothing left behind."""

import getpass
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh

from keepwell.machine.ssh_address import SshAddress
from tests.support import free_port, need, wait_until

_CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
LogLevel ERROR
MaxSessions 20
{more}
"""
_PRIVILEGES = Path("/run/sshd")


class SshServer:
    """A running sshd. ``folder`` holds its keys, ``known_hosts`` its host key as a client knows it."""

    def __init__(self, folder: Path, port: int, more: str = "") -> None:
        self.folder, self.port = folder, port
        self.user = getpass.getuser()
        self._process: subprocess.Popen[bytes] | None = None
        self.renew_host_key()
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / "user_key")
        folder.joinpath("user_key").chmod(0o600)
        folder.joinpath("authorized_keys").write_bytes(key.export_public_key())
        self.trust()
        folder.joinpath("sshd_config").write_text(_CONFIGURATION.format(port=port, folder=folder, more=more))

    def renew_host_key(self) -> None:
        """Gives it a new host key, in force after the next start."""
        host = asyncssh.generate_private_key("ssh-ed25519")
        host.write_private_key(self.folder / "host_key")
        self.folder.joinpath("host_key").chmod(0o600)
        self.fingerprint = host.get_fingerprint()
        self._public = host.export_public_key().decode().strip()

    def trust(self) -> None:
        """Writes known_hosts with its present host key."""
        self.folder.joinpath("known_hosts").write_text(f"[127.0.0.1]:{self.port} {self._public}\n")

    @property
    def address(self) -> SshAddress:
        """How to connect to it."""
        return SshAddress(self.user, "127.0.0.1", self.port, str(self.folder / "user_key"), str(self.folder / "known_hosts"))

    @property
    def process(self) -> int:
        """The number of the listening process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until it listens."""
        log = self.folder.joinpath("log").open("ab")
        with log:
            argv = [need("sshd"), "-D", "-e", "-f", self.folder / "sshd_config"]
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._answers, 10, f"an sshd that answers: {self.folder.joinpath('log').read_text()}")

    def stop(self) -> None:
        """Kills it and every session of it."""
        if self._process is None:
            return
        for number in [*_below(self._process.pid), self._process.pid]:
            try:
                os.kill(number, 9)
            except ProcessLookupError:
                continue
        self._process.wait()
        self._process = None

    def sessions(self) -> list[int]:
        """The processes that serve its connections."""
        return _below(self.process)

    def _answers(self) -> bool:
        import socket

        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False


def _below(number: int) -> list[int]:
    """The processes below one, deepest last; what a session started goes on by itself, as it would on another host."""
    try:
        children = [int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    except OSError:
        return []
    sessions = [child for child in children if Path(f"/proc/{child}/comm").read_text().strip().startswith("sshd")]
    return [found for child in sessions for found in [*_below(child), child]]


@contextmanager
def ssh_server(more: str = "") -> Iterator[SshServer]:
    """An sshd that runs; ``more`` are lines of its configuration."""
    need("sshd")
    made = os.geteuid() == 0 and not _PRIVILEGES.exists()
    if made:
        _PRIVILEGES.mkdir(mode=0o755)
    with tempfile.TemporaryDirectory(prefix="keepwell-sshd-") as folder:
        server = SshServer(Path(folder), free_port(), more)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            if made:
                _PRIVILEGES.rmdir()
