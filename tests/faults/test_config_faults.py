"""Operations directories that cannot be read: one clear sentence each, and nothing is executed or waited for."""

import os
import resource
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.config.acceptance import Executable, accept_in, read_acceptances
from keepwell.config.operations import load
from keepwell.config.yaml_reader import read_yaml
from keepwell.kernel.problems import ConfigurationError
from tests.unit.config_rooms import HEAD, loaded, sections


def refused(directory: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(directory, sections(), {})
    assert len(caught.value.problems) == 1
    problem = caught.value.problems[0]
    assert problem.where
    assert "\n" not in problem.message
    return problem.message


def test_a_missing_directory(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == f"the directory {tmp_path}/none does not exist"


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(HEAD)
    assert refused(tmp_path / "file") == f"{tmp_path}/file is not a directory"


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}/keepwell.yaml does not exist"


def test_a_name_that_is_too_long_or_impossible(tmp_path: Path) -> None:
    assert refused(tmp_path / ("x" * 5000))
    assert refused(Path("a\x00b"))


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "~\n", "\ufeff"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "keepwell.yaml").write_text(text)
    assert refused(tmp_path) == f"{tmp_path}/keepwell.yaml is empty"


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").mkdir()
    assert refused(tmp_path) == f"{tmp_path}/keepwell.yaml is a directory"


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keepwell.yaml")
    assert refused(tmp_path) == f"{tmp_path}/keepwell.yaml is no regular file"


def test_a_socket_in_place_of_the_file(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "keepwell.yaml"))
        assert refused(tmp_path) == f"{tmp_path}/keepwell.yaml is no regular file"


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A directory of a user who is not root, who runs the test."""
    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)
            os.chmod(name, 0o700)


def test_an_unreadable_file(ordinary_user: Path) -> None:
    (ordinary_user / "keepwell.yaml").write_text(HEAD)
    (ordinary_user / "keepwell.yaml").chmod(0)
    assert refused(ordinary_user) == f"{ordinary_user}/keepwell.yaml cannot be read: Permission denied"


def test_an_unreadable_directory(ordinary_user: Path) -> None:
    (ordinary_user / "keepwell.yaml").write_text(HEAD)
    ordinary_user.chmod(0)
    assert refused(ordinary_user) == f"{ordinary_user} cannot be read: Permission denied"


def test_acceptances_that_cannot_be_read_or_written(ordinary_user: Path) -> None:
    executable = Executable("checks/a", "true", "", "local", "keeper")
    ordinary_user.chmod(0o500)
    with pytest.raises(ConfigurationError, match=r"accepted\.yaml cannot be written: Permission denied"):
        accept_in(ordinary_user, [executable], by="ada", at=datetime(2026, 11, 22, tzinfo=UTC))
    ordinary_user.chmod(0o700)
    accept_in(ordinary_user, [executable], by="ada", at=datetime(2026, 11, 22, tzinfo=UTC))
    (ordinary_user / "accepted.yaml").chmod(0)
    with pytest.raises(ConfigurationError, match=r"accepted\.yaml cannot be read: Permission denied"):
        read_acceptances(ordinary_user)


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").symlink_to("keepwell.yaml")
    assert "keepwell.yaml" in refused(tmp_path)


def test_fifty_megabytes_are_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "keepwell.yaml").open("wb") as file:
        file.write(HEAD.encode())
        file.truncate(50_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    message = refused(tmp_path)
    assert message == f"{tmp_path}/keepwell.yaml is too large: 50000000 bytes, and at most 10000000 are read"
    assert time.process_time() - start < 5  # reading it whole would take a minute
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # kB


def test_a_device_is_not_read() -> None:
    with pytest.raises(ConfigurationError, match="/dev/zero is no regular file"):
        read_yaml(Path("/dev/zero"))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 9_000_000,
        b"{" * 9_000_000,
        b"- " * 4_000_000,
        b"? " * 4_000_000,
        b"a: &a\n" + b"- " * 100_000,
        b"!" * 9_000_000,
        b"'" + b"x" * 9_000_000,
        b"&" * 9_000_000,
        b"a" * 9_000_000,
        b"x: " + b"9" * 9_000_000,
        b"# " + b"x" * 9_000_000,
        b"\n" * 9_000_000,
        b"k: v\n" * 1_800_000,
    ],
    ids=lambda data: repr(data[:6]),
)
def test_large_and_hostile_files_end_soon_and_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "keepwell.yaml").write_bytes(data)
    start = time.process_time()
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, sections(), {})
    assert time.process_time() - start < 10
    assert len(caught.value.problems) <= 101
    assert all(len(problem.message) < 500 for problem in caught.value.problems)


def test_ten_thousand_wrong_entries_end_soon(tmp_path: Path) -> None:
    body = "".join(f"  p{number}: {{watr: 5, every: 5, was: p{number + 1}}}\n" for number in range(10_000))
    start = time.process_time()
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, HEAD + "plants:\n" + body)
    assert len(caught.value.problems) == 101
    assert time.process_time() - start < 20


def test_a_long_chain_of_references_is_no_circle(tmp_path: Path) -> None:
    body = "".join(f"  p{number}: {{beside: [p{number + 1}]}}\n" for number in range(5000))
    operations = loaded(tmp_path, HEAD + f"places:\n{body}  p5000: {{}}\n")
    assert len(operations.entries("places")) == 5001


def test_nothing_in_a_file_executes(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    hostile = f"keepwell: !!python/object/apply:os.system ['touch {proof}']\nservice: !!python/name:os.system\n"
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, hostile)
    assert [problem.code for problem in caught.value.problems].count("config.tag") == 2
    assert not proof.exists()


def test_no_secret_is_resolved(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    operations = loaded(tmp_path, HEAD + f"places: {{bed: {{key: 'secret:command:touch {proof}'}}}}\n")
    assert operations.options("places")["bed"].key == f"secret:command:touch {proof}"
    assert not proof.exists()
