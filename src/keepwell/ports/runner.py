"""Programs: a command to run on a host, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start. Values travel in ``argv``, ``environment`` or ``input``, never pasted into a shell's text.

    ``environment`` is added to the few variables that the runner lets through. ``secrets`` are environment values that stand here
    as references (``secret:NAME``) and are resolved at the last moment; their values are redacted from the output.
    ``timeout`` is in seconds; at its end the whole process group is killed. ``output_limit`` caps each of stdout and stderr in bytes:
    of a longer one its head and its tail are kept. ``package`` is what brings the program, told where it is missing.
    """

    argv: tuple[str, ...]
    input: bytes | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None
    timeout: float = 30.0
    output_limit: int = 64 * 1024
    package: str = ""

    @property
    def brought_by(self) -> str:
        """The end of the sentence that its program is missing: which package brings it, where that is known."""
        return f" (the package {self.package} brings it)" if self.package else ""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended: with ``status``, or by ``signal``, or killed by us at its time limit (``timed_out``).

    ``stdout`` and ``stderr`` are decoded as UTF-8 with replacement, redacted; ``dropped`` counts
    the bytes left out of each (stdout, stderr).
    """

    status: int | None
    signal: int | None
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False
    dropped: tuple[int, int] = (0, 0)

    @property
    def succeeded(self) -> bool:
        """Whether the program ended by itself with status 0."""
        return self.status == 0 and not self.timed_out


class Runner(Protocol):
    """Runs commands on one host."""

    async def run(self, command: Command) -> Result:
        """Runs it to its end or its time limit. Raises AskError where it cannot be started (missing, not executable)."""
        ...
