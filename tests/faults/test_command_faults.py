"""Bad input at the command line: one clear sentence, the exit code of the table, and nothing stored is lost."""

import os
import pty
import shutil
import signal
import socket
import sqlite3
import subprocess
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from keepwell.api.server import CONNECTIONS
from tests.serving import KEEPWELL, Served, Target, environment, keepwell, operations, serving
from tests.support import need, wait_until

HEAD = "keepwell: 1\nservice: shop\n"
COMMANDS = {"validate": 1, "check": 3, "accept": 2, "up": 2}
"""Each command that reads an operations directory, and its exit code where that cannot be used (docs/exit-codes.md)."""

WITHOUT_ROOT_S_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""What makes file modes hold for root, too."""


def with_modes(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs one command as a user for whom file modes hold."""
    need("setpriv")
    before = WITHOUT_ROOT_S_RIGHTS if os.geteuid() == 0 else ()
    return subprocess.run([*before, KEEPWELL, *arguments], capture_output=True, text=True, timeout=60, env=environment(), check=False)


def said(done: subprocess.CompletedProcess[str], most_lines: int = 2) -> str:
    """What a command printed, once it is sure that these are a few clear lines."""
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert "internal fault" not in text
    assert 0 < len(text.splitlines()) <= most_lines, text
    assert all(line.isprintable() for line in text.splitlines())
    return text


# --- the operations directory ------------------------------------------------------------------------------------------------


def nothing(folder: Path) -> None:
    """Not even the directory is there."""


def empty(folder: Path) -> None:
    folder.mkdir()


def in_latin_1(folder: Path) -> None:
    operations(folder, "")
    (folder / "keepwell.yaml").write_bytes(b"keepwell: 1\nservice: caf\xe9\n")


def fifty_megabytes(folder: Path) -> None:
    operations(folder, HEAD)
    os.truncate(folder / "keepwell.yaml", 50_000_000)


def anchor_bomb(folder: Path) -> None:
    levels = "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12))
    operations(folder, HEAD + "a0: &a0 [x]\n" + levels)


def alias_in_itself(folder: Path) -> None:
    operations(folder, HEAD + "checks: &a {x: *a}\n")


def dangling(folder: Path) -> None:
    operations(folder, HEAD + "targets: {api: {url: 'http://127.0.0.1:1'}}\nchecks:\n  a: {http: {target: apo, path: /}}\n")


def renamed_in_a_circle(folder: Path) -> None:
    tcp = "{tcp: {address: '127.0.0.1:1'}, was: %s}"
    operations(folder, HEAD + f"checks:\n  a: {tcp % 'b'}\n  b: {tcp % 'a'}\n")


def garbage(folder: Path) -> None:
    operations(folder, "")
    (folder / "keepwell.yaml").write_bytes(bytes(range(256)) * 40)


BAD_DIRECTORIES: Sequence[tuple[Callable[[Path], None], str, int]] = [
    (nothing, "does not exist", 2),
    (empty, "keepwell.yaml does not exist", 2),
    (in_latin_1, "keepwell.yaml:2:13: byte 0xe9 at offset 24 is not UTF-8", 4),
    (fifty_megabytes, "is too large: 50000000 bytes", 4),
    (anchor_bomb, "aliases expanded", 4),
    (alias_in_itself, "keepwell.yaml:3:", 4),
    (dangling, '"apo" is not one of the targets', 4),
    (renamed_in_a_circle, '"b" is still one of the checks', 8),
    (garbage, "is not UTF-8", 4),
]


def _each_directory() -> list[Any]:
    """Every directory with one of the commands in turn, and one that is read but wrong with all of them: they read it by the same code."""
    found = []
    for number, (make, sentence, lines) in enumerate(BAD_DIRECTORIES):
        taken = COMMANDS if make is dangling else [tuple(COMMANDS)[number % len(COMMANDS)]]
        found += [pytest.param(make, sentence, lines, command, id=f"{make.__name__}-{command}") for command in taken]
    return found


@pytest.mark.parametrize(("make", "sentence", "lines", "command"), _each_directory())
def test_a_directory_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], None], sentence: str, lines: int, command: str) -> None:
    make(tmp_path / "ops")
    more = ("--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0") if command == "up" else ()
    done = keepwell(command, str(tmp_path / "ops"), *more)
    assert done.returncode == COMMANDS[command]
    assert sentence in said(done, lines + (command == "validate"))
    if command != "validate":  # whose answer the problems are
        assert done.stdout == ""
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_may_not_be_read(tmp_path: Path, command: str) -> None:
    ops = operations(tmp_path / "ops", HEAD)
    (ops / "keepwell.yaml").chmod(0)
    done = with_modes(command, str(ops), *(("--data", str(tmp_path / "data")) if command == "up" else ()))
    assert done.returncode == COMMANDS[command]
    assert "keepwell.yaml cannot be read: Permission denied" in said(done, 2 + (command == "validate"))


def test_a_directory_that_may_only_be_read_is_enough(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD + "checks:\n  a: {command: {shell: 'true'}}\n")
    ops.chmod(0o500)
    try:
        assert with_modes("validate", str(ops)).returncode == 0
        assert with_modes("check", str(ops)).returncode == 3, "nobody accepted it yet"
        refused = with_modes("accept", str(ops), "--yes")
        assert refused.returncode == 2
        assert "accepted.yaml cannot be written: Permission denied" in refused.stderr
    finally:
        ops.chmod(0o700)


def test_a_hostile_accepted_file_is_refused_by_every_command(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD + "checks:\n  a: {command: {shell: 'true'}}\n")
    assert keepwell("accept", str(ops), "--yes").returncode == 0
    accepted = ops / "accepted.yaml"
    accepted.write_text(accepted.read_text().replace('text: "shell:\\ntrue"', 'text: "shell:\\nfalse"').replace("  true", "  false"))
    for command, code in COMMANDS.items():
        done = keepwell(command, str(ops), *(("--data", str(tmp_path / "data")) if command == "up" else ()))
        assert done.returncode == code, command
        assert "does not belong to what stands beside it" in said(done, 5)


# --- the database and the data directory -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def once_used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an operations directory and a data directory with one stored state change, nobody using them."""
    folder = tmp_path_factory.mktemp("used")
    with Target(folder) as target:
        ops = operations(folder / "ops", HEAD + f"checks:\n  api: {{http: {{url: '{target.url}'}}, every: 1h}}\n")
        with serving(ops, folder / "data") as server:
            server.until({"api": "ok"})
    return folder


@pytest.fixture
def used(once_used: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Both, copied for one test."""
    for name in ("ops", "data"):
        shutil.copytree(once_used / name, tmp_path / name)
    return tmp_path / "ops", tmp_path / "data"


def whole(data: Path) -> bool:
    verified = keepwell("journal", "verify", "--data", str(data))
    return verified.returncode == 0 and "check.state-changed" in keepwell("journal", "list", "--data", str(data)).stdout


def start(ops: Path, data: Path) -> tuple[str, ...]:
    return ("up", str(ops), "--data", str(data), "--listen", "127.0.0.1:0")


def test_a_database_that_is_held_locked(used: tuple[Path, Path]) -> None:
    ops, data = used
    with closing(sqlite3.connect(data / "keepwell.sqlite", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        done = keepwell(*start(ops, data))
        assert done.returncode == 2
        assert "another program holds the database" in said(done)
    assert whole(data)


def test_a_database_that_may_only_be_read(used: tuple[Path, Path]) -> None:
    ops, data = used
    (data / "keepwell.sqlite").chmod(0o400)
    done = with_modes(*start(ops, data))
    assert done.returncode == 2
    assert "cannot be written" in said(done)
    data.chmod(0o500)
    try:
        done = with_modes(*start(ops, data))
        assert done.returncode == 2
        assert "cannot be" in said(done)
        assert with_modes("journal", "verify", "--data", str(data)).returncode == 0, "reading needs no right to write"
    finally:
        data.chmod(0o700)
    assert whole(data)


def test_a_database_of_a_newer_keepwell(used: tuple[Path, Path]) -> None:
    ops, data = used
    with closing(sqlite3.connect(data / "keepwell.sqlite")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%version%' AND type = 'table'")]
        assert tables
        before = {table: connection.execute(f"SELECT version_num FROM {table}").fetchone() for table in tables}
        for table in tables:
            connection.execute(f"UPDATE {table} SET version_num = 'from_the_future'")
        connection.commit()
    for done in (keepwell(*start(ops, data)), keepwell("journal", "verify", "--data", str(data))):
        assert done.returncode == 2
        assert "was written by a newer Keepwell" in said(done)
    with closing(sqlite3.connect(data / "keepwell.sqlite")) as connection:
        for table, (version,) in before.items():
            connection.execute(f"UPDATE {table} SET version_num = ?", (version,))
        connection.commit()
    assert whole(data)


@pytest.mark.parametrize("size", [0, 100, 5000, 0.5], ids=str)
def test_a_journal_that_was_cut_off(used: tuple[Path, Path], size: float) -> None:
    _, data = used
    database = data / "keepwell.sqlite"
    os.truncate(database, int(size * database.stat().st_size) if size < 1 and size else int(size))
    kept = database.read_bytes()
    for action in ("verify", "list", "head") if size == 100 else ("verify",):
        done = keepwell("journal", action, "--data", str(data))
        assert done.returncode == 2, action
        assert "is damaged" in said(done)
    assert database.read_bytes() == kept


def test_a_data_directory_that_is_none(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD)
    (tmp_path / "file").write_text("not ours")
    done = keepwell(*start(ops, tmp_path / "file"))
    assert done.returncode == 2
    assert "the data directory" in said(done)
    assert (tmp_path / "file").read_text() == "not ours"
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "keepwell.sock").write_text("not ours")
    done = keepwell(*start(ops, tmp_path / "data"))
    assert done.returncode == 2
    assert "is in the way" in said(done)
    assert (tmp_path / "data" / "keepwell.sock").read_text() == "not ours"


def test_a_very_long_data_directory_serves_all_commands(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 40) / "data"
    ops = operations(tmp_path / "ops", HEAD)
    data.parent.mkdir()
    shutil.copytree(ops, data.parent / "ops")
    with serving(data.parent / "ops", data):
        assert keepwell("status", "--data", str(data)).returncode == 0
        assert keepwell("reload", "--data", str(data)).returncode == 0


@pytest.mark.parametrize("command", ["status", "reload"])
def test_no_server_is_exit_code_2(tmp_path: Path, command: str) -> None:
    done = keepwell(command, "--data", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "no Keepwell is running" in said(done)


# --- manuals, arguments, tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        (b"a" * 50_000_000, "is larger than"),
        (bytes(100), "is not text"),
        (zlib.compress(bytes(range(256)) * 40 + b"# Shop" * 9), "is not text"),
    ],
    ids=["missing", "50 MB", "binary", "packed"],
)
def test_a_manual_that_cannot_be_imported(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "manual.md").write_bytes(content)
    done = keepwell("import", str(tmp_path / "manual.md"), "-o", str(tmp_path / "ops"), "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert sentence in said(done)
    assert not (tmp_path / "ops").exists()


def test_a_manual_in_another_encoding_is_read_as_far_as_it_can_be_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "manual.md").write_bytes(b"# Caf\xe9\n\n```sh\ndf /\n```\n")
    done = keepwell("import", str(tmp_path / "manual.md"), "-o", str(tmp_path / "ops"), "--data", str(tmp_path / "data"))
    assert done.returncode == 0
    assert "line 1 of the manual: byte 6 is not UTF-8" in done.stdout


def test_import_and_init_overwrite_nothing(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD)
    (tmp_path / "manual.md").write_text("# Manual\n\n```\ncurl http://127.0.0.1:1/health\n```\n")
    for done in (
        keepwell("import", str(tmp_path / "manual.md"), "-o", str(ops), "--data", str(tmp_path / "data")),
        keepwell("init", str(ops)),
    ):
        assert done.returncode == 2
        assert said(done)
    assert (ops / "keepwell.yaml").read_text() == HEAD
    done = keepwell("init", str(tmp_path / "manual.md"))
    assert done.returncode == 2
    assert "is not a directory" in said(done)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("frobnicate",), 2),
        (("check",), 3),
        (("check", "ops", "--frobnicate"), 3),
        (("validate",), 1),
        (("up", "ops", "--listen", "nowhere"), 2),
        (("up", "ops", "--listen", "127.0.0.1:70000"), 2),
        (("up", "ops", "--listen", "::1:80"), 2),
        (("up", "ops", "--listen", "[::]:80"), 2),
        (("journal", "list", "--limit", "many"), 2),
        (("token", "create"), 2),
        (("demo", "break"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_arguments_that_make_no_sense(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    operations(tmp_path / "ops", HEAD)
    known = [str(tmp_path / "ops") if argument == "ops" else argument for argument in arguments]
    done = keepwell(*known, XDG_DATA_HOME=str(tmp_path))
    assert done.returncode == code
    assert said(done)
    assert done.stdout == ""


def test_a_damaged_token_file_is_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert keepwell("token", "create", "one", "--data", str(data)).returncode == 0
    (data / "tokens.json").write_text("garbage")
    for action in (("list",), ("create", "two"), ("revoke", "one")):
        done = keepwell("token", *action, "--data", str(data))
        assert done.returncode == 2, action
        assert "tokens.json cannot be used" in said(done)
    assert (data / "tokens.json").read_text() == "garbage"


# --- the terminal ------------------------------------------------------------------------------------------------------------


def shell(text: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", text], capture_output=True, text=True, timeout=60, env=environment(K=KEEPWELL, **more), check=False
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [("schema", 2), ("reference", 2), ("validate ops", 2), ("check ops", 3), ("check ops --json", 3), ("tasks --json", 2)],
)
def test_an_output_that_takes_nothing_is_one_sentence(tmp_path: Path, command: str, code: int) -> None:
    operations(tmp_path / "ops", HEAD)
    done = shell(f"cd {tmp_path}; $K {command} > /dev/full")
    assert done.returncode == code
    assert said(done) == "standard output cannot be written: No space left on device\n"


def test_closed_streams_and_early_readers_do_no_harm(tmp_path: Path) -> None:
    operations(tmp_path / "ops", HEAD + "checks:\n  a: {command: {shell: 'true'}}\n")
    assert shell(f"cd {tmp_path}; $K check ops >&-").returncode == 3
    assert shell(f"cd {tmp_path}; $K check ops <&- >&- 2>&-").returncode == 3
    assert shell(f"cd {tmp_path}; $K accept ops <&-").returncode == 1
    done = shell(f"cd {tmp_path}; $K schema | head -n 1")
    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.parametrize("command", ["tasks --json", "tasks list --data data --json", "plan nowhere --json"])
def test_where_nobody_reads_what_is_wrong_the_exit_code_says_it(tmp_path: Path, command: str) -> None:
    done = shell(f"cd {tmp_path}; {{ $K {command}; echo $? >&2; }} | true")
    assert done.stderr == "2\n"


_INTERRUPTS = """
import os, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "keepwell.cli.program":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
"""


def test_an_interruption_while_modules_are_imported_is_one_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_INTERRUPTS)
    done = keepwell("tasks", "list", "--data", str(tmp_path), PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_what_an_encoding_cannot_say_is_escaped(tmp_path: Path) -> None:
    operations(tmp_path / "ops", HEAD + "checks: {größe: {}}\n")
    done = shell(f"cd {tmp_path}; $K validate ops", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert r"gr\xf6\xdfe" in said(done, 10)


def test_colours_only_where_they_are_wanted(tmp_path: Path) -> None:
    operations(tmp_path / "ops", HEAD)
    assert b"\x1b[" in _on_a_terminal(tmp_path, TERM="xterm")
    assert b"\x1b" not in _on_a_terminal(tmp_path, TERM="xterm", NO_COLOR="1")
    assert b"\x1b" not in _on_a_terminal(tmp_path, TERM="dumb")
    assert "\x1b" not in keepwell("validate", str(tmp_path / "ops"), TERM="xterm").stdout


def _on_a_terminal(tmp_path: Path, **more: str) -> bytes:
    ours, theirs = pty.openpty()
    wanted = {name: value for name, value in environment().items() if name != "NO_COLOR"} | more
    with subprocess.Popen([KEEPWELL, "validate", str(tmp_path / "ops")], stdout=theirs, stderr=theirs, env=wanted) as process:
        os.close(theirs)
        text = os.read(ours, 65536)
        process.wait(30)
    os.close(ours)
    return text


def test_what_a_target_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD + "checks:\n  a: {command: {shell: \"printf '\\\\033]0;x\\\\007\\\\033[2J' >&2; exit 1\"}}\n")
    assert keepwell("accept", str(ops), "--yes").returncode == 0
    done = keepwell("check", str(ops))
    assert done.returncode == 2
    assert "x1b" in said(done)


def test_a_port_full_of_connections_does_not_lock_out_the_command_line(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD)
    with serving(ops, tmp_path / "data") as server, ExitStack() as held:
        for _ in range(CONNECTIONS + 20):
            held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        for command in ("status", "reload"):
            done = keepwell(command, "--data", str(server.data))
            assert done.returncode == 0, done.stderr


def test_a_reload_asked_for_while_it_starts_does_not_end_it(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", HEAD + "checks:\n" + "".join(f"  c{n}: {{tcp: {{address: '127.0.0.1:1'}}}}\n" for n in range(500)))
    server = Served(ops, tmp_path / "data")
    try:
        wait_until((tmp_path / "data" / "lock").exists, 20, "the lock")
        server.signal(signal.SIGHUP)
        server.ready()
    finally:
        server.stop()
