"""The ``keepwell`` kind: what Keepwell itself did last: when a backup was last proven, when a task last succeeded.

The records are other rooms' (the port ``Records``); a version without such a room says so, and the check is ``unknown``.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Comparison, Unit, describe, parse_comparison
from keepwell.kernel.problems import AskError
from keepwell.kernel.states import State
from keepwell.ports.host import Host
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, given_or, judge, together
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show

_PROOF = (parse_comparison("> 8d"), parse_comparison("> 15d"))
_TASK = (parse_comparison("> 25h"), parse_comparison("> 49h"))


class ProofOptions(SecondsLimits):
    """How long ago a backup was last proven by restoring it. Without warn and fail: ``> 8d`` and ``> 15d``."""

    backup: str | None = Field(default=None, min_length=1)
    """The backup's name. Without it: of all backups the one that was proven longest ago."""


class TaskOptions(SecondsLimits):
    """How long ago a task last succeeded. Without warn and fail: ``> 25h`` and ``> 49h``."""

    name: str = Field(min_length=1)
    """The task's name."""


class KeepwellOptions(Options):
    """What of Keepwell's own work is looked at: proof, task, or both. ``{}`` stands for the limits that its text names."""

    proof: ProofOptions | None = None
    """The age of the newest proven backup."""
    task: TaskOptions | None = None
    """The age of a task's last success."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.proof is None and self.task is None:
            raise ValueError("give at least one of proof and task")
        return self


async def probe(options: KeepwellOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Asks for the records. Raises AskError where nobody keeps them."""
    now, values = host.clock.now(), dict[str, float]()
    verdicts: list[Verdict] = []
    if options.proof is not None:
        if host.records is None:
            raise AskError("this version proves no backups")
        name = f"the backup {show(options.proof.backup)}" if options.proof.backup else "the backup that was proven longest ago"
        at = await host.records.newest_proof(options.proof.backup)
        verdicts += _aged(f"{name} was last proven", at, now, options.proof, _PROOF)
        values |= _age("proof_age_seconds", at, now)
    if options.task is not None:
        if host.records is None:
            raise AskError("this version runs no tasks")
        at = await host.records.last_success(options.task.name)
        verdicts += _aged(f"the task {show(options.task.name)} last succeeded", at, now, options.task, _TASK)
        values |= _age("task_age_seconds", at, now)
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


def _aged(words: str, at: datetime | None, now: datetime, limits: SecondsLimits, usual: tuple[Comparison, Comparison]) -> Iterator[Verdict]:
    if at is None:
        yield Verdict(State.FAIL, words.replace(" last ", " never "))
        return
    age = max(0.0, (now - at).total_seconds())
    yield judge(f"{words} {describe(float(round(age)), Unit.SECONDS)} ago", age, *given_or(limits.warn, limits.fail, usual))


def _age(name: str, at: datetime | None, now: datetime) -> dict[str, float]:
    return {name: max(0.0, (now - at).total_seconds())} if at is not None else {}


DRIVER = Probe(
    summary="What Keepwell itself did last: the age of the newest proven backup, and of a task's last success",
    options=KeepwellOptions,
    probe=probe,
    values={
        "proof_age_seconds": "how long ago the backup was last proven",
        "task_age_seconds": "how long ago the task last succeeded",
    },
    example="""\
checks:
  proven-backup:
    keepwell: {proof: {warn: "> 8d", fail: "> 15d"}}
    every: 1h
""",
)
