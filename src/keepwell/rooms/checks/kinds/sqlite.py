"""The ``sqlite`` kind: whether an SQLite file is sound, its size, that of its write-ahead log, and how much of it is empty.

The file is only read, and no file is made beside it. SQLite's own checks read the whole file: give a large one a long timeout and look
seldom. A look that does not end in time says nothing of the file: unknown.
"""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AskError
from keepwell.kernel.states import State
from keepwell.machine.sqlite_files import Examination, SqliteFacts, examine
from keepwell.ports.host import Host
from keepwell.rooms.checks.limits import BytesLimits, RatioLimits, Verdict, given_or, judge, together
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show

_LOG = (parse_comparison("> 100MB"), parse_comparison("> 1GB"))
_EMPTY = (parse_comparison("> 50%"), parse_comparison("> 90%"))
_PRAGMAS = {"quick": "quick_check", "full": "integrity_check", "none": ""}
_SHOWN = 3


class SqliteOptions(Options):
    """An SQLite file, and what to look at."""

    path: str = Field(min_length=1)
    """The file, an absolute path on the host that Keepwell runs on."""
    check: Literal["quick", "full", "none"] = "quick"
    """``quick`` reads every page and finds damage (PRAGMA quick_check), ``full`` also compares every index with its table (PRAGMA
    integrity_check), ``none`` reads the header only. Whatever is found fails."""
    foreign_keys: bool = False
    """Whether rows must not refer to rows that do not exist (PRAGMA foreign_key_check). Such rows fail."""
    size: BytesLimits | None = None
    """Limits on the size of the file. ``{}`` only measures."""
    log: BytesLimits | None = None
    """Limits on the size of its write-ahead log (-wal), which grows while a reader stays or nobody checkpoints; ``{}`` stands for
    ``{warn: "> 100MB", fail: "> 1GB"}``."""
    free: RatioLimits | None = None
    """Limits on the share of its pages that are empty, which VACUUM would give back; ``{}`` stands for ``{warn: "> 50%", fail:
    "> 90%"}``."""

    @model_validator(mode="after")
    def _is_absolute(self) -> Self:
        if not self.path.startswith("/") or "\0" in self.path:
            raise ValueError(f"path is an absolute path, unlike {show(self.path)}")
        return self


async def probe(options: SqliteOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Looks at the file in a thread. Raises AnswerError and AskError."""
    if host.name != "local":
        raise AskError(f"an SQLite file can be looked at on the host that Keepwell runs on, and not on {host.name}")
    facts = await examine(Examination(options.path, _PRAGMAS[options.check], options.foreign_keys), timeout)
    verdict = together(_verdicts(options, facts))
    values = {
        "size_bytes": float(facts.size),
        "log_bytes": float(facts.log),
        "free_ratio": facts.free_pages / facts.pages if facts.pages else 0.0,
        "problems": float(len(facts.problems)),
        "duration_seconds": facts.seconds,
    }
    if options.foreign_keys:
        values["orphans"] = float(facts.orphans)
    return Observation(verdict.state, verdict.sentence, values, detail="\n".join(facts.problems))


def _verdicts(options: SqliteOptions, facts: SqliteFacts) -> Iterator[Verdict]:
    pragma = _PRAGMAS[options.check]
    took = describe(facts.seconds, Unit.SECONDS)
    if facts.problems:
        shown = "; ".join(show(" ".join(problem.split())) for problem in facts.problems[:_SHOWN])
        more = f" and {len(facts.problems) - _SHOWN} more" if len(facts.problems) > _SHOWN else ""
        yield Verdict(State.FAIL, f"{options.path} is damaged: {pragma} says {shown}{more}, expected nothing")
    elif pragma:
        yield Verdict(State.OK, f"{options.path} is sound ({pragma} in {took}, {_bytes(facts.size)})")
    else:
        yield Verdict(State.OK, f"{options.path} is an SQLite database of {_bytes(facts.size)}")
    if options.foreign_keys:
        rows = "1 row refers" if facts.orphans == 1 else f"{facts.orphans or 'no'} rows refer"
        example = f", the first in {show(facts.orphan_table)}" if facts.orphans else ""
        yield Verdict(State.FAIL if facts.orphans else State.OK, f"{rows} to what does not exist{example}, expected none")
    if options.size is not None:
        yield judge(f"it has {options.size.describe(facts.size)}", facts.size, options.size.warn, options.size.fail)
    if options.log is not None:
        limits = given_or(options.log.warn, options.log.fail, _LOG)
        yield judge(f"its log has {options.log.describe(facts.log)}", facts.log, *limits)
    if options.free is not None and facts.pages:
        ratio = facts.free_pages / facts.pages
        limits = given_or(options.free.warn, options.free.fail, _EMPTY)
        yield judge(f"{describe(ratio, Unit.RATIO)} of its pages are empty", ratio, *limits)


def _bytes(value: float) -> str:
    return describe(value, Unit.BYTES)


DRIVER = Probe(
    summary="Whether an SQLite file is sound, its size, that of its write-ahead log, and how much of it is empty",
    options=SqliteOptions,
    probe=probe,
    values={
        "size_bytes": "the size of the file",
        "log_bytes": "the size of its write-ahead log",
        "free_ratio": "the share of its pages that are empty",
        "problems": "how many faults SQLite's own check names",
        "orphans": "how many rows refer to what does not exist, where foreign_keys is asked for",
        "duration_seconds": "how long the examination took",
    },
    example="""\
checks:
  orders-file:
    sqlite: {path: /var/lib/shop/orders.sqlite3, size: {warn: "> 1GB"}}
    every: 1h
""",
)
