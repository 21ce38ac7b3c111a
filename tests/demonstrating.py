"""``keepwell demo`` for tests: run as a person runs it, and stopped at the end."""

import json
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import KEEPWELL, environment
from tests.support import wait_until


@contextmanager
def demonstration(folder: Path) -> Iterator[dict[str, Any]]:
    """A running demonstration without nginx: what it said of itself, and its environment under ``environment``."""
    with tempfile.TemporaryDirectory(prefix="kw", dir="/tmp") as runtime:
        own = {"XDG_RUNTIME_DIR": runtime, "TMPDIR": str(folder)}
        argv = [KEEPWELL, "demo", "--no-front", "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(**own)) as process:
            try:
                assert process.stdout is not None
                said = ""
                while not said.endswith("\n}\n"):
                    line = process.stdout.readline()
                    assert line, said
                    said += line
                told = json.loads(said)
                wait_until(lambda: _answers(told["page"]), 30, "an answer of the demonstration")
                yield {**told, "environment": own}
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
