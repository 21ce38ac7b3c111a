"""A real dockerd of its own for the length of a ``with``: a private network namespace, its own folders, one small image. Root only."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import missing, wait_until

IMAGE = "keepwell-tools:1"
_PROGRAMS = ("sh", "sleep", "cat", "head", "timeout", "env", "stat", "ls", "dd", "true", "false", "yes", "printf", "date")
_PLACES = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")


class Docker:
    """A running daemon; ``environment`` makes the client talk to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: Mapping[str, str] = {**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": str(folder)}

    def run(self, *arguments: str, check: bool = True) -> str:
        """``docker ARGUMENTS``; what it prints."""
        done = subprocess.run(["docker", *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def import_image(self, name: str = IMAGE) -> None:
        """Makes an image of a few programs of this machine and what they are linked to."""
        tree = self.folder / "tree"
        (tree / "tmp").mkdir(parents=True, exist_ok=True)
        for program in _PROGRAMS:
            path = Path(shutil.which(program) or f"/bin/{program}").resolve()
            for source, target in [(path, tree / "bin" / program), *((Path(one), tree / one.lstrip("/")) for one in _linked(path))]:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        packed = subprocess.run(["tar", "-C", tree, "-c", "."], capture_output=True, check=True, timeout=60).stdout
        argv = ["docker", "import", "--change", 'ENV PATH="/bin"', "-", name]
        subprocess.run(argv, env=self.environment, input=packed, capture_output=True, check=True, timeout=60)


def _linked(program: Path) -> list[str]:
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.splitlines()
    words = [word for line in lines for word in line.split() if word.startswith("/")]
    return list(dict.fromkeys(words))


@contextmanager
def docker_daemon() -> Iterator[Docker]:
    """Starts dockerd and waits until it answers; kills it with everything in it. Skips where this machine cannot."""
    dockerd = shutil.which("dockerd", path=os.pathsep.join([os.environ["PATH"], *_PLACES]))
    if dockerd is None or shutil.which("docker") is None:
        missing("dockerd is not installed (Debian's docker.io, which make deps leaves out: it is large, and starts a service)")
    if os.geteuid() != 0:
        missing("dockerd needs root")
    with tempfile.TemporaryDirectory(prefix="keepwell-docker-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        docker = Docker(folder)
        argv = [
            *("unshare", "--net", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("sh", "-c", 'ip link set lo up; exec "$0" "$@"', dockerd or "", f"--cgroup-parent={folder.name}"),
            *(f"--{option}={folder}/{place}" for option, place in (("data-root", "data"), ("exec-root", "exec"), ("pidfile", "pid"))),
            f"--host=unix://{folder}/docker.sock",
            *("--storage-driver=overlay2", "--default-ulimit=nofile=10000:10000"),
        ]
        log = folder.joinpath("log").open("wb")
        with log, subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as daemon:
            try:
                wait_until(lambda: _answers(docker, daemon), 40, "a dockerd that answers")
                docker.import_image()
                yield docker
            finally:
                _stop(docker, daemon)
                wait_until(lambda: _without_groups(folder.name), 10, "the end of its control groups")


def _answers(docker: Docker, daemon: subprocess.Popen[bytes]) -> bool:
    if daemon.poll() is not None:
        missing(f"dockerd does not run here: {docker.folder.joinpath('log').read_text()[-1500:]}")
    return subprocess.run(["docker", "info"], env=docker.environment, capture_output=True, check=False, timeout=30).returncode == 0


def _stop(docker: Docker, daemon: subprocess.Popen[bytes]) -> None:
    running = docker.run("ps", "--all", "--quiet", check=False).split()
    if running and daemon.poll() is None:
        docker.run("rm", "--force", *running, check=False)
    for child in Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGTERM)  # dockerd itself: unshare only waits for it
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()


def _without_groups(name: str) -> bool:
    """Removes the control groups that Docker leaves, in each hierarchy; whether none is left."""
    groups = [*Path("/sys/fs/cgroup").glob(name), *Path("/sys/fs/cgroup").glob(f"*/{name}")]
    for group in groups:
        for path, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                os.rmdir(path)
    return not any(group.exists() for group in groups)
