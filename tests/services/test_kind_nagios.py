"""The ``nagios`` kind with plugins written for the test."""

from pathlib import Path

from keepwell.kernel.states import State
from tests.services.look import look


def plugin(folder: Path, text: str) -> str:
    path = folder / "check_shop"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_a_plugin_with_its_arguments(tmp_path: Path) -> None:
    path = plugin(tmp_path, 'echo "SHOP WARNING - $1 $2|queue=$2;5;9 free=12MB"; exit 1')
    observation = await look("nagios", {"plugin": path, "arguments": ["a b", "7"]})
    assert (observation.state, observation.sentence) == (State.WARN, f'"{path}" ended with status 1: "SHOP WARNING - a b 7"')
    assert (observation.values["queue"], observation.values["free_bytes"]) == (7, 12e6)


async def test_a_plugin_on_the_path_and_none(tmp_path: Path) -> None:
    assert (await look("nagios", {"plugin": "true"})).state is State.OK
    absent = await look("nagios", {"plugin": "check_nothing_at_all"})
    assert absent.state is State.UNKNOWN
    assert "ended with status 127, expected 0 to 3 of a Nagios plugin" in absent.sentence
    assert (await look("nagios", {"plugin": str(tmp_path / "none")})).state is State.UNKNOWN


async def test_a_plugin_that_hangs(tmp_path: Path) -> None:
    observation = await look("nagios", {"plugin": plugin(tmp_path, "sleep 60")}, timeout=0.5)
    assert observation.state is State.FAIL
    assert "had not ended after" in observation.sentence
