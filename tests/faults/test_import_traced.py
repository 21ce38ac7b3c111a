"""Hostile manuals through lint, import, validate and plan under strace: no process but ShellCheck, no socket, no file written elsewhere, no
secret read."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.faults.hostile_manuals import hostile, shell
from tests.serving import KEEPWELL, environment
from tests.support import need

PARTS = (
    "substitution in headings", "substitution in operands", "options that run", "curl that writes", "sql that runs", "tags in headings",
    "yaml in tables", "settings with tags", "metadata address", "other schemes", "markup in tables", "names that climb", "long names",
    "files that scripts claim", "passwords in addresses", "attributes of our own", "cron lines", "figures", "here-documents",
)  # fmt: skip
"""What the manual of this test is made of; none of them leaves a block open."""
CALLS = "execve,fork,vfork,clone,clone3,socket,connect,bind,open,openat,openat2,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,symlink,link,linkat,chmod,fchmodat"  # noqa: E501


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s3cret-made-up")
    secret = f"{tmp_path}/secret"
    reading = shell(
        f"cat {secret}", f"curl -K {secret} http://127.0.0.1:9/health", f"curl -H @{secret} http://127.0.0.1:9/x", f". {secret}"
    )
    parts = [hostile(name, str(tmp_path / "trap")) for name in PARTS]
    (tmp_path / "manual.md").write_bytes(b"\n\n".join((*parts, reading.encode())))
    return tmp_path


def traced(place: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs a command under strace: what it printed, and its calls that start, connect, open or change something."""
    log = place / "trace"
    argv = [need("strace"), "-f", "-y", "-qq", "-s", "400", "-e", f"trace={CALLS}", "-o", str(log), KEEPWELL, *arguments]
    variables = environment(PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=200, env=variables, cwd=place, check=False)
    return done, log.read_text(errors="replace").splitlines()


def elsewhere(line: str, *allowed: str) -> bool:
    """Whether a call changes something outside the allowed folders. (``strace -y`` shows which folder a descriptor is.)"""
    if " = -1 " in line or os.devnull in line:
        return False
    changes = re.search(r"\b(unlink|rename|mkdir|symlink|link|f?chmod)\w*\(", line)
    opens = re.search(r"\bopen(at2?)?\(", line) and re.search(r"O_(WRONLY|RDWR|CREAT)", line)
    paths = [os.path.join(*pair) for pair in re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"', line)]
    return bool(changes or opens) and not all(_is_below(path, allowed) for path in paths)


def _is_below(path: str, allowed: tuple[str, ...]) -> bool:
    whole = os.path.normpath(path)
    return any(whole == folder or whole.startswith(f"{folder}/") for folder in allowed)


def test_nothing_hostile_has_its_way(place: Path) -> None:
    ops = str(place / "ops")
    importing = ("import", "manual.md", "-o", ops, "--data", str(place / "data"))
    for arguments in (("lint", "manual.md"), importing, ("validate", ops), ("plan", ops), ("plan", ops, "--json"), importing):
        done, calls = traced(place, *arguments)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
        started = [line for line in calls if "execve(" in line and " = -1 " not in line][1:]
        assert [line for line in started if "shellcheck" not in line] == []
        assert len(started) <= (1 if arguments[0] == "lint" else 0)
        if not started:
            assert [line for line in calls if re.search(r"\b(v?fork|clone3?)\(", line) and "CLONE_THREAD" not in line] == []
        assert [line for line in calls if re.search(r"\b(socket|connect|bind)\(", line)] == []
        assert [line for line in calls if elsewhere(line, ops, str(place / "data"))] == []
        assert [line for line in calls if f"{place}/secret" in line] == []
    assert not (place / "trap").exists()
    assert sorted(path.name for path in place.iterdir()) == ["data", "manual.md", "ops", "secret", "trace"]


@pytest.mark.parametrize(
    ("call", "is_elsewhere"),
    [
        ('1 openat(AT_FDCWD</work>, "/etc/cron.d/x", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3', True),
        ('1 openat(AT_FDCWD</work>, "x", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3', True),
        ('1 openat(5</base/ops>, "../x", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3', True),
        ('1 rename("/base/ops/new", "/base/other") = 0', True),
        ('1 renameat(5</base/ops/stage>, "new", 6</etc>, "x") = 0', True),
        ('1 mkdirat(3</base/ops>, "runbooks", 0777) = 0', False),
        ('1 mkdir("/base/ops", 0777) = 0', False),
        ('1 openat(AT_FDCWD</work>, "/base/ops/keepwell.yaml", O_WRONLY|O_CREAT, 0666) = 3', False),
        ('1 openat(AT_FDCWD</work>, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3', False),
    ],
)
def test_the_trace_would_show_a_file_written_elsewhere(call: str, is_elsewhere: bool) -> None:
    assert elsewhere(call, "/base/ops", "/base/data") is is_elsewhere
