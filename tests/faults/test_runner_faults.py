"""What becomes of programs that hang, flood, leave others behind, or cannot be started: nothing hangs and nothing is left."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError
from keepwell.machine import child as child_module
from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.runner import Command
from tests.support import until


def _sh(script: str, timeout: float = 10.0, **more: object) -> Command:
    return Command(("sh", "-c", script), timeout=timeout, **more)  # type: ignore[arg-type]


def _alive(pid: int) -> bool:
    try:
        return b"\nState:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False


def _zombies() -> list[str]:
    """Our children that nobody reaped."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if f"\nPPid:\t{os.getpid()}\n" in text and "\nState:\tZ" in text:
                found.append(status.parent.name)
    return found


def _pid_in(path: Path) -> int:
    return int(path.read_text())


async def _gone(pid: int) -> None:
    async def is_gone() -> bool:
        return not _alive(pid)

    await until(is_gone, what=f"the end of process {pid}")


async def test_the_time_limit_ends_a_program_and_what_it_printed_is_kept() -> None:
    started = time.monotonic()
    result = await LocalRunner().run(_sh("echo begun; exec sleep 100", timeout=1))
    assert 1 <= time.monotonic() - started < 30
    assert (result.timed_out, result.status, result.signal) == (True, None, signal.SIGTERM)
    assert not result.succeeded
    assert result.stdout == "begun\n"
    assert _zombies() == []


async def test_the_time_limit_ends_a_program_that_ignores_sigterm() -> None:
    result = await LocalRunner(grace=0.2).run(_sh("trap '' TERM; while :; do sleep 0.05; done", timeout=1))
    assert (result.timed_out, result.signal) == (True, signal.SIGKILL)


async def test_the_time_limit_ends_grandchildren_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    result = await LocalRunner(grace=0.2).run(_sh(f"sh -c 'trap \"\" TERM; echo $$ > {pid_file}; sleep 100; :' & wait", timeout=1.5))
    assert result.timed_out
    await _gone(_pid_in(pid_file))


async def test_a_program_that_ends_decently_on_sigterm_may_say_so() -> None:
    result = await LocalRunner().run(_sh("trap 'echo cleaned; exit 3' TERM; while :; do sleep 0.05; done", timeout=1))
    assert (result.timed_out, result.status, result.stdout) == (True, 3, "cleaned\n")
    assert not result.succeeded


async def test_a_background_process_that_holds_the_output_open_delays_nothing(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    started = time.monotonic()
    result = await LocalRunner().run(_sh(f"sleep 100 & echo $! > {pid_file}; echo done"))
    assert time.monotonic() - started < 30
    pid = _pid_in(pid_file)
    assert _alive(pid)  # as in a shell: it goes on
    os.kill(pid, signal.SIGKILL)
    assert (result.status, result.stdout, result.timed_out) == (0, "done\n", False)
    assert result.stderr == "[keepwell: reading stopped, a process that was left behind holds the output open]\n"


async def test_a_grandchild_in_a_session_of_its_own_holds_nobody_up(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    started = time.monotonic()
    result = await LocalRunner(grace=0.2).run(_sh(f"setsid sh -c 'echo $$ > {pid_file}; exec sleep 100' & sleep 100", timeout=1.5))
    assert time.monotonic() - started < 30
    os.kill(_pid_in(pid_file), signal.SIGKILL)
    assert result.timed_out
    assert "holds the output open" in result.stderr


async def test_endless_output_is_cut_and_fills_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = await LocalRunner().run(Command(("yes", "0123456789" * 10), timeout=1, output_limit=1000))
    assert result.timed_out
    assert result.dropped[0] > 1_000_000
    assert len(result.stdout) < 1100
    assert f"\n[keepwell: {result.dropped[0]} bytes left out]\n" in result.stdout
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


async def test_endless_output_delays_nobody_else() -> None:
    flood = asyncio.ensure_future(LocalRunner().run(Command(("yes",), timeout=3)))
    worst = 0.0
    while not flood.done():
        started = time.monotonic()
        await asyncio.sleep(0.01)
        worst = max(worst, time.monotonic() - started)
    assert (await flood).timed_out
    assert worst < 2, "what holds up others does so until its time is over"


async def test_head_and_tail_of_a_long_output_are_kept() -> None:
    result = await LocalRunner().run(_sh("seq 1 100000; seq 1 100000 >&2", output_limit=200))
    for text, dropped in ((result.stdout, result.dropped[0]), (result.stderr, result.dropped[1])):
        assert text.startswith("1\n2\n3\n")
        assert text.endswith("99999\n100000\n")
        head, _, tail = text.partition(f"\n[keepwell: {dropped} bytes left out]\n")
        assert len(head) + len(tail) + dropped == len("".join(f"{number}\n" for number in range(1, 100001)))


async def test_an_output_of_exactly_the_limit_is_whole() -> None:
    result = await LocalRunner().run(_sh("printf 0123456789", output_limit=10))
    assert (result.stdout, result.dropped) == ("0123456789", (0, 0))


@pytest.mark.parametrize("limit", range(20, 60, 3))
async def test_a_secret_that_the_cut_goes_through_does_not_show_in_part(limit: int) -> None:
    runner = LocalRunner(FakeSecrets({"secret:TOKEN": "ABCDEFGHIJKLMNOP"}))
    result = await runner.run(_sh('printf "........%s%s%s%s........" $T $T $T $T', secrets={"T": "secret:TOKEN"}, output_limit=limit))
    shown = result.stdout.replace(f"\n[keepwell: {result.dropped[0]} bytes left out]\n", "").replace("[redacted]", "")
    assert set(shown) <= {"."}


async def test_cancelling_kills_the_group_and_leaves_no_zombie(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    task = asyncio.ensure_future(LocalRunner().run(_sh(f"sleep 100 & echo $! > {pid_file}; wait")))

    async def is_written() -> bool:
        return pid_file.exists() and pid_file.read_text().endswith("\n")

    await until(is_written, what="the start")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _gone(_pid_in(pid_file))
    assert _zombies() == []


async def test_a_program_that_does_not_read_its_input_is_no_error() -> None:
    result = await LocalRunner().run(Command(("true",), input=bytes(1 << 20)))
    assert result.succeeded


async def test_a_program_that_never_reads_its_input_ends_at_the_limit() -> None:
    result = await LocalRunner().run(Command(("sleep", "100"), input=bytes(1 << 20), timeout=0.3))
    assert result.timed_out


async def test_a_signal_is_told() -> None:
    result = await LocalRunner().run(_sh("kill -SEGV $$"))
    assert (result.status, result.signal, result.timed_out, result.succeeded) == (None, signal.SIGSEGV, False, False)


async def test_output_that_is_not_utf8_is_replaced() -> None:
    result = await LocalRunner().run(_sh(r"printf 'caf\351\000!'"))
    assert result.stdout == "caf�\0!"


async def _why_not(command: Command, runner: LocalRunner | None = None) -> str:
    with pytest.raises(AskError) as caught:
        await (runner or LocalRunner()).run(command)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_program_that_cannot_be_started_is_ours(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    assert await _why_not(Command((str(script),))) == f'"{script}" is not executable by this user'
    script.chmod(0o755)
    missing = 'there is no program "{}", or the interpreter that it names is missing'
    assert await _why_not(Command((str(script),))) == missing.format(script)
    assert await _why_not(Command(("no-such-program",))) == missing.format("no-such-program")
    script.write_bytes(b"\x00\x01\x02")
    assert await _why_not(Command((str(script),))) == f'"{script}" is not a program that this machine can run'
    too_long = await _why_not(Command(("true", "x" * (4 << 20))))
    assert too_long == 'the arguments and variables of "true" are longer than this machine allows'
    assert await _why_not(Command(())) == "there is no program to start"
    assert "holds a character that none may hold" in await _why_not(Command(("true", "a\0b")))
    assert "holds a character that none may hold" in await _why_not(Command(("true",), environment={"A=B": "c"}))
    nowhere = str(tmp_path / "nowhere")
    entered = await _why_not(Command(("true",), directory=nowhere))
    assert entered == f'"true" cannot be started: its directory "{nowhere}" cannot be entered (No such file or directory)'


async def test_no_descriptor_left_is_ours() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hoard: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 5, hard))
    try:
        with contextlib.suppress(OSError):
            while len(hoard) < 100:
                hoard.append(os.dup(0))
        sentence = await _why_not(Command(("true",)))
    finally:
        for descriptor in hoard:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sentence == 'this process has no file descriptor left to start "true"'
    assert (await LocalRunner().run(Command(("true",)))).succeeded


NO_FURTHER_PROCESS = """
import asyncio, os, resource
from keepwell.kernel.problems import AskError
from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.runner import Command
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
os.setuid(54321)
try:
    print(asyncio.run(LocalRunner().run(Command(("/bin/true",)))))
except AskError as error:
    print("AskError:", error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give a user a limit of processes without touching another's")
async def test_no_process_left_is_ours() -> None:
    source = Path(child_module.__file__).parents[2]
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", NO_FURTHER_PROCESS], capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": str(source)}, check=False,
    )  # fmt: skip
    assert done.stdout == 'AskError: this machine allows no further process, so "/bin/true" was not started\n', done.stderr


async def test_no_descriptor_is_left_open_by_any_of_it() -> None:
    runner = LocalRunner(grace=0.1)
    await runner.run(Command(("true",)))
    before = sorted(os.listdir("/proc/self/fd"))
    for command in (_sh("exit 3"), _sh("sleep 9", timeout=0.05), _sh("yes", timeout=0.05), _sh("cat", input=bytes(200000))):
        await runner.run(command)
    with pytest.raises(AskError):
        await runner.run(Command(("no-such-program",)))
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert _zombies() == []
