"""Whether a job's calls came as they should: pure, from what was heard and what time it is."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from keepwell.kernel.cadences import next_instant
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.kernel.zones import wall
from keepwell.ports.pings import Heard, Silence
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Observation
from keepwell.rooms.checks.texts import first_line, show

from .options import HeartbeatOptions


def look(options: HeartbeatOptions, heard: Heard, silence: Silence, now: datetime) -> Observation:
    """The newest end of a run, whether the next is due, late or missing, and the runs that are under way: the worst is the state."""
    verdicts = [*_ended(heard, now), _due(options, heard, silence, now), *_runs(options, heard, now)]
    verdict = together(verdicts)
    values = {"pings_total": float(heard.count), "runs_under_way": float(len(heard.running))}
    if heard.ended_at is not None:
        values["last_end_age_seconds"] = _seconds(now - heard.ended_at)
        values["last_run_failed"] = 0.0 if heard.ended_well else 1.0
    if heard.seconds is not None:
        values["run_seconds"] = heard.seconds
    if heard.status is not None:
        values["exit_status"] = float(heard.status)
    return Observation(verdict.state, verdict.sentence, values, detail=heard.text)


def _ended(heard: Heard, now: datetime) -> Iterator[Verdict]:
    if heard.ended_at is None:
        return
    ago = _words(now - heard.ended_at)
    took = f" after {_words(timedelta(seconds=heard.seconds))}" if heard.seconds is not None else ""
    if heard.ended_well:
        yield Verdict(State.OK, f"the last run succeeded {ago} ago{took}")
        return
    status = f" with exit status {heard.status}" if heard.status is not None else ""
    said = first_line(heard.text)
    yield Verdict(State.FAIL, f"the last run failed {ago} ago{took}{status}{f': {show(said)}' if said else ''}")


def _due(options: HeartbeatOptions, heard: Heard, silence: Silence, now: datetime) -> Verdict:
    due = _next(options, heard.ended_at or heard.since, heard.ended_at is not None)
    if due is None:
        return Verdict(State.UNKNOWN, "its cadence never comes true, so no run is ever due")
    if due < silence.until and due + options.grace > silence.since:
        # It may have called while nobody listened: the next time tells.
        later = _next(options, silence.until, False)
        if later is not None and now <= later + options.grace:
            lost = f"a run was due at {_at(options, due)}, when Keepwell did not run, so its call may be lost"
            return Verdict(State.UNKNOWN, f"{lost}; the next is due at {_at(options, later)}")
    over = now - due
    if over > timedelta(0) and any(began > (heard.ended_at or heard.since) for began in heard.running.values()):
        return Verdict(State.OK, f"the run that was due at {_at(options, due)} is under way")
    given = f"{_words(options.grace)} are given"
    for state, word, bound in ((State.FAIL, "missing", options.grace), (State.WARN, "late", options.warns_after)):
        if over > bound:
            return Verdict(state, f"{word}: a run was due at {_at(options, due)}, {_words(over)} ago, {given}")
    if heard.ended_at is None:
        return Verdict(State.UNKNOWN, f"no run has ended yet; the first is due at {_at(options, due)}, {given}")
    return Verdict(State.OK, f"the next is due at {_at(options, due)}, {given}")


def _next(options: HeartbeatOptions, after: datetime, is_end: bool) -> datetime | None:
    """When the next success is due: a period after the last one, or at the next instant of the cadence.

    A run that a cadence begins at 03:00 and that ends at 02:59:58 by the clock of its own machine is the run of 03:00.
    """
    cadence = options.recurs
    if cadence is None:
        assert options.period is not None
        return after + options.period
    first = next_instant(cadence, after)
    if not is_end or first is None or first - after > timedelta(seconds=2):
        return first
    return next_instant(cadence, first)


def _runs(options: HeartbeatOptions, heard: Heard, now: datetime) -> Iterator[Verdict]:
    limits = options.run_time or SecondsLimits()
    if heard.seconds is not None and options.run_time is not None:
        yield judge(f"the last run took {_words(timedelta(seconds=heard.seconds))}", heard.seconds, limits.warn, limits.fail)
    if not heard.running:
        return
    began = min(heard.running.values())
    going = max(timedelta(0), now - began)
    several = f" (and {len(heard.running) - 1} more)" if len(heard.running) > 1 else ""
    seen = f"a run has been under way for {_words(going)}{several}"
    if options.run_time is not None and limits.fail is not None:
        yield judge(seen, going.total_seconds(), limits.warn, limits.fail)
    elif going > options.grace:
        yield Verdict(State.FAIL, f"{seen} and has not ended, {_words(options.grace)} are given")
    else:
        yield judge(seen, going.total_seconds(), limits.warn, None)


def _seconds(span: timedelta) -> float:
    return max(0.0, span.total_seconds())


def _words(span: timedelta) -> str:
    seconds = _seconds(span)
    return describe(float(round(seconds)) if seconds >= 10 else seconds, Unit.SECONDS)


def _at(options: HeartbeatOptions, instant: datetime) -> str:
    cadence = options.recurs
    if cadence is None:
        return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
    return f"{wall(instant, cadence.zone):%Y-%m-%d %H:%M} {options.zone}"
