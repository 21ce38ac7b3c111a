"""Programs and files of another host by SSH, on a real sshd."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keepwell.kernel.problems import AnswerError, AskError, Unreachable
from keepwell.machine.runner_files import RunnerFiles
from keepwell.machine.ssh_address import SshAddress
from keepwell.machine.ssh_connection import SshConnection
from keepwell.machine.ssh_runner import SshRunner
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.runner import Command, Result
from tests.misbehaving import misbehaving
from tests.ssh_server import SshServer, ssh_server
from tests.support import free_port, until

pytestmark = pytest.mark.xdist_group("sshd")
"""One after another: sshd insists on one folder of the machine, /run/sshd, which is there while they run."""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as running:
        yield running


class Session:
    """A runner on one connection."""

    def __init__(self, address: SshAddress, **more: int) -> None:
        self.connection = SshConnection("app1", address)
        self.secrets = FakeSecrets({"secret:PASSWORD": "hunter2 'and' $more\n"})
        self.runner = SshRunner(self.connection, self.secrets, **more)  # type: ignore[arg-type]

    async def run(self, *argv: str, **more: object) -> Result:
        return await self.runner.run(Command(argv, **{"timeout": 10.0, **more}))  # type: ignore[arg-type]


@pytest.fixture
async def session(server: SshServer) -> AsyncIterator[Session]:
    made = Session(server.address)
    yield made
    await made.connection.close()


async def test_arguments_arrive_as_they_are(session: Session) -> None:
    strange = ("a b", "$HOME", "`id`", "it's", 'say "so"', "", "*", "a\nb", "\\", "ü", "-n", "; reboot", "#no")
    done = await session.run("printf", "<%s>", *strange)
    assert (done.status, done.stdout) == (0, "".join(f"<{word}>" for word in strange))
    assert done.stderr == ""


async def test_status_signal_and_both_outputs(session: Session) -> None:
    done = await session.run("sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.status, done.signal, done.stdout, done.stderr, done.timed_out) == (7, None, "out\n", "err\n", False)
    killed = await session.run("sh", "-c", "kill -9 $$")
    assert (killed.status, killed.signal) in ((None, 9), (137, None))


async def test_environment_directory_and_input(session: Session) -> None:
    done = await session.run("sh", "-c", "echo $LC_ALL; pwd; cat", environment={"LC_ALL": "C"}, directory="/usr/share", input=b"in\0put")
    assert done.stdout == "C\n/usr/share\nin\0put"
    missing = await session.run("true", directory="/nothere")
    assert missing.status == 126


async def test_a_secret_reaches_the_program_and_nobody_else(session: Session) -> None:
    script = "printf '%s' \"$WORD\" | od -An -c | tr -d ' \\n'; cat; tr '\\0' ' ' </proc/$PPID/cmdline | grep -c 'h[u]nter' || :"
    done = await session.run("sh", "-c", script, secrets={"WORD": "secret:PASSWORD"}, input=b"rest\n")
    assert done.stdout == "hunter2'and'$more\\nrest\n0\n"
    shown = await session.run("printenv", "WORD", secrets={"WORD": "secret:PASSWORD"})
    assert "hunter2" not in shown.stdout


async def test_a_program_that_is_not_there(session: Session) -> None:
    with pytest.raises(AskError, match='on the host app1: there is no program "no-such-program"'):
        await session.run("no-such-program", "--now")
    done = await session.run("sh", "-c", "exit 127")
    assert done.status == 127


async def test_one_connection_serves_all_and_is_made_anew_after_a_loss(server: SshServer, session: Session) -> None:
    await asyncio.gather(*(session.run("true") for _ in range(12)))
    first = await session.connection.get(5.0)
    assert await session.connection.get(5.0) is first
    first.abort()
    assert (await session.run("echo", "back")).stdout == "back\n"
    assert await session.connection.get(5.0) is not first


async def test_a_server_that_is_restarted(server: SshServer, session: Session) -> None:
    assert (await session.run("true")).succeeded
    server.stop()
    with pytest.raises(Unreachable, match=r"^the host app1 .* cannot be reached"):
        await session.run("true")
    server.start()
    session.connection._failure = None  # not to wait for the pause between attempts
    assert (await session.run("true")).succeeded


async def test_a_server_that_is_killed_in_the_middle(server: SshServer, session: Session) -> None:
    running = asyncio.create_task(session.run("sleep", "5", timeout=2.0))
    await asyncio.sleep(0.5)
    server.stop()
    with pytest.raises(Unreachable, match="was lost while sleep ran"):
        await running
    server.start()


async def test_what_hangs_is_ended_with_all_that_it_started(session: Session, tmp_path: Path) -> None:
    started = time.monotonic()
    done = await session.run("sh", "-c", f"sleep 300 & echo $! >{tmp_path}/pid; trap '' TERM; echo so far; sleep 300", timeout=4.0)
    assert done.timed_out
    assert done.stdout == "so far\n"
    assert 3.0 < time.monotonic() - started < 4.5
    child = int((tmp_path / "pid").read_text())
    await until(gone(child), 5, "the end of what it started")


def gone(number: int) -> Callable[[], Awaitable[bool]]:
    """Whether a process has ended."""

    async def look() -> bool:
        return is_gone(number)

    return look


def is_gone(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True


async def test_what_hangs_ends_there_even_when_the_connection_is_cut(server: SshServer, tmp_path: Path) -> None:
    session = Session(server.address)
    running = asyncio.create_task(session.run("sh", "-c", f"echo $$ >{tmp_path}/pid; sleep 300", timeout=1.5))
    await until(is_written(tmp_path / "pid"), 5, "the program's start")
    session.connection.drop()
    with pytest.raises(Unreachable):
        await running
    number = int((tmp_path / "pid").read_text())
    await until(gone(number), 8, "its end by itself")
    await session.connection.close()


def is_written(path: Path) -> Callable[[], Awaitable[bool]]:
    """Whether a file holds a whole line."""

    async def look() -> bool:
        return await asyncio.to_thread(lambda: path.exists() and path.read_text().endswith("\n"))

    return look


async def test_a_host_that_freezes(server: SshServer) -> None:
    session = Session(server.address)
    assert (await session.run("true")).succeeded
    frozen = server.sessions()
    for number in frozen:
        os.kill(number, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(Unreachable, match="the host app1 cannot be reached: it does not answer any more"):
            await session.run("true", timeout=0.6)
        assert time.monotonic() - started < 10
        assert (await session.run("true")).succeeded, "a new connection is made"
    finally:
        for number in frozen:
            os.kill(number, signal.SIGCONT)
    running = asyncio.create_task(session.run("sleep", "300", timeout=1.0))
    await asyncio.sleep(0.4)
    frozen = server.sessions()
    for number in frozen:
        os.kill(number, signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="the connection to the host app1 fell silent while sleep ran"):
            await running
    finally:
        for number in frozen:
            os.kill(number, signal.SIGCONT)
    await session.connection.close()


async def test_cancelling_ends_the_session(server: SshServer, session: Session) -> None:
    running = asyncio.create_task(session.run("sleep", "300", timeout=1.0))
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await session.run("true")).succeeded


async def test_a_flood_is_bounded(session: Session) -> None:
    done = await session.run("sh", "-c", "yes | head -c 20000000; echo the end", output_limit=1000)
    assert len(done.stdout) < 1200
    assert done.dropped[0] > 19_000_000
    assert done.stdout.endswith("the end\n")


async def test_an_endless_flood_ends_at_the_limit(session: Session) -> None:
    done = await session.run("yes", timeout=0.7, output_limit=1000)
    assert done.timed_out
    assert len(done.stdout) < 1200


async def test_so_many_at_once_and_no_more(server: SshServer, tmp_path: Path) -> None:
    session = Session(server.address, at_once=2)
    script = f"touch {tmp_path}/$$; ls {tmp_path} | wc -l; sleep 0.2; rm {tmp_path}/$$"
    seen = await asyncio.gather(*(session.run("sh", "-c", script) for _ in range(6)))
    assert max(int(done.stdout) for done in seen) == 2
    with pytest.raises(AskError, match="so much runs already"):
        await asyncio.gather(*(session.run("sleep", "0.5", timeout=0.7) for _ in range(6)))
    await session.connection.close()


# --- who it is ---------------------------------------------------------------------------------------------------------------


async def refused(address: SshAddress) -> str:
    session = Session(address)
    try:
        with pytest.raises(AskError) as raised:
            await session.run("true", timeout=5.0)
        assert isinstance(raised.value, Unreachable)
        return str(raised.value)
    finally:
        await session.connection.close()


async def test_an_unknown_host_key_is_refused_with_its_fingerprint(server: SshServer, tmp_path: Path) -> None:
    for known_hosts in (tmp_path / "none", tmp_path / "empty"):
        tmp_path.joinpath("empty").touch()
        sentence = await refused(replace(server.address, known_hosts=str(known_hosts)))
        assert f"its host key is not known (ssh-ed25519 {server.fingerprint})" in sentence
        assert f"ssh-keyscan -p {server.port} 127.0.0.1" in sentence
        assert not tmp_path.joinpath("none").exists(), "nothing is learned"


async def test_a_changed_host_key_is_refused(server: SshServer, tmp_path: Path) -> None:
    before = server.fingerprint
    server.stop()
    server.renew_host_key()
    server.start()
    try:
        sentence = await refused(server.address)
        assert f"its host key is another one than {server.address.known_hosts} holds" in sentence
        assert server.fingerprint in sentence
        assert before not in sentence
        assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in sentence
    finally:
        server.trust()


async def test_a_key_that_is_not_let_in(server: SshServer, tmp_path: Path) -> None:
    import asyncssh

    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "other")
    sentence = await refused(replace(server.address, identity=str(tmp_path / "other")))
    assert f"it does not let {server.user} in by the key {tmp_path}/other" in sentence
    locked = asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase="x")
    tmp_path.joinpath("locked").write_bytes(locked)
    assert "needs a passphrase" in await refused(replace(server.address, identity=str(tmp_path / "locked")))
    assert "the private key does not exist" in await refused(replace(server.address, identity=str(tmp_path / "absent")))
    tmp_path.joinpath("garbage").write_text("no key")
    assert "is unusable" in await refused(replace(server.address, identity=str(tmp_path / "garbage")))


async def test_another_user(server: SshServer) -> None:
    assert "it does not let nobody-at-all in" in await refused(replace(server.address, user="nobody-at-all"))


async def test_nobody_listens(server: SshServer) -> None:
    sentence = await refused(replace(server.address, port=free_port()))
    assert "nobody listens there (connection refused)" in sentence


async def test_a_dead_host_is_asked_once_for_many_questions(server: SshServer) -> None:
    async with misbehaving("never-answers") as port:
        session = Session(replace(server.address, port=port))
        started = time.monotonic()
        seen = await asyncio.gather(*(session.run("true", timeout=0.5) for _ in range(20)), return_exceptions=True)
        assert all(isinstance(one, AskError) for one in seen)
        assert time.monotonic() - started < 8, "one after another they take ten seconds"
        await session.connection.close()


@pytest.mark.parametrize("misbehaviour", ["garbage", "banner", "endless-body", "never-reads", "endless-header-line"])
async def test_another_protocol(server: SshServer, misbehaviour: str) -> None:
    async with misbehaving(misbehaviour) as port:
        session = Session(replace(server.address, port=port))
        with pytest.raises(Unreachable, match=r"^the host app1 .* cannot be reached: "):
            await session.run("true", timeout=1.0)
        await session.connection.close()


async def test_through_a_jump_host(server: SshServer) -> None:
    with ssh_server() as inner:
        session = Session(replace(inner.address, jump=server.address))
        assert (await session.run("sh", "-c", "echo ${SSH_CONNECTION##* }")).stdout == f"{inner.port}\n"
        await session.connection.close()


async def test_nothing_is_left_open(server: SshServer) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        session = Session(server.address)
        await session.run("true")
        await session.connection.close()
    await asyncio.sleep(0.05)
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_without_the_library_the_sentence_says_how_to_get_it(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("asyncssh", "keepwell.machine.ssh_host_keys"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    session = Session(server.address)
    with pytest.raises(AskError, match=r"needs asyncssh, which is not installed: pip install 'keepwell\[ssh\]'") as raised:
        await session.run("true")
    assert not isinstance(raised.value, Unreachable)
    await session.connection.close()


# --- files -------------------------------------------------------------------------------------------------------------------


async def test_files(session: Session, tmp_path: Path) -> None:
    files = RunnerFiles(session.runner)
    place = tmp_path / "a 'strange' näme"
    place.write_text("hello\nwörld\n")
    os.chmod(place, 0o640)
    os.utime(place, (1_700_000_000, 1_700_000_000))
    os.mkfifo(tmp_path / "fifo")
    assert await files.read(str(place)) == "hello\nwörld\n".encode()
    assert await files.read(str(place), 5) == b"hello"
    assert (await files.read("/proc/uptime")).count(b".") == 2
    facts = await files.facts(str(place))
    assert (facts.size, facts.mode, facts.modified, facts.is_directory) == (13, 0o100640, 1_700_000_000.0, False)
    assert await files.names(str(tmp_path)) == ("a 'strange' näme", "fifo")
    for call in (files.read, files.facts, files.names):
        with pytest.raises(AnswerError, match="/nothere does not exist"):
            await call("/nothere")
    with pytest.raises(AskError, match="it is no regular file"):
        await files.read(str(tmp_path / "fifo"))
    with pytest.raises(AskError, match="it is not a directory"):
        await files.names(str(place))
