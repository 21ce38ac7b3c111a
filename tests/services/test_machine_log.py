"""Keepwell's own log, as it stands on standard error of a process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keepwell
from keepwell.machine.log import configure_logging

SCRIPT = """
import logging, sys
from keepwell.machine.log import configure_logging
configure_logging("text", "error")
configure_logging(sys.argv[1], "info", lambda text: text.replace("s3cret", "[redacted]"))
log = logging.getLogger("keepwell.checks")
log.debug("not shown")
log.info("answered", extra={"facts": {"check": "api", "seconds": 0.5, "name": "with space"}})
log.warning("forged\\n2026-11-22T10:00:00Z error checks: x\\x1b[31m %s", "s3cret", extra={"key": "s3cret"})
try:
    raise ValueError("s3cret")
except ValueError:
    log.exception("broke")
logging.getLogger("other.library").error("said")
"""


def _lines(form: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(keepwell.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", SCRIPT, form], capture_output=True, text=True, env=environment, timeout=30, check=True)
    assert done.stdout == ""
    assert "s3cret" not in done.stderr
    return done.stderr.splitlines()


def test_one_line_of_text_an_event() -> None:
    lines = _lines("text")
    assert len(lines) == 4
    times = [line.partition(" ")[0] for line in lines]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp) for stamp in times)
    rest = [line.partition(" ")[2] for line in lines]
    assert rest[0] == 'info checks: answered check=api seconds=0.5 name="with space"'
    assert rest[1] == r"warning checks: forged\n2026-11-22T10:00:00Z error checks: x\x1b[31m [redacted] key=[redacted]"
    assert rest[2].startswith(r'error checks: broke traceback="Traceback (most recent call last):\n')
    assert rest[2].endswith(r'ValueError: [redacted]"')
    assert rest[3] == "error other.library: said"


def test_one_json_object_an_event() -> None:
    records = [json.loads(line) for line in _lines("json")]
    assert len(records) == 4
    first = records[0]
    assert (first["level"], first["logger"], first["message"]) == ("info", "checks", "answered")
    assert (first["check"], first["seconds"], first["name"]) == ("api", 0.5, "with space")
    assert records[1]["message"] == "forged\n2026-11-22T10:00:00Z error checks: x\x1b[31m [redacted]"
    assert records[2]["traceback"].endswith("ValueError: [redacted]")


@pytest.mark.parametrize(("form", "level"), [("xml", "info"), ("text", "loud")])
def test_another_format_or_level_is_refused(form: str, level: str) -> None:
    with pytest.raises(ValueError, match="a log is written as text or json"):
        configure_logging(form, level)
