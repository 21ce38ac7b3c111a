"""Commands that only read start no process, open no socket and read no secret: shown by strace."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.serving import KEEPWELL, environment, keepwell, operations
from tests.support import need

BAIT = """\
keepwell: 1
service: bait
storage: {url: "secret:command:touch BAIT/ran"}
targets:
  api: {url: "http://127.0.0.1:9/"}
checks:
  page: {http: {target: api, path: /}, every: 30s}
  signed: {http: {target: api, secrets: {Authorization: "secret:file:BAIT/secret"}}, every: 30s}
  port: {tcp: {address: "127.0.0.1:9"}, every: 30s}
  disk: {host: {mount: /}, every: 1m}
  script: {command: {shell: "touch BAIT/ran", secrets: {KEY: "secret:file:BAIT/secret"}}, every: 1m}
  listing: {command: {run: [touch, BAIT/ran]}, every: 1m}
"""
MANUAL = """\
# Bait $(touch BAIT/ran)

```bash
curl http://127.0.0.1:9/health
curl http://127.0.0.1:9/`touch BAIT/ran`
touch BAIT/ran
cat BAIT/secret
df -h /
systemctl status bait
```
"""


@pytest.fixture
def bait(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s3cret-value")
    operations(tmp_path / "ops", BAIT.replace("BAIT", str(tmp_path)))
    (tmp_path / "manual.md").write_text(MANUAL.replace("BAIT", str(tmp_path)))
    return tmp_path


def traced(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs a command under strace; its result, and its system calls that start, connect, open or change something."""
    log = folder / "trace"
    calls = "execve,fork,vfork,clone,clone3,socket,connect,bind,open,openat,openat2,unlink,rename,mkdir"
    argv = [need("strace"), "-f", "-y", "-qq", "-s", "400", "-e", f"trace={calls}", "-o", str(log), KEEPWELL, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, env=environment(PYTHONDONTWRITEBYTECODE="1"), check=False)
    return done, log.read_text().splitlines()


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("validate", "ops"), ()),
        (("accept", "ops"), ()),
        (("schema",), ()),
        (("import", "manual.md", "-o", "imported", "--data", "data"), ("imported", "data")),
        (("lint", "--no-shellcheck", "manual.md"), ()),
        (("explain", "KW101"), ()),
    ],
    ids=lambda value: value[0] if value else "nothing",
)
def test_nothing_runs_connects_or_reads_a_secret(bait: Path, arguments: tuple[str, ...], written: tuple[str, ...]) -> None:
    places = [str(bait / word) if word in {"ops", "manual.md", "imported", "data"} else word for word in arguments]
    done, calls = traced(bait, *places)
    assert done.returncode in (0, 1), done.stderr
    assert "s3cret-value" not in done.stdout + done.stderr
    assert not (bait / "ran").exists()
    started = [line for line in calls if "execve(" in line]
    assert len(started) == 1, started
    # Threads share the process (CLONE_THREAD); anything else that is cloned is a process.
    assert [line for line in calls if re.search(r"\b(v?fork|clone3?)\(", line) and "CLONE_THREAD" not in line] == []
    # asyncio wakes its own loop through a pair of connected sockets, which socketpair() makes: no socket() of its own.
    # accept asks the system for the name of its user; glibc tries the name service cache first (nscd(8)), and nothing else.
    reached = [line for line in calls if re.search(r"\b(connect|bind)\(", line)]
    assert reached == [line for line in reached if arguments[0] == "accept" and "/nscd/socket" in line]
    made = [line for line in calls if re.search(r"\bsocket\(", line)]
    assert len(made) == len(reached)
    assert [line for line in calls if str(bait / "secret") in line] == []
    opened_to_write = [line for line in calls if re.search(r"\bopen(at2?)?\(", line) and re.search(r"O_(WRONLY|RDWR|CREAT)", line)]
    outside = [line for line in opened_to_write if not any(str(bait / name) in line for name in written) and os.devnull not in line]
    assert outside == []


def test_lint_starts_shellcheck_once_and_nothing_else(bait: Path) -> None:
    done, calls = traced(bait, "lint", str(bait / "manual.md"))
    assert done.returncode == 1, done.stderr
    started = [line for line in calls if "execve(" in line and " = -1 " not in line]
    assert len(started) == 2, started
    assert "shellcheck" in started[1]
    assert not (bait / "ran").exists()
    assert not any(re.search(r"\b(connect|bind|socket)\(", line) or str(bait / "secret") in line for line in calls)


def test_the_trace_would_show_it(bait: Path) -> None:
    """The same eyes see a process, a socket and a secret where there are some: the test above can fail."""
    text = (bait / "ops" / "keepwell.yaml").read_text()
    (bait / "ops" / "keepwell.yaml").write_text(text)
    done, calls = traced(bait, "check", str(bait / "ops"), "page", "disk", "signed")
    assert done.returncode == 2, done.stderr
    assert any("execve(" in line and "df" in line for line in calls)
    assert any("connect(" in line and "htons(9)" in line for line in calls)
    assert any(str(bait / "secret") in line for line in calls)
    assert "s3cret-value" not in done.stdout + done.stderr


def test_the_command_of_a_secret_runs_only_when_it_is_accepted(tmp_path: Path) -> None:
    """A typed check needs no acceptance, but the command that fetches its secret is a command."""
    proof = tmp_path / "proof"
    text = "keepwell: 1\nservice: shop\n{storage}checks:\n  a: {{http: {{url: 'http://127.0.0.1:1/', secrets: {{X-Key: '{secret}'}}}}}}\n"
    secret = f"secret:command:touch {proof}"
    ops = operations(tmp_path / "ops", text.format(storage="", secret=secret))
    assert "waiting for acceptance" in keepwell("check", str(ops)).stdout
    assert not proof.exists()
    assert keepwell("accept", str(ops), "--yes").returncode == 0
    assert keepwell("check", str(ops)).returncode == 3
    assert proof.exists(), "accepted, it runs (and prints no secret, so the check cannot be made)"
    proof.unlink()
    operations(ops, text.format(storage=f"storage: {{url: '{secret}.url'}}\n", secret="secret:HOME"))
    done = keepwell("up", str(ops), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert "the database's address comes from a command that may not run" in done.stderr
    assert not (tmp_path / "proof.url").exists()
    assert "storage/url" in keepwell("accept", str(ops), "--yes").stdout
