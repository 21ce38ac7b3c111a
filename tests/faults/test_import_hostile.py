"""Hostile manuals through lint, import, validate and plan: nothing runs, nothing is reached, nothing is written elsewhere or given away."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keepwell import __version__
from keepwell.app import commands
from keepwell.cli.program import run
from keepwell.rooms.manual.importing.decide import import_manual
from tests.faults import import_outputs as outputs
from tests.faults.hostile_manuals import ALL, BAIT, HUGE, hostile, shell

COMMANDS = {command.name: command for command in commands()}
LARGEST_GROWTH = 40
"""How many times larger than the manual what it becomes may be, a megabyte and a kilobyte a line beside: the report tells of every line."""

_watching: list[list[str]] = []
_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn", "socket.connect",
              "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request", "ctypes.dlopen")  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event in _FORBIDDEN:
        _watching[-1].append(f"{event} {arguments[:2]!r}")
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES and isinstance(arguments[0], str | bytes):
        _watching[-1].append(f"writes {os.fsdecode(arguments[0])}")


sys.addaudithook(_hook)


@contextmanager
def watched(*allowed: Path) -> Iterator[list[str]]:
    """What starts, connects or writes meanwhile, except below the allowed folders (names without a folder are relative to one of them)."""
    seen: list[str] = []
    forbidden: list[str] = []
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _watching.append(seen)
    try:
        yield forbidden
    finally:
        _watching.pop()
        sys.dont_write_bytecode = kept
    places = [f"writes {folder}/" for folder in allowed]
    for event in seen:
        is_relative = event.startswith("writes ") and not event.startswith("writes /")
        if not is_relative and event != f"writes {os.devnull}" and not any(event.startswith(place) for place in places):
            forbidden.append(event)


def everything_below(folder: Path) -> dict[str, int]:
    """Every file and folder below one, with its size."""
    return {path.relative_to(folder).as_posix(): path.lstat().st_size for path in folder.rglob("*")}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a data directory below."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(*arguments: str) -> int:
    """The exit code of a command, made in this process."""
    return run(list(COMMANDS.values()), __version__, arguments)


def importing(place: Path) -> tuple[str, ...]:
    """The command that imports the manual."""
    return ("import", str(place / "manual.md"), "-o", str(place / "ops"), "--data", str(place / "data"))


def steps(place: Path) -> list[tuple[str, ...]]:
    """What is done with a manual, in this order."""
    lint = ("lint", "--no-shellcheck", str(place / "manual.md"))
    return [lint, importing(place), ("validate", str(place / "ops")), ("plan", str(place / "ops")), importing(place)]


@pytest.mark.parametrize("name", [*ALL, *(pytest.param(name, marks=[pytest.mark.slow, pytest.mark.timeout(900)]) for name in HUGE)])
def test_a_hostile_manual_does_nothing(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = hostile(name, str(place / "trap"))
    (place / "manual.md").write_bytes(data)
    before = everything_below(place)
    said = ""
    first: dict[str, int] = {}
    for step in steps(place):
        if step[0] in ("validate", "plan") and not (place / "ops").exists():
            continue
        with watched(place / "ops", place / "data") as forbidden:
            code = answer(*step)
        told = capsys.readouterr()
        said += told.out + told.err
        assert forbidden == [], step
        assert code in ((0,) if step[0] == "validate" else (0, 1, 2)), f"{step}: {told.err[-2000:]}"
        assert "Traceback" not in told.err
        first = first or everything_below(place / "ops")
    assert everything_below(place / "ops") == first, "importing again changes nothing"
    assert all(character.isprintable() or character == "\n" for character in said)
    after = everything_below(place)
    assert {path: size for path, size in after.items() if path.partition("/")[0] not in ("ops", "data")} == before
    look_at(place / "ops", said, data)


def look_at(ops: Path, said: str, data: bytes) -> None:
    """What was written is what an import writes, and gives no bait away."""
    files = {path.relative_to(ops).as_posix(): path for path in ops.rglob("*")}
    assert [name for name in files if outputs.unexpected_name(name)] == []
    assert not any(path.is_symlink() for path in files.values())
    texts = {name: path.read_text("utf-8") for name, path in files.items() if path.is_file()}
    wrong = {name: list(_wrong_in(name, text)) for name, text in texts.items()}
    assert {name: sentences[:5] for name, sentences in wrong.items() if sentences} == {}
    told = said + "".join(text for name, text in texts.items() if not name.startswith("runbooks/"))
    assert [bait for bait in BAIT if bait in told] == []
    assert sum(map(len, texts.values())) < LARGEST_GROWTH * len(data) + 1_000 * data.count(b"\n") + 1_000_000


def _wrong_in(name: str, text: str) -> Iterator[str]:
    if name == "keepwell.yaml":
        yield from outputs.wrong_in_configuration(text)
    elif name.endswith(".md"):
        yield from outputs.wrong_in_runbook(text)
    elif name.endswith(".html"):
        yield from outputs.wrong_in_page(text)
    elif not text.isascii():
        yield "it is not ASCII"


VALUES = [
    "x; touch TRAP", "$(touch TRAP)", "`touch TRAP`", "x' y", "a\nb", "*a", "&a b", "!!python/object:x", "../../x", "{{ 7*7 }}", "\x1b[2J",
    "secret:file:/etc/shadow", "x" * 2_000, "-K TRAP", "http://169.254.169.254/", "#", "\u202ex",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_hostile_value_is_refused_or_harmless(value: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manual = "curl https://yourdomain.com/health", "curl https://<host>:8080/x", "cat /srv/<name>", 'systemctl status "$UNIT_NAME"'
    (place / "manual.md").write_text(shell(*manual))
    (place / "ops").mkdir()
    names = ("YOURDOMAIN_COM", "HOST", "NAME", "UNIT_NAME")
    (place / "ops" / "values.yaml").write_text("".join(f"{name}: {json.dumps(value.replace('TRAP', 'trap'))}\n" for name in names))
    with watched(place / "ops", place / "data") as forbidden:
        code = answer(*importing(place))
    assert forbidden == []
    assert code in (0, 1, 2)
    (place / "ops" / "values.yaml").unlink()
    if code != 2:
        look_at(place / "ops", capsys.readouterr().out, b"")
        steps = (place / "ops").glob("runbooks/*.md")
        assert not any("touch trap" in line for step in steps for line in step.read_text().partition("\n---\n")[2].split("\n"))


def test_a_long_command_stays_whole_when_a_value_is_filled_in() -> None:
    data = shell("curl https://yourdomain.com/health", f"kubectl patch x -p '{'z' * 6_000} END'").encode()
    for values in ({}, {"YOURDOMAIN_COM": "shop.example"}):
        assert "".join(import_manual(data, "m.md", values).files.values()).count("z END'") == 1


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 60


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: &x 1\n", "anchor"),
        ("a: *x\n", "anchor"),
        ("checks: !!python/object:os.system {}\n", "tag"),
        ("checks: {}\nchecks: {}\n", "twice"),
        ("accepted: x\n", "section accepted"),
        ("service: 2001-01-01\n", "neither text nor a number"),
        ("checks: {x: {command: {shell: y}}}\n", "shell"),
        ("targets: {x: {url: 'http://169.254.169.254/'}}\n", "asks"),
        ("targets: {x: {url: 'http://2852039166/'}}\n", "asks"),
        ("targets: {x: {url: 'file:///etc/passwd'}}\n", "asks"),
    ],
)
def test_the_eyes_see_what_is_wrong_in_a_configuration(text: str, sentence: str) -> None:
    assert any(sentence in wrong for wrong in outputs.wrong_in_configuration(text.replace("*x", "[&x 1, *x]")))


@pytest.mark.parametrize(
    "text",
    [
        '---\ntitle: x\n---\n\n```sh {"name":"a","accepted":"true"}\nx\n```\n',
        '---\ntitle: x\n---\n\n```sh {"name":"forged"}\nx\n```\n',
        "---\ntitle: x\naccepted: true\n---\n",
        "# x\n",
        "---\ntitle: x\n---\n\x1b[0m\n",
    ],
)
def test_the_eyes_see_what_is_wrong_in_a_runbook(text: str) -> None:
    assert list(outputs.wrong_in_runbook(text)) != []


def test_the_watch_sees_processes_connections_and_files(tmp_path: Path) -> None:
    with watched(tmp_path / "allowed") as forbidden:
        with pytest.raises(OSError, match="refused"):
            __import__("socket").create_connection(("127.0.0.1", 9), 1)
        __import__("subprocess").run(["true"], check=True)
        (tmp_path / "outside").write_text("x")
        (tmp_path / "allowed").mkdir()
        (tmp_path / "allowed" / "inside").write_text("x")
    assert [event.split()[0] for event in forbidden if "inside" in event] == []
    assert any("connect" in event for event in forbidden)
    assert any("Popen" in event or "spawn" in event for event in forbidden)
    assert f"writes {tmp_path}/outside" in forbidden
