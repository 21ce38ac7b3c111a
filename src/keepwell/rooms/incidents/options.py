"""The section ``incidents``."""

import json
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from keepwell.config.options import Duration, Options, Reference
from keepwell.kernel.durations import format_duration
from keepwell.kernel.quoting import quoted
from keepwell.ports.runner import Command

from .model import Policy, Severity

LONGEST = timedelta(days=3650)
"""The longest time that is promised: one that ends within the calendar."""


def _some_time(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise PydanticCustomError("quantity", "{reason}", {"reason": "this is no length of time: write one above 0s"})
    return value


def _not_for_ever(value: timedelta) -> timedelta:
    if value > LONGEST:
        reason = f"nobody waits so long: write at most {format_duration(LONGEST)}, or nothing where nothing is promised"
        raise PydanticCustomError("quantity", "{reason}", {"reason": reason})
    return value


OUTPUT_LIMIT = 512 * 1024
"""Bytes of what a diagnostic prints that are kept; of a longer output its head and its tail."""

Promised = Annotated[Duration, AfterValidator(_some_time), AfterValidator(_not_for_ever)]
Word = Annotated[str, Field(min_length=1, max_length=100)]


class SeverityOptions(Options):
    """How quickly an incident of this severity is answered."""

    respond: Annotated[Duration, AfterValidator(_not_for_ever)] | None = None
    """How soon somebody acknowledges it; ``0m`` is at once: it is overdue until somebody does."""
    update: Promised | None = None
    """How often those who wait hear something, until it is resolved: a note is an update."""
    resolve: Promised | None = None
    """How soon it is resolved."""
    means: str = ""
    """What this severity means."""
    examples: str = ""
    """What is of this severity."""
    note: str = ""
    """What else is promised, in words."""
    runbook: str = ""
    """The runbook for such incidents, such as runbooks/p1.md."""

    def severity(self, name: str, rank: int) -> Severity:
        """The severity of that name."""
        runbook = self.runbook.removeprefix("./")
        return Severity(name, rank, self.respond, self.update, self.resolve, self.means, self.examples, self.note, runbook)


class DiagnosticOptions(Options):
    """A command whose output is evidence. Exactly one of run and shell. It runs only when a person accepted exactly this."""

    run: tuple[Word, ...] | None = Field(default=None, min_length=1)
    """Program and arguments, one by one, for example ``[journalctl, -u, api, --since, -1h]``. No shell reads them."""
    shell: Annotated[str, Field(min_length=1)] | None = None
    """Text for ``/bin/sh -c``, exactly as it stands here."""
    on: Annotated[str, Reference("hosts", also="local")] = "local"
    """The host that it runs on."""
    timeout: Promised = timedelta(minutes=1)
    """How long it may take."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.run is None) == (self.shell is None):
            raise ValueError("give exactly one of run (a list: program and arguments) and shell (text for /bin/sh)")
        return self

    @property
    def text(self) -> str:
        """What is accepted: the shell's text, or the program and its arguments as a JSON list."""
        return self.shell if self.shell is not None else json.dumps(self.run, ensure_ascii=False)

    @property
    def command(self) -> Command:
        """The command."""
        argv = self.run if self.run is not None else ("/bin/sh", "-c", self.shell or "")
        return Command(argv, timeout=self.timeout.total_seconds(), output_limit=OUTPUT_LIMIT)


class IncidentsOptions(Options):
    """Severities, and what is collected when an incident opens."""

    severities: dict[Word, SeverityOptions] = Field(default_factory=dict)
    """The severities by name, the most severe first, for example ``P1: {respond: 15m, update: 30m}``."""
    opens: dict[Word, Word] | None = None
    """Which incident an alert opens by its label ``severity``, beside the names of those severities that somebody is to respond to. Without
    it an alert that is critical opens one of the most severe; ``{}`` for none."""
    diagnostics: dict[Word, DiagnosticOptions] = Field(default_factory=dict)
    """Commands whose output is kept with every incident, run when it opens, before anybody repairs anything."""

    @model_validator(mode="after")
    def _opens_what_there_is(self) -> Self:
        for label, name in (self.opens or {}).items():
            if name not in self.severities:
                raise ValueError(f"opens.{label} names {quoted(name)}, which is none of the severities")
        folded = [name.lower() for name in self.severities]
        if len(set(folded)) < len(folded):
            raise ValueError("two severities differ only in capital letters")
        return self

    @property
    def policy(self) -> Policy:
        """All of it as values."""
        severities = {name: options.severity(name, rank) for rank, (name, options) in enumerate(self.severities.items())}
        first = next(iter(severities), None)
        opens = self.opens if self.opens is not None else {"critical": first} if first is not None else {}
        by_name = {name: name for name, severity in severities.items() if severity.respond is not None}
        return Policy(severities, {label.lower(): name for label, name in {**opens, **by_name}.items()})
