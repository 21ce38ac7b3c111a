"""The ``env`` kind with real files and processes; and that no value of an environment comes out anywhere."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from tests.services.look import look
from tests.serving import keepwell, operations, serving
from tests.support import missing, need

BAIT = f"bait{uuid.uuid4().hex}"
"""Part of every value here. Where it turns up, a value came out."""

PROGRAM = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
print("ready", flush=True)
sys.stdin.read()
"""
LOOK = """
import asyncio, json, sys
from tests.services.look import look
seen = asyncio.run(look("env", json.loads(sys.argv[1])))
print(seen.state, seen.sentence)
"""
Starter = Callable[[dict[str, str]], str]


@pytest.fixture
def start() -> Iterator[Starter]:
    """Starts a process with an environment, and gives its name."""
    need("ps")
    name, started = f"kw{uuid.uuid4().hex[:8]}", []

    def begin(environment: dict[str, str]) -> str:
        argv = [sys.executable, "-c", PROGRAM, name]
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return name

    yield begin
    for process in started:
        process.kill()
        process.communicate()


async def test_a_process_and_its_file_share_a_secret(start: Starter, tmp_path: Path) -> None:
    name = start({"JWT_SECRET": f"{BAIT} with space\nand line", "PORT": "8080", "LC_CTYPE": "C.UTF-8"})
    file = tmp_path / "shop.env"
    file.write_text(f'export JWT_SECRET="{BAIT} with space\nand line"\nPORT=80{BAIT}\n')
    options = {"process": name, "required": ["PORT"], "matches": {"PORT": "^[0-9]+$"}, "same_as": {"file": str(file)}}
    same = await look("env", {**options, "shared": ["JWT_SECRET"], "allow": ["LC_*"]})
    other = await look("env", {**options, "shared": ["JWT_SECRET", "PORT"]})
    of_file = await look("env", {"file": str(file), "matches": {"PORT": "^[0-9]+$"}})
    assert same.state is State.OK, same.sentence
    assert other.state is State.FAIL
    assert other.sentence == f'PORT not the same in the process "{name}" and in {file}'
    assert of_file.sentence == f"PORT in {file} not of the expected form"
    assert BAIT not in repr((same, other, of_file))


async def test_what_is_missing_unknown_and_deprecated_in_a_process(start: Starter) -> None:
    name = start({"PATH": f"/{BAIT}", "OLD_KEY": BAIT, "EXTRA": BAIT, "EMPTY": ""})
    seen = await look("env", {"process": name, "required": ["EMPTY", "TOKEN"], "allow": ["PATH", "LC_*"], "deprecated": ["OLD_*"]})
    assert seen.state is State.FAIL
    assert seen.sentence == (
        f'TOKEN not set in the process "{name}", but required; EMPTY empty in the process "{name}", but required; '
        f'OLD_KEY set in the process "{name}", but deprecated; EXTRA set in the process "{name}", but unknown'
    )
    assert seen.values["variables"] >= 4
    assert BAIT not in repr(seen)


def test_a_process_of_another_user_is_unknown(start: Starter) -> None:
    need("setpriv")
    if os.geteuid() != 0:
        missing("only root starts a process that others may not look at")
    name = start({"TOKEN": BAIT})
    options = json.dumps({"process": name, "required": ["TOKEN"]})
    weak = ["setpriv", "--bounding-set=-sys_ptrace,-dac_override,-dac_read_search", "--inh-caps=-all", "--reuid=nobody", "--clear-groups"]
    readable = subprocess.run([*weak, sys.executable, "-c", "import tests"], capture_output=True, check=False).returncode == 0
    if not readable:
        weak = weak[:-2]  # a checkout that others may not read: root without its rights will do
    done = subprocess.run([*weak, sys.executable, "-c", LOOK, options], capture_output=True, text=True, check=False)
    assert BAIT not in done.stdout + done.stderr
    if readable:
        assert done.stdout.startswith("unknown could not look: /proc/"), (done.stdout, done.stderr)
        assert "this user may not read it" in done.stdout


def test_no_value_comes_out_of_the_server_or_the_command_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.env", tmp_path / "bad.env"
    good.write_text(f"TOKEN={BAIT}\nPORT=80\n")
    bad.write_text(f"TOKEN=other{BAIT}\nPORT={BAIT}\n{BAIT} is no assignment\nEXTRA='{BAIT}\n")
    checks = {
        "good": {"env": {"file": str(good), "required": ["TOKEN"], "matches": {"PORT": "^[0-9]+$"}}, "every": "1s"},
        "bad": {
            "env": {
                "file": str(bad),
                "required": ["TOKEN", "NONE"],
                "allow": [],
                "matches": {"PORT": "^[0-9]+$"},
                "shared": ["TOKEN"],
                "same_as": {"file": str(good)},
            },
            "every": "1s",
        },
    }
    directory = operations(tmp_path / "ops", json.dumps({"keepwell": 1, "service": "shop", "checks": checks}))
    with serving(directory, tmp_path / "data") as server:
        server.until({"good": "ok", "bad": "fail"})
        shown = json.dumps([server.get("/api/v1/checks"), server.get("/api/v1/checks/bad"), server.get("/api/v1/changes")])
    once = keepwell("check", str(directory), "--json")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert "NONE not set in" in shown
    assert b"NONE not set in" in stored
    assert "NONE not set in" in once.stdout
    for text in (shown, server.log, once.stdout, once.stderr):
        assert BAIT not in text
    assert BAIT.encode() not in stored
