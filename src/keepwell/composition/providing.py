"""What ``keepwell provide`` asks of the other rooms: which runbooks, log policies, backups and audits an operations directory has."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.composition import verbs

if TYPE_CHECKING:
    from keepwell.rooms.manual.provide.decide import Facts


def facts(directory: str) -> "Facts":
    """See ``rooms.manual.provide.decide.Facts``. Raises ConfigurationError."""
    from keepwell.config.runbook_files import read_runbooks, runbook_paths
    from keepwell.rooms.manual.provide.decide import Facts

    operations = verbs.load(directory)
    folder = Path(directory)
    steps = {runbook.path: tuple(step.name for step in runbook.steps) for runbook in read_runbooks(folder, runbook_paths(folder))}
    rotations = [name for name, options in operations.options("logs").items() if getattr(options, "rotate", None) is not None]
    return Facts(steps, rotations, tuple(operations.entries("backups")), tuple(operations.entries("audits")))


def keepwell() -> str:
    """The program that runs now, as a wrapper calls it."""
    beside = Path(sys.executable).with_name("keepwell")
    return str(beside) if beside.is_file() else shutil.which("keepwell") or "keepwell"
