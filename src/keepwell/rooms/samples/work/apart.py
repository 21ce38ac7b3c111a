"""Asks a process of its own (``files/apart.py``) for what files hold: Arrow, which reads them, does not come into this one."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np

from keepwell.rooms.samples.model import Rows

PATIENCE = 60.0
"""Seconds after which the process is ended."""

_PROGRAM = "keepwell.rooms.samples.files.apart"
_log = logging.getLogger("keepwell.samples")


def read_apart(folder: Path, start: int) -> Rows | None:
    """Every raw sample in files from ``start`` on (milliseconds since 1970), sorted by (series, at); None where that process cannot do it.
    Blocks."""
    # -P: a folder named keepwell where the server was started is not the program.
    words = (sys.executable, "-P", "-m", _PROGRAM, str(folder), str(start))
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True)
        return _rows(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        _log.warning("the newest samples are read in this process", extra={"facts": {"why": str(error)[:300]}})
        return None


def _rows(output: bytes) -> Rows:
    """Raises ValueError, KeyError, TypeError for what that program does not write."""
    line, _, content = output.partition(b"\n")
    number = int(json.loads(line)["rows"])
    if len(content) != 20 * number:
        raise ValueError("it ended in the middle")
    at, value = np.frombuffer(content, np.int64, number), np.frombuffer(content, np.float64, number, 8 * number)
    return Rows(np.frombuffer(content, np.int32, number, 16 * number), at, value)
