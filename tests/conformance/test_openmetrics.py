"""OpenMetrics' own cases, and that the program which runs them tells right from wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.openmetrics import cases, run_case
from tests.support import outside

VALID = "# TYPE a counter\n# HELP a help\na_total 1\n# EOF\n"


def _case(folder: Path, text: bytes, should: object, kind: str = "text") -> Path:
    folder.mkdir(parents=True)
    (folder / "metrics").write_bytes(text)
    (folder / "test.json").write_text(json.dumps({"type": kind, "file": "metrics", "shouldParse": should}))
    return folder


def _run(*arguments: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.conformance.openmetrics", *map(str, arguments)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)


def test_all_shared_cases_hold() -> None:
    outcomes = [run_case(case) for case in cases([outside("conformance", "openmetrics")])]
    assert outcomes
    assert [str(outcome) for outcome in outcomes if outcome.word != "passed"] == []


def test_the_large_exposition_is_valid_in_its_own_format() -> None:
    from keepwell.rooms.samples.scraping.parse import prometheus_text

    page = prometheus_text(outside("conformance", "openmetrics.alltypes.237mfs.prom.txt").read_text("utf-8"))
    assert len(page) > 1000


@pytest.mark.parametrize(
    ("text", "should", "word"),
    [
        (VALID.encode(), True, "passed"),
        (VALID.encode(), False, "failed"),
        (b"a 1\n", False, "passed"),
        (b"a 1\n", True, "failed"),
        (b'# TYPE a gauge\na{b="\xff"} 1\n# EOF\n', False, "passed"),
        (b"", False, "passed"),
    ],
)
def test_a_case_is_judged_by_what_it_says(tmp_path: Path, text: bytes, should: bool, word: str) -> None:
    assert run_case(_case(tmp_path / "case", text, should)).word == word


def test_the_program_runs_one_case_or_a_folder_of_them(tmp_path: Path) -> None:
    good = _case(tmp_path / "some" / "good", VALID.encode(), True)
    done = _run(good)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed, 0 skipped")
    _case(tmp_path / "some" / "other", b"\x08\x01", True, "protobuf")
    _case(tmp_path / "some" / "wrong", VALID.encode(), False)
    done = _run(tmp_path / "some")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "1 passed, 1 failed, 1 skipped")
    assert len(done.stdout.splitlines()) == 4


def test_a_case_that_is_none_is_a_failure_and_no_case_an_error(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    assert _run(tmp_path / "case").returncode == 2
    (tmp_path / "case" / "test.json").write_text("[]")
    done = _run(tmp_path / "case")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "0 passed, 1 failed, 0 skipped")
    assert _run(tmp_path / "absent").returncode == 2
    assert _run().returncode == 2
