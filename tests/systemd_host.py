"""A host of its own with a real systemd, for the length of a ``with``: this machine's programs, but its own files, processes and network.

It is a container of systemd-nspawn(1). Its file system is an overlay: this machine's root below, a tmpfs above, so that whatever happens
in it is forgotten. Mounts, processes and network stand in namespaces that no name holds: they end with the processes. All that must be
tidied away by hand is a control group and an empty folder. Root only.

Limits: the host has no network but loopback; limits of memory and processors are not enforced where the machine's controllers are those
of version 1; a control group cannot be delegated to it any deeper than its own.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support import missing, need, wait_until

CGROUPS = Path("/sys/fs/cgroup")
TARGET = "keepwell-host.target"

# What starts with the host: a bus, and nothing that this machine would start itself.
_TARGET_UNIT = """\
[Unit]
Requires=basic.target dbus.service
After=basic.target dbus.service
AllowIsolate=yes
"""

# Runs in fresh namespaces. /run is covered because nspawn leaves folders there.
_START = """
set -e
name=$1 folder=$2
shift 2
for group; do echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755,size=2g tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
cat >"$folder/root/etc/systemd/system/$TARGET"
echo "$name" >"$folder/root/etc/hostname"
rm -f "$folder/root/etc/machine-id" && : >"$folder/root/etc/machine-id"
ip link set lo up
exec systemd-nspawn --quiet --directory="$folder/root" --machine="$name" --boot --register=no --keep-unit --console=pipe \\
    --link-journal=no --resolv-conf=off --timezone=off systemd.unit="$TARGET" systemd.log_target=journal-or-kmsg </dev/null
"""

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


class SystemdHost:
    """A booted host. ``leader`` is the number, out here, of its systemd; ``name`` its host name."""

    def __init__(self, name: str, leader: int) -> None:
        self.name = name
        self.leader = leader

    def command(self, *argv: str | Path) -> list[str]:
        """What runs a program in the host as root, started from out here: its files, processes and network, a clean environment."""
        inside = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid"]
        return [*inside, "env", "-i", *(f"{name}={value}" for name, value in _ENVIRONMENT.items()), *map(str, argv)]

    def run(
        self, *argv: str | Path, text: str = "", user: str | None = None, check: bool = True, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program in the host to its end, as root or as a user of the host; ``text`` is its input.

        With ``check``, the test fails where the program does; it also fails where the program takes longer than ``seconds``.
        """
        prefix = () if user is None else ("runuser", "-u", user, "--")
        done = subprocess.run(
            self.command(*prefix, *argv), input=text, capture_output=True, text=True, errors="replace", check=False, timeout=seconds
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(map(str, argv))} ended with {done.returncode} in the host:\n{done.stdout}{done.stderr}")
        return done

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """Writes a file of the host as root; missing folders are made."""
        self.run("install", "-D", f"--mode={mode}", "/dev/stdin", path, text=text)

    def copy_in(self, folder: Path, path: str) -> None:
        """Copies a folder of this machine, whole, to a path of the host that does not exist yet; it belongs to root there."""
        self.run("mkdir", "-p", path)
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as packed:
            unpack = self.command("tar", "-C", path, "--no-same-owner", "-x")
            unpacked = subprocess.run(unpack, stdin=packed.stdout, capture_output=True, text=True, check=False, timeout=120)
        assert (packed.returncode, unpacked.returncode) == (0, 0), unpacked.stderr

    def systemctl(self, *arguments: str, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """``systemctl`` in the host."""
        return self.run("systemctl", "--no-pager", *arguments, check=check, seconds=seconds)

    def show(self, unit: str, *properties: str) -> list[str]:
        """The values of a unit's properties, in the order in which they are named."""
        lines = self.systemctl("show", unit, *(f"--property={name}" for name in properties)).stdout.splitlines()
        values = dict(line.split("=", 1) for line in lines)
        return [values[name] for name in properties]

    def journal(self, unit: str) -> str:
        """What the host's journal holds of a unit: the unit's own lines and systemd's about it."""
        return self.run("journalctl", "--no-pager", "--quiet", "--output=short-monotonic", f"--unit={unit}").stdout

    def start_program(self, unit: str, *argv: str, user: str = "root") -> None:
        """Starts a program in the background, as a transient unit of the host (systemd-run(1)). It ends with the host at the latest."""
        self.run("systemd-run", "--quiet", "--collect", f"--unit={unit}", f"--uid={user}", *argv)


@contextmanager
def booted(name: str = "host") -> Iterator[SystemdHost]:
    """Boots a host, hands it over, and kills it with everything in it. Takes about two seconds.

    The test is skipped (with CI=true: fails) where this machine cannot do it: not root, no systemd-nspawn, no control groups.
    """
    need("systemd-nspawn")
    need("ip")
    need("unshare")
    if os.geteuid() != 0:
        missing("a host with systemd needs root")
    full_name = f"{name}-{uuid.uuid4().hex[:8]}"
    groups = _control_groups(full_name)
    folder = Path(tempfile.mkdtemp(prefix="keepwell-host-"))
    try:
        with _started(full_name, folder, groups) as starter:
            yield SystemdHost(full_name, _leader(starter, folder))
    finally:
        for group in groups:
            wait_until(lambda group=group: _removed(group), 15, f"the end of the control group {group}")  # type: ignore[misc]
        shutil.rmtree(folder)


def _control_groups(name: str) -> list[Path]:
    """Makes an empty control group for the host: of version 2, or in the two hierarchies that systemd uses beside version 1."""
    places = [CGROUPS] if CGROUPS.joinpath("cgroup.controllers").exists() else [CGROUPS / "systemd", CGROUPS / "unified"]
    places = [place for place in places if place.joinpath("cgroup.procs").exists()]
    if not places:
        missing("a host with systemd needs control groups: /sys/fs/cgroup holds none that systemd uses")
    groups = [place / f"keepwell-{name}" for place in places]
    for group in groups:
        group.mkdir()
    return groups


@contextmanager
def _started(name: str, folder: Path, groups: Sequence[Path]) -> Iterator[subprocess.Popen[str]]:
    """The process that holds the namespaces; everything in them dies with it, and it with this process (PR_SET_PDEATHSIG, prctl(2))."""
    hold = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=private", "--net", "--pid", "--fork", "--kill-child"]
    argv: list[str | Path] = [*hold, "--mount-proc", "bash", "-c", _START, "start", name, folder, *groups]
    with folder.joinpath("log").open("w") as log:
        starter = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env={**os.environ, "TARGET": TARGET})
    try:
        assert starter.stdin is not None
        with suppress(BrokenPipeError), starter.stdin:
            starter.stdin.write(_TARGET_UNIT)
        yield starter
    finally:
        starter.kill()
        starter.wait()


def _leader(starter: subprocess.Popen[str], folder: Path) -> int:
    """Waits until the host is up; the number of its systemd out here: the child of nspawn, which is the child of the starter."""
    found: list[int] = []

    def is_up() -> bool:
        if starter.poll() is not None:
            pytest.fail(f"the host did not start: {folder.joinpath('log').read_text()}")
        found[:] = [number for nspawn in _children(starter.pid) for number in _children(nspawn)]
        return len(found) == 1 and _is_active(found[0])

    wait_until(is_up, 60, "a host with systemd")
    return found[0]


def _is_active(leader: int) -> bool:
    asked = subprocess.run(SystemdHost("", leader).command("systemctl", "is-active", TARGET), capture_output=True, check=False, timeout=30)
    return asked.returncode == 0


def _children(number: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    return []


def _removed(group: Path) -> bool:
    """Removes a control group with those below it, which goes when the last of its processes is gone; whether it is gone."""
    for path, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            os.rmdir(path)
    return not group.exists()
