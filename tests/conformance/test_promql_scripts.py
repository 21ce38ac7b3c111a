"""Prometheus' own test scripts of PromQL: whatever of them is in the declared scope passes."""

from pathlib import Path

import pytest

from keepwell.rooms.promql.scope import REFUSALS
from tests.conformance.promql import run
from tests.conformance.promql_store import NATIVE
from tests.support import OUTSIDE_CASES, outside

SCRIPTS = sorted((OUTSIDE_CASES / "conformance" / "promql").glob("*.test"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_a_script_passes_in_what_is_in_scope(path: Path) -> None:
    tally = await run(path)
    assert tally.failures == []
    assert tally.passed > 0
    assert set(tally.skipped) <= {NATIVE, *(refusal.construct for refusal in REFUSALS)}


def test_the_scripts_are_there() -> None:
    assert list(outside("conformance", "promql").glob("*.test")) == SCRIPTS or SCRIPTS


SMALL = """
load 10s
  metric{l="a"} 1+1x5 _ stale 0x2
  metric{l="b"} {{sum:1 count:1}}x3

eval instant at 50s metric{l="a"}
  metric{l="a"} %s

eval instant at 10s metric
  metric{l="a"} 2

eval instant at 10s mad_over_time(metric{l="a"}[1m])
  {l="a"} 2
"""


@pytest.mark.parametrize(("expected", "passed"), [("6", 1), ("7", 0), ("_", 0)])
async def test_the_runner_counts_passed_failed_and_skipped(tmp_path: Path, expected: str, passed: int) -> None:
    script = tmp_path / "small.test"
    script.write_text(SMALL % expected)
    tally = await run(script)
    assert (tally.passed, len(tally.failures)) == (passed, 1 - passed)
    assert dict(tally.skipped) == {NATIVE: 1, "experimental function": 1}


@pytest.mark.parametrize(
    "block",
    [
        "eval instant at 0 vector(1)\n  expect warn\n  {} 1",
        "eval instant at 0 vector(1)\n  expect fail",
        "eval_fail instant at 0 vector(1)",
        "eval instant at 0 quantile(2, vector(1))\n  expect no_warn\n  {} +Inf",
        "eval instant at 0 quantile(2, vector(1))\n  expect warn msg: PromQL warning: something else\n  {} +Inf",
        'eval instant at 0 sort(label_replace(vector(1), `a`, `b`, ``, ``) or vector(2))\n  expect ordered\n  {} 2\n  {a="b"} 1',
        'eval instant at 0 "a"\n  expect string "b"',
        "eval instant at 0 1\n  {} 1",
        "eval range from 0 to 2m step 1m vector(1)\n  {} 1 1",
        "eval instant at 0 -{__name__=~`a|b`}\n  expect fail msg: another message",
        "evil instant at 0 1",
    ],
)
async def test_the_runner_finds_what_does_not_fit(tmp_path: Path, block: str) -> None:
    script = tmp_path / "wrong.test"
    script.write_text("load 1m\n  a 1 1\n  b 1 1\n\n" + block + "\n")
    tally = await run(script)
    assert len(tally.failures) == 1
    assert tally.passed == 0
