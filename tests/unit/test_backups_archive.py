"""What goes into an archive and comes out again: hostile names, files that change meanwhile, patterns."""

import io
import os
import socket
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.backups.archive.layout import read_member
from keepwell.rooms.backups.archive.packing import Packer
from keepwell.rooms.backups.model import Member, MemberKind
from keepwell.rooms.backups.source import LeftOut, Seen
from keepwell.rooms.backups.sources.files import FilesOptions, seen


def packed(*everything: Seen | LeftOut) -> tuple[bytes, list[Member], Packer]:
    archive, members = io.BytesIO(), io.BytesIO()
    packer = Packer(archive, members)
    packer.pack(everything)
    return archive.getvalue(), [read_member(line) for line in members.getvalue().splitlines()], packer


def of(*paths: Path, exclude: tuple[str, ...] = ()) -> list[Seen | LeftOut]:
    return list(seen(FilesOptions(paths=tuple(map(str, paths)), exclude=exclude), ()))


def names(found: list[Seen | LeftOut], root: Path) -> list[str]:
    return [os.path.relpath(one.path, root) for one in found if isinstance(one, Seen)]


@pytest.mark.parametrize(
    "name", ["plain", "sp ace", "new\nline", "täg", "x" * 255, "-rf", "*", b"\xff\xfe".decode("utf-8", "surrogateescape")]
)
def test_any_name_comes_back(tmp_path: Path, name: str) -> None:
    (tmp_path / ("d" * 100) / ("e" * 100)).mkdir(parents=True)
    path = tmp_path / ("d" * 100) / ("e" * 100) / name
    path.write_bytes(b"content")
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    data, members, _ = packed(*of(path))
    assert members[0].path == str(path).lstrip("/")
    assert members[0].mtime == 1_700_000_000_123_456_789
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
        (info,) = tar.getmembers()
        assert info.name == members[0].path
        content = tar.extractfile(info)
        assert content is not None
        assert content.read() == b"content"
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xf", "-", "-C", str(tmp_path / "out")], input=data, check=True)
    out = tmp_path / "out" / str(path).lstrip("/")
    assert (out.read_bytes(), out.stat().st_mtime_ns) == (b"content", members[0].mtime)


def test_what_is_left_out_is_what_tar_leaves_out(tmp_path: Path) -> None:
    for name in ("a.log", "a.log.1", "logs/b.log.2", "logs/keep", "cache/x", "my.tmp", "deep/cache/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    patterns = (f"{tmp_path}/*.log.*", "*.tmp", "cache")
    ours = sorted(f"{tmp_path}/{name}" for name in names(of(tmp_path, exclude=patterns), tmp_path) if (tmp_path / name).is_file())
    command = ["tar", "-cPf", "-", *(f"--exclude={pattern}" for pattern in patterns), str(tmp_path)]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        theirs = sorted(f"/{info.name.lstrip('/')}" for info in tar if info.isfile())
    assert ours == theirs == [f"{tmp_path}/a.log", f"{tmp_path}/logs/keep"]


def test_paths_inside_of_others_come_once_and_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to("/etc")
    assert names(of(tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / ""), tmp_path) == ["a", "a/b", "a/link"]


@pytest.mark.parametrize("path", ["relative", "/etc/../etc"])
def test_paths_are_from_the_root(path: str) -> None:
    with pytest.raises(ValueError, match="a path from the root"):
        FilesOptions(paths=(path,))


def test_a_socket_is_left_out_and_said(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        found = of(tmp_path)
    assert [one.sentence for one in found if isinstance(one, LeftOut)] == [f'"{tmp_path}/s" is a socket']


class Changing:
    """A sink that changes the file when its bytes begin to come."""

    def __init__(self, path: Path, change: str, times: int) -> None:
        self.data, self._path, self._change, self._times = io.BytesIO(), path, change, times

    def write(self, data: bytes) -> int:
        if len(data) > 1000 and self._times:
            self._times -= 1
            if self._change == "grows":
                with self._path.open("ab") as file:
                    file.write(b"more\n")
            elif self._change == "is cut":
                os.truncate(self._path, 10)
            else:
                with self._path.open("r+b") as file:
                    file.write(os.urandom(10))
                os.utime(self._path, ns=(1, 1_000_000_000 + self._times))
        return self.data.write(data)


@pytest.mark.parametrize(
    ("change", "times", "wanted"),
    [
        ("grows", 1, [("", 3_000_000)]),
        ("is rewritten", 1, [("superseded", 3_000_000), ("", 3_000_000)]),
        ("is rewritten", 99, [("superseded", 3_000_000), ("superseded", 3_000_000), ("changed", 3_000_000)]),
        ("is cut", 1, [("superseded", 3_000_000), ("", 10)]),
    ],
)
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: str, times: int, wanted: list[tuple[str, int]]) -> None:
    path = tmp_path / "busy"
    path.write_bytes(os.urandom(3_000_000))
    sink, members = Changing(path, change, times), io.BytesIO()
    totals = Packer(sink, members).pack([Seen(str(path), path.lstat())])
    found = [read_member(line) for line in members.getvalue().splitlines()]
    assert [("superseded" if one.superseded else "changed" if one.changed else "", one.size) for one in found] == wanted
    assert totals.files == 1
    assert totals.changed == (wanted[-1][0] == "changed")
    unpacked = subprocess.run(["tar", "-xO"], input=sink.data.getvalue(), capture_output=True, check=True)
    assert len(unpacked.stdout) == sum(size for _, size in wanted)


def test_a_file_that_goes_away_is_said_and_one_that_may_not_be_read_ends_it(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.write_text("x")
    found = Seen(str(gone), gone.lstat())
    gone.unlink()
    members = packed(found)[1]
    assert members == []
    with pytest.raises(AnswerError, match="does not exist"):
        of(tmp_path / "never")


def test_it_ends_between_two_files_when_it_shall(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    stop = threading.Event()

    def ask() -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with pytest.raises(KeyboardInterrupt):
        Packer(io.BytesIO(), io.BytesIO(), ask).pack(of(tmp_path))


def test_kinds_of_members(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.link(tmp_path / "file", tmp_path / "second")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "z").symlink_to("file")
    kinds = {one.path.rpartition("/")[2]: (one.kind, one.target) for one in packed(*of(tmp_path))[1][1:]}
    assert kinds == {
        "file": (MemberKind.FILE, ""),
        "second": (MemberKind.HARD_LINK, f"{tmp_path}/file".lstrip("/")),
        "pipe": (MemberKind.PIPE, ""),
        "z": (MemberKind.LINK, "file"),
    }
