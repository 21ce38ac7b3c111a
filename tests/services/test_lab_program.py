"""The laboratory as a program: found by its control, tied to whoever started it, and gone without a trace."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keepwell.demo.laboratory.control import ask_laboratory
from keepwell.demo.laboratory.rendezvous import SOCKET, Claim, check_owner, rendezvous_folder
from keepwell.kernel.problems import AskError, KeepwellError, NotFound, Refused, UsageError
from tests.support import wait_until


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A runtime directory with a path short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="kw", dir="/tmp") as folder:
        yield Path(folder)


@contextmanager
def laboratory(runtime: Path, temporary: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The program with ``--tied``, and its first words."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "keepwell.demo.laboratory", "--tied", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def traces(runtime: Path, temporary: Path) -> list[str]:
    """What is left of a laboratory: files, and processes that name its folder."""
    processes = [line for entry in Path("/proc").glob("[0-9]*/cmdline") if str(temporary) in (line := _read(entry).replace("\0", " "))]
    return [str(path) for path in (*runtime.iterdir(), *temporary.iterdir())] + processes


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


async def test_it_is_broken_and_repaired_through_its_control(runtime: Path, tmp_path: Path) -> None:
    with laboratory(runtime, tmp_path, "--no-front") as (process, first):
        folder = rendezvous_folder({"XDG_RUNTIME_DIR": str(runtime)}, os.geteuid())
        assert folder.stat().st_mode & 0o777 == 0o700
        state = await ask_laboratory(folder, {"do": "state"})
        assert state == {name: value for name, value in first.items() if name != "root"}
        broken = await ask_laboratory(folder, {"do": "break", "fault": "audio-broken"})
        assert [fault["name"] for fault in broken["faults"] if fault["on"]] == ["audio-broken"]
        assert not (Path(state["folder"]) / "audio" / "tone.wav").exists()
        repaired = await ask_laboratory(folder, {"do": "repair", "fault": "audio-broken"})
        assert repaired == state
        with pytest.raises(KeepwellError, match='no fault named "flood"') as raised:
            await ask_laboratory(folder, {"do": "break", "fault": "flood"})
        assert "api-slow" in raised.value.problems[0].hint
        with pytest.raises(KeepwellError, match="cannot"):
            await ask_laboratory(folder, {"do": "explode"})
        assert process.poll() is None
    assert process.returncode == 0
    assert traces(runtime, tmp_path) == []


async def test_garbage_on_the_control_harms_nothing(runtime: Path, tmp_path: Path) -> None:
    with laboratory(runtime, tmp_path, "--no-front"):
        folder = runtime / "keepwell-demo"
        for garbage in (b"", b"\n", b"\xff\xfe\n", b"[" * 5000 + b"\n", b"x" * 200_000 + b"\n", b"[1]\n", b"{}\n"):
            reader, writer = await asyncio.open_unix_connection(folder / SOCKET)
            writer.write(garbage)
            writer.write_eof()
            answer = await reader.read()
            assert answer == b"" or "problem" in json.loads(answer)
            writer.close()
        assert (await ask_laboratory(folder, {"do": "state"}))["faults"]


def test_it_ends_when_whoever_started_it_is_killed(runtime: Path, tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "process = subprocess.Popen([sys.executable, '-m', 'keepwell.demo.laboratory', '--tied'],\n"
        "    stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)\n"
        "print(process.stdout.readline().decode(), flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment) as starter:
        assert starter.stdout is not None
        assert "addresses" in json.loads(starter.stdout.readline())
        assert traces(runtime, tmp_path)
        starter.send_signal(signal.SIGKILL)
    wait_until(lambda: traces(runtime, tmp_path) == [], 15, "the end of the laboratory")


def test_a_second_one_is_refused_and_the_first_goes_on(runtime: Path, tmp_path: Path) -> None:
    with laboratory(runtime, tmp_path, "--no-front") as (first, _):
        with laboratory(runtime, tmp_path, "--no-front") as (second, words):
            assert words["problem"]["message"] == "a laboratory of yours is already running"
        assert second.returncode == 2
        assert first.poll() is None
        assert asyncio.run(ask_laboratory(runtime / "keepwell-demo", {"do": "state"}))["faults"]


def test_a_runtime_path_too_long_for_a_socket_is_one_sentence(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    with laboratory(long, tmp_path, "--no-front") as (process, words):
        assert words["problem"]["message"].startswith("the laboratory could not start: AF_UNIX path too long")
    assert process.returncode == 2
    assert list(long.iterdir()) == []


def test_run_by_hand_it_introduces_itself(runtime: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "keepwell.demo.laboratory", "--no-front"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while not lines[-1].startswith("Ctrl-C"):
            assert lines[-1], "it ended"
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    text = "".join(lines)
    assert "http://127.0.0.1:" in text
    assert "https (nginx is not used)" in text
    assert "api-slow" in text
    assert "web-down" not in text
    assert traces(runtime, tmp_path) == []


async def test_where_nobody_runs_it_says_so(runtime: Path) -> None:
    folder = runtime / "keepwell-demo"
    with pytest.raises(NotFound, match="no laboratory of yours is running"):
        await ask_laboratory(folder, {"do": "state"})
    claim = Claim(folder)
    try:
        with pytest.raises(NotFound):
            await ask_laboratory(folder, {"do": "state"})
        server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), claim.folder / SOCKET)
        with pytest.raises(AskError, match="no usable answer"):
            await ask_laboratory(folder, {"do": "state"})
        server.close()
    finally:
        claim.release()
    assert traces(runtime, runtime) == []


def test_the_folder_must_belong_to_its_user_alone(runtime: Path) -> None:
    folder = runtime / "keepwell-demo"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(Refused, match="belongs to you alone"):
        Claim(folder)
    folder.rmdir()
    (runtime / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(runtime / "elsewhere")
    with pytest.raises(Refused):
        Claim(folder)
    with pytest.raises(Refused):
        check_owner(folder)
    folder.unlink()
    folder.write_text("a file")
    with pytest.raises(Refused):
        Claim(folder)


def test_two_claims_exclude_each_other_and_a_dead_ones_socket_is_no_obstacle(runtime: Path) -> None:
    first = Claim(runtime / "keepwell-demo")
    with pytest.raises(UsageError, match="already running"):
        Claim(runtime / "keepwell-demo")
    first.release()
    (runtime / "keepwell-demo").mkdir(mode=0o700)
    (runtime / "keepwell-demo" / SOCKET).write_text("left behind")
    Claim(runtime / "keepwell-demo").release()
    assert list(runtime.iterdir()) == []


def test_where_the_folder_is() -> None:
    assert rendezvous_folder({"XDG_RUNTIME_DIR": "/run/user/7"}, 7) == Path("/run/user/7/keepwell-demo")
    assert rendezvous_folder({}, 7) == Path("/tmp/keepwell-demo-7")
    assert rendezvous_folder({"XDG_RUNTIME_DIR": "relative"}, 7) == Path("/tmp/keepwell-demo-7")


def test_it_runs_for_an_ordinary_user_too(runtime: Path) -> None:
    ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("the suite runs as an ordinary user already, or setpriv is missing")
    if subprocess.run(
        [*ordinary, "sh", "-c", 'exec "$0" -c "import keepwell"', sys.executable], cwd="/", stderr=subprocess.DEVNULL
    ).returncode:
        pytest.skip("an ordinary user may not run this interpreter")
    home = runtime / "home"
    runtime.chmod(0o755)
    home.mkdir()
    os.chown(home, 65534, 65534)
    command = [*ordinary, sys.executable, "-m", "keepwell.demo.laboratory", "--tied"]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), "HOME": str(home)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd="/") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        words = process.stdout.readline()
        process.stdin.close()
    assert "addresses" in json.loads(words), words
    assert list(home.iterdir()) == []
