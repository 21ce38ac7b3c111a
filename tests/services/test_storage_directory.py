"""The data directory: its place, its lock, its socket."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from keepwell.kernel.problems import StorageError
from keepwell.storage.directory import DataDirectory, bind_unix, connect_path, default_data_directory

HOLDER = """
import sys
from keepwell.storage.directory import DataDirectory
lock = DataDirectory(sys.argv[1]).lock()
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(
    ("environment", "is_root", "expected"),
    [
        ({"XDG_DATA_HOME": "/x"}, True, "/var/lib/keepwell"),
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, False, "/x/keepwell"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/h"}, False, "/h/.local/share/keepwell"),
        ({"HOME": "/h"}, False, "/h/.local/share/keepwell"),
    ],
)
def test_the_default(environment: dict[str, str], is_root: bool, expected: str) -> None:
    assert default_data_directory(environment, is_root) == Path(expected)


def test_the_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "a" / "b")
    assert directory.running_pid() is None
    with directory.lock():
        assert directory.path.stat().st_mode & 0o777 == 0o700
    assert (directory.database.name, directory.socket.name, directory.token.name) == ("keepwell.sqlite", "keepwell.sock", "token")


def test_a_directory_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(StorageError, match="every user may write"):
        DataDirectory(tmp_path).lock()


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made: Not a directory"):
        DataDirectory(tmp_path / "file" / "data").lock()


def test_one_process_at_a_time_and_kill_minus_nine_frees_it(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(directory.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert directory.running_pid() == holder.pid
        with pytest.raises(StorageError, match=f"in use by process {holder.pid}") as caught:
            directory.lock()
        assert "keepwell status" in caught.value.problems[0].hint
    finally:
        holder.kill()
        holder.communicate()
    assert directory.running_pid() is None
    with directory.lock() as lock:
        assert directory.running_pid() == os.getpid()
        lock.release()
        assert directory.running_pid() is None


@pytest.mark.parametrize("depth", [0, 20])
def test_sockets_work_however_deep_the_directory(tmp_path: Path, depth: int) -> None:
    path = tmp_path.joinpath(*["a-long-name"] * depth) / "keepwell.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):  # the second time over the first's dead socket
        with bind_unix(path) as server, socket.socket(socket.AF_UNIX) as client:
            assert path.stat().st_mode & 0o777 == 0o600
            server.listen()
            with connect_path(path) as address:
                client.connect(address)
            accepted = server.accept()[0]
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"
            accepted.close()


def test_a_file_in_the_sockets_way_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "keepwell.sock"
    path.write_text("precious")
    with pytest.raises(StorageError, match="in the way"):
        bind_unix(path)
    assert path.read_text() == "precious"
    with pytest.raises(StorageError, match="cannot be made"):
        bind_unix(tmp_path / "absent" / "keepwell.sock")
