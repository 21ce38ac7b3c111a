"""The runner, and secrets from commands, with real programs."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError
from keepwell.machine.local_runner import LocalRunner
from keepwell.machine.secrets import MachineSecrets
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.runner import Command


async def test_a_program_that_succeeds() -> None:
    result = await LocalRunner().run(Command(("sh", "-c", "echo out; echo err >&2")))
    assert (result.status, result.signal, result.stdout, result.stderr, result.dropped) == (0, None, "out\n", "err\n", (0, 0))
    assert result.succeeded
    assert 0 < result.seconds < 5


async def test_the_status_of_a_program_that_fails() -> None:
    result = await LocalRunner().run(Command(("sh", "-c", "exit 7")))
    assert (result.status, result.signal, result.succeeded) == (7, None, False)


async def test_arguments_are_never_a_shells_text() -> None:
    hostile = "$(touch /tmp/x); `id` 'a' \"b\" \\ \n*"
    result = await LocalRunner().run(Command(("printf", "%s|", hostile, "", "b c")))
    assert result.stdout == f"{hostile}||b c|"


@pytest.mark.parametrize("size", [0, 5, 300_000])
async def test_input_arrives_whole(size: int) -> None:
    result = await LocalRunner().run(Command(("wc", "-c"), input=b"x" * size))
    assert result.stdout.strip() == str(size)


async def test_without_input_it_reads_nothing() -> None:
    assert (await LocalRunner().run(Command(("cat",), timeout=5))).stdout == ""


async def test_only_a_few_variables_are_let_through() -> None:
    parent = {
        "PATH": os.environ["PATH"],
        "HOME": "/root",
        "LC_TIME": "C",
        "TZ": "UTC",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PYTHONPATH": "y",
        "LD_PRELOAD": "",
    }
    runner = LocalRunner(FakeSecrets({"secret:TOKEN": "value"}), parent)
    result = await runner.run(Command(("env",), environment={"OWN": "1", "TZ": "Asia/Tokyo"}, secrets={"TOKEN": "secret:TOKEN"}))
    assert dict(line.split("=", 1) for line in result.stdout.splitlines()) == {
        "PATH": os.environ["PATH"], "HOME": "/root", "LC_TIME": "C", "TZ": "Asia/Tokyo", "OWN": "1", "TOKEN": "[redacted]"
    }  # fmt: skip


async def test_without_a_path_the_usual_one_is_searched() -> None:
    assert (await LocalRunner(environment={}).run(Command(("true",)))).succeeded


async def test_it_leads_a_session_of_its_own_and_gets_no_descriptors(tmp_path: Path) -> None:
    held = os.open(tmp_path / "held", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(held, True)
    try:
        result = await LocalRunner().run(Command(("sh", "-c", "ls /proc/self/fd | wc -l; ps -o sid= -p $$; echo $$")))
    finally:
        os.close(held)
    descriptors, session, own = result.stdout.split()
    assert int(descriptors) == 4  # the three, and the one by which ls looks
    assert session == own
    assert int(session) != os.getsid(0)


async def test_the_directory_and_the_mode_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        result = await LocalRunner().run(Command(("sh", "-c", "pwd; touch new"), directory=str(tmp_path)))
    finally:
        os.umask(before)
    assert result.stdout == f"{tmp_path}\n"
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o644


async def test_secrets_are_redacted_from_both_outputs() -> None:
    runner = LocalRunner(FakeSecrets({"secret:TOKEN": "s3cret-value"}))
    result = await runner.run(Command(("sh", "-c", 'echo "out $T"; echo "err $T" >&2'), secrets={"T": "secret:TOKEN"}))
    assert (result.stdout, result.stderr) == ("out [redacted]\n", "err [redacted]\n")


async def test_a_runner_without_secrets_says_so() -> None:
    with pytest.raises(AskError, match="cannot be resolved here"):
        await LocalRunner().run(Command(("true",), secrets={"T": "secret:TOKEN"}))


async def test_many_at_once() -> None:
    runner = LocalRunner()
    results = await asyncio.gather(*(runner.run(Command(("sh", "-c", f"echo {number}"))) for number in range(40)))
    assert [result.stdout for result in results] == [f"{number}\n" for number in range(40)]


@pytest.fixture
def secrets() -> MachineSecrets:
    return MachineSecrets({"TOKEN": "from-environment", "EMPTY": "", "PATH": os.environ["PATH"]})


async def test_a_secret_from_the_environment(secrets: MachineSecrets) -> None:
    assert await secrets.resolve("secret:TOKEN") == "from-environment"
    assert secrets.redactor().redact("it is from-environment.") == "it is [redacted]."


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
async def test_a_secret_from_a_file(secrets: MachineSecrets, tmp_path: Path, ending: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"two words" + ending.encode())
    path.chmod(0o600)
    assert await secrets.resolve(f"secret:file:{path}") == "two words"
    assert secrets.warnings() == ()


async def test_a_careless_file_is_warned_of_until_it_is_put_right(secrets: MachineSecrets, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("value\n")
    path.chmod(0o644)
    assert await secrets.resolve(f"secret:file:{path}") == "value"
    assert secrets.warnings() == (f"{path} holds a secret and can be read by others than its owner (mode 0644)",)
    path.chmod(0o400)
    await secrets.resolve(f"secret:file:{path}")
    assert secrets.warnings() == ()


async def test_a_rotated_secret_is_seen_and_the_old_value_stays_redacted(secrets: MachineSecrets, tmp_path: Path) -> None:
    path = tmp_path / "token"
    for value in ("first-value", "second-value"):
        path.write_text(value)
        assert await secrets.resolve(f"secret:file:{path}") == value
    assert secrets.redactor().redact("first-value second-value") == "[redacted] [redacted]"


async def test_a_secret_from_a_command(secrets: MachineSecrets) -> None:
    assert await secrets.resolve("secret:command:printf '%s\\n' 'a  b'") == "a  b"
    assert await secrets.resolve("secret:command:echo $HOME; id") == "$HOME; id"  # no shell


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("secret:ABSENT", "the secret ABSENT is not set in the environment"),
        ("secret:EMPTY", "the secret EMPTY is empty in the environment"),
        ("TOKEN", '"TOKEN" is no secret: write secret:NAME, secret:file:PATH or secret:command:PROGRAM'),
        ("secret:vault:x", "secrets come from a variable, secret:file: or secret:command:, not from secret:vault:"),
        ("secret:file:relative", "secret:file:relative needs an absolute path"),
        ("secret:file:/no/such/file", "the secret in a file cannot be had: /no/such/file does not exist"),
        ("secret:command:", "secret:command: names no program"),
        ("secret:command:a 'b", "the command of a secret cannot be split into words: no closing quotation"),
        ("secret:command:sh -c 'echo s3cret; echo s3cret >&2; exit 3'", "the secret's command sh ended with status 3"),
        ("secret:command:sh -c 'kill -9 $$'", "the secret's command sh ended with signal 9"),
        ("secret:command:true", "the secret in the output of true is empty"),
        ("secret:command:seq 100000", "the secret's command seq printed more than 65536 bytes"),
        ("secret:command:no-such-program", 'there is no program "no-such-program", or the interpreter that it names is missing'),
    ],
)
async def test_a_secret_that_cannot_be_had(secrets: MachineSecrets, reference: str, sentence: str) -> None:
    with pytest.raises(AskError) as caught:
        await secrets.resolve(reference)
    assert str(caught.value) == sentence


async def test_a_secret_file_that_is_no_text(secrets: MachineSecrets, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfes3cret")
    path.chmod(0o600)
    with pytest.raises(AskError, match="is not UTF-8 text") as caught:
        await secrets.resolve(f"secret:file:{path}")
    assert caught.value.__cause__ is None
    path.write_bytes(b"x" * 70000)
    with pytest.raises(AskError, match="too long"):
        await secrets.resolve(f"secret:file:{path}")
