"""The ``systemd`` kind: whether a unit is in the state it should be in, since when, its restarts and its memory; a timer's last and next
run; or, where no unit is named, whether any unit of the host has failed.

It asks ``systemctl show``, whose form is stable across versions and languages, and /proc/uptime for the time that the answers count from.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit as Measure
from keepwell.kernel.comparisons import describe, parse_comparison
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import BytesLimits, NumberLimits, RatioLimits, SecondsLimits, Verdict, given_or, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question, ReadFile
from keepwell.rooms.checks.texts import first_line, show
from keepwell.rooms.checks.units import PROPERTIES, Unit, epoch, parse_unit, uptime

_RESTARTED = (parse_comparison("> 0"), parse_comparison("> 3"))
_FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
_ANY_FAILED = NumberLimits(fail=parse_comparison("> 0"))
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "SYSTEMD_COLORS": "0"}
_LONGEST_LIST = 1024 * 1024
_SHOWN = 10
_UNFINISHED = {"starting", "initializing", "stopping", "maintenance", "offline", "unknown"}
_NO_SYSTEMD = ("Failed to connect to bus", "System has not been booted with systemd", "Access denied", "Connection timed out")


class SystemdOptions(Options):
    """Which unit, and how it should be. Without unit and target: no unit of the host has failed."""

    unit: str | None = Field(default=None, min_length=1, max_length=256, pattern=r"^[A-Za-z0-9:_.@\\-]+$")
    """The unit, for example ``nginx`` (a service, as systemctl reads it), ``backup.timer`` or ``srv.mount``."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target whose ``systemd`` names the unit."""
    state: Literal["active", "inactive", "not-failed"] = "active"
    """What the unit must be. ``not-failed`` is for what runs now and then: it may be active, or at rest after a success."""
    sub_state: str | None = Field(default=None, min_length=1)
    """The sub state that it must have too, as ``systemctl`` prints it in parentheses: running, exited, waiting, mounted, ..."""
    in_state_for: SecondsLimits | None = None
    """Limits on how long the unit has been in its state, for example ``{warn: "< 5m"}`` of one that should not be young."""
    restarts: NumberLimits = NumberLimits()
    """Limits on automatic restarts (``Restart=``) since the check's last look. Without warn and fail: ``> 0`` and ``> 3``."""
    memory: BytesLimits | None = None
    """Limits on the memory of the unit's control group. No limit is usual."""
    memory_share: RatioLimits | None = None
    """Limits on that memory as a share of the unit's ``MemoryMax=``; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    last_run: SecondsLimits | None = None
    """Limits on the time since a timer last elapsed, for example ``{fail: "> 25h"}`` of a daily one. Of timers only."""
    failed: NumberLimits | None = None
    """Without unit and target: limits on how many units have failed; without it ``{fail: "> 0"}``."""
    ignore: tuple[str, ...] = ()
    """Without unit and target: units that may fail; ``*`` stands for anything, as in ``user@*.service``."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.unit is not None and self.target is not None:
            raise ValueError("give one of unit and target, not both")
        of_unit = sorted(self.model_fields_set - {"unit", "target", "failed", "ignore"})
        if self.unit is None and self.target is None and of_unit:
            raise ValueError(f"{of_unit[0]} belongs to one unit: name it by unit, or by a target that has systemd")
        if (self.unit or self.target) and (self.failed is not None or self.ignore):
            raise ValueError("failed and ignore belong to a look at all units: leave out unit and target")
        return self


def ask(options: SystemdOptions, target: Target | None) -> tuple[Question, ...]:
    """What systemd says of the unit, and the host's time; without a unit, what has failed."""
    if options.unit is None and options.target is None:
        return (
            Command(("systemctl", "show", "--no-pager", "--property=SystemState,NFailedUnits"), environment=_ENVIRONMENT),
            Command(
                ("systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager", "--state=failed"),
                environment=_ENVIRONMENT,
                output_limit=_LONGEST_LIST,
            ),
        )
    unit = options.unit or (target.systemd if target is not None else None)
    if not unit:
        raise AskError(f"the target {options.target} has no systemd, so there is no unit to ask for")
    shown = Command(("systemctl", "show", "--no-pager", f"--property={','.join(PROPERTIES)}", "--", unit), environment=_ENVIRONMENT)
    return (shown, ReadFile("/proc/uptime"), Command(("date", "+%s"), environment=_ENVIRONMENT))


def read(options: SystemdOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The unit's state, then its limits; or the units that have failed."""
    for answer in answers:
        if isinstance(answer, Result) and not answer.succeeded and any(word in answer.stderr for word in _NO_SYSTEMD):
            return Observation(State.UNKNOWN, f"could not ask systemd: {show(first_line(answer.stderr))}")
    try:
        if options.unit is None and options.target is None:
            return _all_units(options, text_of(answers[0], "systemctl show"), text_of(answers[1], "systemctl list-units"))
        unit = parse_unit(text_of(answers[0], "systemctl show"))
        now = uptime(text_of(answers[1], "/proc/uptime"))
        return _one_unit(options, unit, now, epoch(text_of(answers[2], "date")), earlier)
    except AnswerError as error:
        return Observation(State.FAIL, str(error))


def _one_unit(options: SystemdOptions, unit: Unit, now: float, calendar: float, earlier: Earlier | None) -> Observation:
    if unit.load in ("not-found", "masked", "bad-setting", "error"):
        what = {"not-found": "does not exist on this host", "masked": "is masked"}.get(unit.load, f"cannot be loaded ({unit.load})")
        said = f": {show(unit.load_error)}" if unit.load_error and unit.load not in ("not-found", "masked") else ""
        return Observation(State.FAIL, f"the unit {show(unit.name)} {what}, expected {_expected(options)}{said}", {"active": 0.0})
    age = None if unit.since is None else max(0.0, now - unit.since)
    values: dict[str, float] = {"active": float(unit.active == "active")}
    values |= {} if age is None else {"in_state_seconds": age}
    verdicts = [_state(options, unit, age)]
    if options.in_state_for is not None and age is not None:
        limits = options.in_state_for
        verdicts.append(judge(f"it has been so for {describe(age, Measure.SECONDS)}", age, limits.warn, limits.fail))
    counters: dict[str, float] = {}
    if unit.restarts is not None:
        values["restarts"] = counters["restarts"] = float(unit.restarts)
        verdicts += _restarts(options, unit.restarts, earlier)
    for reading in (_memory(options, unit), _timer(options, unit, now, calendar)):
        verdicts += reading[0]
        values |= reading[1]
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values, counters)


def _expected(options: SystemdOptions) -> str:
    word = "anything but failed" if options.state == "not-failed" else options.state
    return f"{word} ({options.sub_state})" if options.sub_state is not None else word


def _state(options: SystemdOptions, unit: Unit, age: float | None) -> Verdict:
    good = unit.active != "failed" if options.state == "not-failed" else unit.active == options.state
    good = good and (options.sub_state is None or unit.sub == options.sub_state)
    since = f" for {describe(age, Measure.SECONDS)}" if age is not None else ""
    seen = f"{show(unit.name)} is {unit.active[:40]} ({unit.sub[:40]}){since}, expected {_expected(options)}"
    if good:
        return Verdict(State.OK, seen)
    # What systemd does at this very moment may still end well: activating, deactivating, reloading.
    changing = options.state == "active" and unit.active == "reloading" and options.sub_state is None
    return Verdict(State.OK if changing else State.FAIL, f"{seen}{_why(unit)}")


def _why(unit: Unit) -> str:
    if unit.result in ("", "success"):
        return ""
    code = f", its main process ended {'by signal' if unit.ended_by_signal else 'with status'} {unit.ended_with}" if unit.ended_with else ""
    return f": {unit.result[:40]}{code}"


def _restarts(options: SystemdOptions, restarts: int, earlier: Earlier | None) -> Iterator[Verdict]:
    """Restarts since the last look. The count begins again at 0 when a person starts the unit."""
    before = earlier.counters.get("restarts") if earlier is not None else None
    if before is None or earlier is None:
        return
    new = restarts - before if restarts >= before else restarts
    span = describe(earlier.seconds, Measure.SECONDS)
    seen = f"systemd restarted it {new:g} time{'' if new == 1 else 's'} in the last {span}"
    verdict = judge(seen, new, *given_or(options.restarts.warn, options.restarts.fail, _RESTARTED))
    if verdict.state is not State.OK or options.restarts.model_fields_set:
        yield verdict


def _memory(options: SystemdOptions, unit: Unit) -> tuple[list[Verdict], dict[str, float]]:
    if unit.memory is None:
        wanted = options.memory is not None or options.memory_share is not None
        return [Verdict(State.UNKNOWN, "systemd does not account its memory (MemoryAccounting=)")] if wanted else [], {}
    used, verdicts, values = float(unit.memory), [], {"memory_bytes": float(unit.memory)}
    if options.memory is not None:
        verdicts.append(judge(f"it uses {options.memory.describe(used)} of memory", used, options.memory.warn, options.memory.fail))
    if unit.memory_limit:
        values["memory_used_ratio"] = used / unit.memory_limit
    if options.memory_share is not None and not unit.memory_limit:
        verdicts.append(Verdict(State.UNKNOWN, "it has no MemoryMax= to compare its memory with"))
    elif options.memory_share is not None:
        ratio, limits = values["memory_used_ratio"], options.memory_share
        seen = f"it uses {describe(ratio, Measure.RATIO)} of the memory that it may ({describe(unit.memory_limit or 0, Measure.BYTES)})"
        verdicts.append(judge(seen, ratio, *given_or(limits.warn, limits.fail, _FULL)))
    return verdicts, values


def _timer(options: SystemdOptions, unit: Unit, now: float, calendar: float) -> tuple[list[Verdict], dict[str, float]]:
    if not unit.name.endswith(".timer"):
        wrong = Verdict(State.UNKNOWN, f"last_run is of timers, and {show(unit.name)} is none")
        return ([wrong] if options.last_run is not None else []), {}
    verdicts, values = [], {}
    if unit.last_run is not None:
        values["last_run_age_seconds"] = age = max(0.0, calendar - unit.last_run)
        limits = options.last_run or SecondsLimits()
        verdicts.append(judge(f"it last ran {describe(age, Measure.SECONDS)} ago", age, limits.warn, limits.fail))
    else:
        verdicts.append(Verdict(State.FAIL if options.last_run else State.OK, "it has never run"))
    waits = [unit.next_run - calendar] if unit.next_run is not None else []
    waits += [unit.next_run_after_start - now] if unit.next_run_after_start is not None else []
    if waits:
        values["next_run_seconds"] = max(0.0, min(waits))
        verdicts.append(Verdict(State.OK, f"it runs next in {describe(values['next_run_seconds'], Measure.SECONDS)}"))
    elif unit.active == "active" and unit.sub != "running":
        verdicts.append(Verdict(State.WARN, "it has no next run"))
    return verdicts, values


def _all_units(options: SystemdOptions, manager: str, listed: str) -> Observation:
    state = dict(line.split("=", 1) for line in manager.splitlines() if "=" in line).get("SystemState", "")
    if not state:
        raise AnswerError(f"systemctl gave no usable answer: {show(first_line(manager))}")
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    ignored = [name for name in names if any(fnmatchcase(name, pattern) for pattern in options.ignore)]
    failed = [name for name in names if name not in ignored]
    limits = options.failed or _ANY_FAILED
    which = f": {', '.join(show(name) for name in failed[:_SHOWN])}{', …' if len(failed) > _SHOWN else ''}" if failed else ""
    aside = f" ({len(ignored)} ignored)" if ignored else ""
    seen = f"{len(failed) or 'no'} unit{'s have' if len(failed) > 1 else ' has'} failed{aside}"
    verdict = judge(seen, len(failed), limits.warn, limits.fail)
    verdicts = [Verdict(verdict.state, verdict.sentence + which)]
    verdicts += [Verdict(State.WARN, f"the host is {state[:40]}, expected running")] if state in _UNFINISHED else []
    summary = together(verdicts)
    return Observation(summary.state, summary.sentence, {"failed_units": float(len(failed)), "ignored_units": float(len(ignored))})


DRIVER = Kind(
    summary="Whether a unit of systemd is in the state it should be in, since when, its restarts and memory; or whether any unit failed",
    options=SystemdOptions,
    ask=ask,
    read=read,
    target_key="systemd",
    values={
        "active": "1 where the unit is active, else 0",
        "in_state_seconds": "how long it has been in its state",
        "restarts": "how often systemd has restarted it since a person started it",
        "memory_bytes": "the memory of its control group",
        "memory_used_ratio": "the same as a share of MemoryMax=",
        "last_run_age_seconds": "how long ago a timer last elapsed",
        "next_run_seconds": "how long until a timer elapses next",
        "failed_units": "without a unit: how many units have failed",
        "ignored_units": "how many of these may fail",
    },
    example="""\
checks:
  shop:
    systemd: {unit: shop.service, memory: {warn: "> 800MB"}}
    every: 30s
  units:
    systemd: {}
""",
)
