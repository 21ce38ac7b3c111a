"""Runbooks as values: a Markdown file, its front matter, and its steps in the order of the text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

CHECKLIST = "checklist"
"""The language of a step that is a line of a checklist: a person does it and ticks it."""

SHELLS = ("sh", "bash", "shell", "")
"""The languages of steps that a shell runs."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a runbook: a fence with a name, or a line of a checklist. ``line`` is where the manual has it (None where that is not
    said); ``operation`` is empty for shell text as the manual has it; ``disposition`` is ``carried`` where the fence says nothing else;
    ``missing`` are names of what nobody supplied, ``asks`` of what each run is asked for. ``notes`` are the sentences quoted above it.

    ``verify`` is a check's name or a command that tells whether its effect is there, ``idempotent`` whether doing it twice is as doing it
    once, ``timeout`` how long it may take (None: as long as usual), ``strict`` whether the shell stops at the first command that fails
    (None: unless it is a script with a first line ``#!``, which runs as it was written)."""

    number: int
    name: str
    language: str
    text: str
    operation: str = ""
    disposition: str = "carried"
    rule: str = ""
    missing: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    line: int | None = None
    notes: tuple[str, ...] = ()
    verify: str = ""
    idempotent: bool = False
    timeout: timedelta | None = None
    strict: bool | None = None
    fault: str = ""
    """What is wrong with its attributes, in one sentence."""


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook file: its front matter, title and steps. ``fault``: why it could not be read, in one sentence."""

    path: str
    title: str = ""
    front: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    fault: str = ""
