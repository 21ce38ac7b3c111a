"""The ``command`` kind with real programs."""

import os
import time
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from tests.services.look import look


async def test_a_program_that_succeeds() -> None:
    seen = await look("command", {"run": ["printf", "%s|%s", "a b", "$HOME"], "expect": {"output_matches": r"^a b\|\$HOME$"}})
    assert seen.state is State.OK, seen.sentence
    assert seen.detail == "a b|$HOME"
    assert 0 < seen.values["duration_seconds"] < 10


async def test_a_program_that_fails_says_why() -> None:
    seen = await look("command", {"shell": "echo trouble >&2; exit 3"})
    assert seen.state is State.FAIL
    assert seen.sentence == '"echo trouble >&2; exit 3" ended with status 3, expected 0: "trouble"'


async def test_everything_reaches_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_TEST_SECRET", "hunter2hunter2")
    options = {
        "shell": 'pwd; cat; echo "$PLAIN"; test "$HIDDEN" = hunter2hunter2 && echo same; echo "$HIDDEN"',
        "environment": {"PLAIN": "${NOT_EXPANDED}"},
        "secrets": {"HIDDEN": "secret:KEEPWELL_TEST_SECRET"},
        "directory": str(tmp_path),
        "input": "from input\n",
    }
    seen = await look("command", options)
    assert seen.state is State.OK, seen.sentence
    assert seen.detail.split("\n") == [str(tmp_path), "from input", "${NOT_EXPANDED}", "same", "[redacted]"]


async def test_the_first_number_is_judged() -> None:
    seen = await look("command", {"shell": "echo queue-1: 15 jobs", "value": {"warn": "> 10", "fail": "> 20"}})
    assert seen.state is State.WARN
    assert seen.values["value"] == 15


async def test_a_program_that_hangs_is_killed_and_fails(tmp_path: Path) -> None:
    started = time.monotonic()
    seen = await look("command", {"shell": f"echo $$ > {tmp_path}/pid; sleep 60 & wait"}, timeout=0.5)
    assert seen.state is State.FAIL
    assert "had not ended after " in seen.sentence
    assert time.monotonic() - started < 5
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_a_program_that_is_missing_is_our_own_fault() -> None:
    seen = await look("command", {"run": ["keepwell-no-such-program"]})
    assert seen.state is State.UNKNOWN
    assert "keepwell-no-such-program" in seen.sentence


async def test_more_output_than_is_kept() -> None:
    seen = await look(
        "command", {"shell": "yes | head -c 1000000; echo END", "expect": {"output_contains": "END", "output_not_contains": "X"}}
    )
    assert seen.state is State.FAIL
    assert "its output is longer than the limit" in seen.sentence
    assert len(seen.detail) < 100_000


async def test_a_plugin(tmp_path: Path) -> None:
    plugin = tmp_path / "check_answer"
    plugin.write_text("#!/bin/sh\necho \"ANSWER $2 - 42 | 'the answer'=42ms;50;100\"\nexit $1\n")
    plugin.chmod(0o755)
    states = []
    for status in range(5):
        seen = await look("command", {"run": [str(plugin), str(status), "SEEN"], "nagios": True})
        states.append(seen.state)
        assert status > 3 or seen.values["the_answer_seconds"] == pytest.approx(0.042)
        assert status > 3 or '"ANSWER SEEN - 42"' in seen.sentence
    assert states == [State.OK, State.WARN, State.FAIL, State.UNKNOWN, State.UNKNOWN]
