"""Commands as the text of a shell: what ``sh`` makes of them, with a stand-in for sudo that shows how it was called."""

import os
import subprocess
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError
from keepwell.machine.remote_shell import why_not_started, written
from keepwell.ports.fakes import result
from keepwell.ports.runner import Command

SUDO = """#!/bin/sh
echo "sudo $1 $2" >&2
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


def sh(command: Command, *secrets: str, sudo: bool = False, path: str = "") -> subprocess.CompletedProcess[bytes]:
    text = written(command, secrets, 10.0, sudo=sudo)
    environment = {"PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", text.text], input=text.stdin, capture_output=True, check=False, timeout=20, env=environment)


def test_secrets_come_before_the_input_and_stay_out_of_the_text() -> None:
    command = Command(("sh", "-c", 'printf "%s|" "$A" "$B"; cat'), b"\0rest", secrets={"A": "secret:A", "B": "secret:B"})
    values = ("a\n'b\" $c\n\n", "ü")
    assert sh(command, *values).stdout == "a\n'b\" $c\n\n|ü|".encode() + b"\0rest"
    assert not any(value in written(command, values, 10.0).text for value in values)


def test_an_empty_secret_is_an_empty_variable() -> None:
    command = Command(("sh", "-c", 'echo "${A-unset}."; cat'), b"in", secrets={"A": "secret:A"})
    assert sh(command, "").stdout == b".\nin"


def test_sudo_gets_the_environment_and_keeps_the_secrets(tmp_path: Path) -> None:
    (tmp_path / "sudo").write_text(SUDO)
    (tmp_path / "sudo").chmod(0o755)
    command = Command(("sh", "-c", 'echo "$A $LC_ALL"'), environment={"LC_ALL": "C"}, secrets={"A": "secret:A"})
    done = sh(command, "x y", sudo=True, path=str(tmp_path))
    assert (done.stdout, done.stderr) == (b"x y C\n", b"sudo -n --preserve-env=A\n")
    plain = sh(Command(("echo", "a b")), sudo=True, path=str(tmp_path))
    assert (plain.stdout, plain.stderr) == (b"a b\n", b"sudo -n --\n")


@pytest.mark.parametrize(
    "command",
    [
        Command(()),
        Command(("",)),
        Command(("echo", "a\0b")),
        Command(("true",), environment={"A=B; reboot": "x"}),
        Command(("true",), environment={"A": "x\0"}),
        Command(("true",), secrets={"$(reboot)": "secret:A"}),
    ],
)
def test_what_no_shell_can_say(command: Command) -> None:
    with pytest.raises(AskError):
        written(command, ["x"] * len(command.secrets), 10.0)


@pytest.mark.parametrize(
    ("status", "stderr", "why"),
    [
        (127, "timeout: failed to run command ‘nope’: No such file or directory\n", 'there is no program "prog"'),
        (126, "timeout: failed to run command 'x': Permission denied\n", '"prog" cannot be started (Permission denied)'),
        (127, "timeout: can't execute 'nope': No such file or directory\n", 'there is no program "prog"'),
        (127, "bash: line 1: exec: timeout: not found\n", "there is no program timeout (of coreutils), without which nothing is run there"),
        (127, "sh: 1: other: not found\n", ""),
        (127, "", ""),
        (0, "timeout: failed to run command 'x': No such file or directory", ""),
        (1, "sudo: a password is required\n", 'sudo refused: "sudo: a password is required"'),
    ],
)
def test_why_it_did_not_start(status: int, stderr: str, why: str) -> None:
    assert why_not_started(Command(("prog",)), result(status=status, stderr=stderr)) == why
